"""Names functions of Apple's systems with symbols that the operator has put somewhere.

    image of the system ─► <first two digits of its UUID>/<the others>/debuginfo, executable
                        ─► unpacked ─► child ─► symcache in the cache of this machine

Apple gives these files to nobody but its developers, with each iPhone that is connected to a Mac,
so they cannot come with Playhead. `symsorter` of Sentry's Symbolicator sorts them into folders of
this layout, which it calls "unified". They are the same for all projects.

Source: https://getsentry.github.io/symbolicator/advanced/symbol-server-compatibility/
"""

import asyncio
import gzip
import os
import secrets
import time
import zlib
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard

from app.core import log
from app.core.errors import MalformedInput, OversizedInput, ServiceUnavailable
from app.storage.outside import OutsideFiles
from app.symbolication.cache import CachedFile, make_room, publish_file
from app.symbolicator.child import NativeDeriver

_SUFFIXES: Final = ("debuginfo", "executable")
"""The files of an image, the better one first: a dSYM, the library itself."""
_ABSENT: Final = ".absent"
"""The ending of an empty file that says that there are no symbols."""
_ABSENT_S: Final = 24 * 3600.0
"""The time after which symbols are looked for again."""
_TEMPORARY: Final = ".part"
_MOST_WAITING: Final = 500
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_GZIP: Final = b"\x1f\x8b"
_PIECE_BYTES: Final = 1024 * 1024
_FOLDER_MODE: Final = 0o700

_logger: Final = log.get_logger("symbolication.system")


class SystemSymbols:
    """The symcaches of system libraries on this machine; use it from one event loop."""

    def __init__(
        self,
        source: OutsideFiles,
        deriver: NativeDeriver,
        folder: Path,
        *,
        limit_bytes: int,
        file_bytes: int,
    ) -> None:
        """Make it; the folder is made when the first symcache comes.

        Args:
            source: The source of the symbols; it is closed with this.
            deriver: Makes symcaches.
            folder: The folder for symcaches; other processes may use it as well.
            limit_bytes: The size of the folder above which the least used symcaches go.
            file_bytes: The most bytes that a file with symbols may have, unpacked.
        """
        self._source = source
        self._deriver = deriver
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._file_bytes = file_bytes
        self._fetches: dict[str, asyncio.Task[CachedFile | None]] = {}

    def find(self, debug_id: str) -> CachedFile | None:
        """Open a symcache that is here; None if it is not."""
        try:
            file = CachedFile.open(self._folder / debug_id)
            os.utime(file.descriptor)  # for whoever makes room
        except OSError:
            return None
        return file

    def is_absent(self, debug_id: str) -> bool:
        """Tell whether symbols were looked for lately, and there are none."""
        try:
            age_s = _now_s() - (self._folder / f"{debug_id}{_ABSENT}").stat().st_mtime
        except OSError:
            return False
        return age_s < _ABSENT_S

    async def fetch(self, debug_id: str) -> CachedFile | None:
        """Open a symcache, and make it if it is not here.

        Returns:
            None if there are no symbols, or none that can be read now; the log says why.
        """
        file = self.find(debug_id)
        if file is not None or self.is_absent(debug_id):
            return file
        return await asyncio.shield(self._start_fetch(debug_id))

    def fetch_later(self, debug_id: str) -> None:
        """Make a symcache in the background, for the events that follow."""
        if len(self._fetches) < _MOST_WAITING:
            _ = self._start_fetch(debug_id)

    async def close(self) -> None:
        """Stop making symcaches."""
        fetches = [*self._fetches.values()]
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        await self._source.close()

    def _start_fetch(self, debug_id: str) -> asyncio.Task[CachedFile | None]:
        fetch = self._fetches.get(debug_id)
        if fetch is None:
            fetch = asyncio.create_task(self._fetch(debug_id), name="symbols: fetch")
            self._fetches[debug_id] = fetch
            fetch.add_done_callback(lambda _task: self._fetches.pop(debug_id, None))
        return fetch

    async def _fetch(self, debug_id: str) -> CachedFile | None:
        hexadecimal = debug_id.replace("-", "")
        try:
            await asyncio.to_thread(self._folder.mkdir, _FOLDER_MODE, parents=True, exist_ok=True)
            for suffix in _SUFFIXES:
                file = await self._make_symcache(
                    debug_id, f"{hexadecimal[:2]}/{hexadecimal[2:]}/{suffix}"
                )
                if file is not None:
                    return file
            (self._folder / f"{debug_id}{_ABSENT}").touch()
        except (OSError, ServiceUnavailable) as error:
            _logger.warning("symbols of the system are not at hand", error=str(error))
        return None

    async def _make_symcache(self, debug_id: str, name: str) -> CachedFile | None:
        """Make a symcache of one file; None if there is no such file, or it is of no use."""
        part = self._folder / f"{debug_id}.{secrets.token_hex(8)}"
        packed, whole, target = (
            part.with_name(f"{part.name}.{ending}{_TEMPORARY}")
            for ending in ("packed", "whole", "symcache")
        )
        try:
            with packed.open("wb") as file:
                is_there = await self._source.copy(name, file, limit_bytes=self._file_bytes)
            if not is_there:
                return None
            await asyncio.to_thread(_unpack, packed, whole, self._file_bytes)
            if not await self._derive(debug_id, whole, target):
                return None
            symcache = await asyncio.to_thread(publish_file, target, self._folder / debug_id)
        except (MalformedInput, OversizedInput) as error:
            _logger.warning("symbols of the system cannot be read", file=name, error=str(error))
            return None
        finally:
            for path in (packed, whole, target):
                path.unlink(missing_ok=True)
        await asyncio.to_thread(make_room, self._folder, self._limit_bytes, symcache.path)
        return symcache

    async def _derive(self, debug_id: str, whole: Path, target: Path) -> bool:
        """Write the symcache of an image; returns False if the file has no names of it."""
        derived = target.with_name(f"all.{target.name}")
        try:
            with whole.open("rb") as source, derived.open("wb") as written:
                objects = await self._deriver.derive(source.fileno(), written.fileno())
            for item in objects:
                if item.debug_id == debug_id and item.size_bytes:
                    await asyncio.to_thread(
                        _copy_range, derived, target, item.start, item.size_bytes
                    )
                    return True
        finally:
            derived.unlink(missing_ok=True)
        return False


def _unpack(packed: Path, whole: Path, limit_bytes: int) -> None:
    """Unpack a file, or move it if it is not packed.

    Raises:
        MalformedInput: It is damaged.
        OversizedInput: It is larger than allowed.
    """
    with packed.open("rb") as source, whole.open("wb") as target:
        head = source.read(len(_ZSTD))
        source.seek(0)
        try:
            if head == _ZSTD:
                with zstandard.ZstdDecompressor().stream_reader(source) as inflated:
                    _copy_stream(cast("BinaryIO", inflated), target, limit_bytes)
            elif head.startswith(_GZIP):
                with gzip.open(source) as inflated_file:
                    _copy_stream(cast("BinaryIO", inflated_file), target, limit_bytes)
            else:
                _copy_stream(source, target, limit_bytes)
        except (zstandard.ZstdError, zlib.error, gzip.BadGzipFile, EOFError) as error:
            raise MalformedInput(f"it cannot be unpacked: {error}") from error


def _copy_stream(source: BinaryIO, target: BinaryIO, limit_bytes: int) -> None:
    size_bytes = 0
    while piece := source.read(_PIECE_BYTES):
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise OversizedInput(f"it has more than {limit_bytes} bytes")
        target.write(piece)


def _copy_range(source: Path, target: Path, start: int, size_bytes: int) -> None:
    """Copy a range of a file."""
    with source.open("rb") as read, target.open("wb") as written:
        read.seek(start)
        while size_bytes and (piece := read.read(min(_PIECE_BYTES, size_bytes))):
            written.write(piece)
            size_bytes -= len(piece)


def _now_s() -> float:
    return time.time()  # noqa: TID251 - compared with the times of files
