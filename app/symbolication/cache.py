"""Keeps objects of debug files on this machine, so that events need not wait for the store.

    find    an object that is here already, at once
    fetch   an object from the store: ranges ─► temporary file ─► rename

The folder may be used by several processes at once. A file appears whole, by a rename; its bytes
never change, as those of an object do not; and a process that has it open can go on reading when
another process removes it. When the folder grows too large, the least recently used files go.
"""

import asyncio
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final, cast, override
from weakref import finalize

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import NotFound, ServiceUnavailable
from app.core.ids import ProjectId
from app.debug_files.model import DebugFileId
from app.storage import keys
from app.storage.port import ObjectStore
from app.symbolication.family import LocalFile, ReaderFactory

_RANGE_BYTES: Final = 4 * 1024 * 1024
"""The bytes of an object that are in memory at once while it is fetched."""
_MOST_OPEN: Final = 64
"""The most files that stay open and mapped; the least recently used one is closed."""
_USE_NOTED_S: Final = 60.0
"""The least pause in seconds between two notes of use in the times of an open file."""
_UNFINISHED_S: Final = 3_600.0
"""A temporary file of this age was left by a process that died."""
_TEMPORARY: Final = ".part"
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600

_logger: Final = log.get_logger("symbolication.cache")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The name of an object in the cache."""

    project_id: ProjectId
    file_id: DebugFileId
    object_name: str

    @property
    def file_name(self) -> str:
        """The name of its file. Dots separate the parts, since none of them has one."""
        return f"{self.project_id}.{self.file_id}.{self.object_name}"

    @property
    def object_key(self) -> str:
        """The key of its object in the store."""
        return keys.make_debug_file_key(self.project_id, self.file_id, self.object_name)


@dataclass(slots=True, eq=False, weakref_slot=True)
class CachedFile(LocalFile):
    """A file of the cache that is open; it is closed when nobody refers to it any more."""

    path: Path
    descriptor: int
    data: mmap | bytes
    used_s: float = 0.0
    """The time at which its use was noted last, on the monotonic clock."""
    _readers: dict[object, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> "CachedFile":
        """Open a file for reading.

        Raises:
            FileNotFoundError: There is none; it may have been removed since it was seen.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            size_bytes = os.fstat(descriptor).st_size
            # An empty file cannot be mapped.
            data = mmap(descriptor, size_bytes, access=ACCESS_READ) if size_bytes else b""
        except BaseException:
            os.close(descriptor)
            raise
        file = cls(path, descriptor, data)
        finalize(file, os.close, descriptor)
        return file

    @override
    def open_reader[Reader](self, factory: ReaderFactory[Reader]) -> Reader:
        reader = self._readers.get(factory)
        if reader is None:
            reader = self._readers[factory] = factory(self.data)
        return cast("Reader", reader)


class DebugFileCache:
    """The objects of debug files on this machine. Use it from one event loop."""

    def __init__(self, folder: Path, objects: ObjectStore, *, limit_bytes: int) -> None:
        """Make a cache; the folder is made when the first object comes.

        Args:
            folder: The folder with the files; other processes may use it as well.
            objects: The store from which they are fetched.
            limit_bytes: The size above which files are removed.
        """
        self._folder = folder
        self._objects = objects
        self._limit_bytes = limit_bytes
        self._open: OrderedDict[CacheKey, CachedFile] = OrderedDict()
        self._fetches: dict[CacheKey, asyncio.Task[CachedFile | None]] = {}

    def find(self, key: CacheKey) -> CachedFile | None:
        """Open an object that is here; returns None for one that would have to be fetched."""
        file = self._open.get(key)
        if file is None:
            try:
                file = CachedFile.open(self._folder / key.file_name)
            except OSError:
                return None
            self._keep_open(key, file)
        self._open.move_to_end(key)
        _note_use(file)
        return file

    async def fetch(self, key: CacheKey) -> CachedFile | None:
        """Open an object, and fetch it from the store if it is not here.

        Returns:
            The open file; None if the store has no such object.

        Raises:
            ServiceUnavailable: The store does not answer, or the disk has no room.
        """
        file = self.find(key)
        if file is not None:
            return file
        fetch = self._fetches.get(key)
        if fetch is None:
            # A task of its own: when one of several who wait for it is cancelled, it goes on.
            fetch = asyncio.create_task(self._fetch(key), name="debug file: fetch")
            self._fetches[key] = fetch
            fetch.add_done_callback(lambda task: self._forget_fetch(key, task))
        return await asyncio.shield(fetch)

    async def remove_files(self, gone: Collection[tuple[ProjectId, DebugFileId]]) -> int:
        """Remove the objects of debug files that were deleted; returns how many there were."""
        for key in [key for key in self._open if (key.project_id, key.file_id) in gone]:
            del self._open[key]
        return await asyncio.to_thread(_remove_files, self._folder, gone)

    async def list_files(self) -> set[tuple[ProjectId, DebugFileId]]:
        """List the debug files of which an object is here.

        What this process has open is here too, even if another process has removed its name: all
        sweep one folder, and only the first of them finds a deleted file in it.
        """
        named = await asyncio.to_thread(_list_files, self._folder)
        return named | {(key.project_id, key.file_id) for key in self._open}

    async def close(self) -> None:
        """Stop fetching, and close all files that nobody uses."""
        fetches = [*self._fetches.values()]
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)
        self._open.clear()

    async def _fetch(self, key: CacheKey) -> CachedFile | None:
        temporary = self._folder / f"{key.file_name}.{secrets.token_hex(8)}{_TEMPORARY}"
        try:
            if not await self._download(key, temporary):
                return None
            file = await asyncio.to_thread(publish_file, temporary, self._folder / key.file_name)
        except OSError as error:
            raise ServiceUnavailable(
                f"the cache of debug files is not writable: {error}"
            ) from error
        finally:
            await asyncio.to_thread(_remove_file, temporary)
        await asyncio.to_thread(make_room, self._folder, self._limit_bytes, file.path)
        self._keep_open(key, file)
        return file

    async def _download(self, key: CacheKey, path: Path) -> bool:
        """Copy an object into a file; returns False if there is no such object."""
        offset = 0
        while True:
            try:
                part = await self._objects.read(key.object_key, offset, _RANGE_BYTES)
            except NotFound:
                return False
            await asyncio.to_thread(_append_to_file, path, part)
            offset += len(part)
            if len(part) < _RANGE_BYTES:
                return True

    def _forget_fetch(self, key: CacheKey, fetch: asyncio.Task[CachedFile | None]) -> None:
        self._fetches.pop(key, None)
        if not fetch.cancelled():
            fetch.exception()  # nobody may be left to hear of a failure

    def _keep_open(self, key: CacheKey, file: CachedFile) -> None:
        self._open[key] = file
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)


def _note_use(file: CachedFile) -> None:
    """Write into the times of a file that it is in use; rarely, as it costs a system call."""
    now_s = monotonic_s()
    if now_s - file.used_s < _USE_NOTED_S and file.used_s:
        return
    file.used_s = now_s
    try:
        os.utime(file.descriptor)
    except OSError as error:
        _logger.warning("the use of a debug file is not noted", error=str(error))


def _remove_file(path: Path) -> None:
    with suppress(OSError):  # the next fetch removes it, when it is old
        path.unlink(missing_ok=True)


def _append_to_file(path: Path, part: bytes) -> None:
    # The folder that all caches share gets its mode as well; the data folder is there.
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(part)


def publish_file(temporary: Path, path: Path) -> CachedFile:
    """Give a finished file its name, and open it before anybody can remove it."""
    descriptor = os.open(temporary, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # The name may survive a power cut only together with the bytes.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    file = CachedFile.open(temporary)
    temporary.rename(path)
    file.path = path
    return file


def make_room(folder: Path, limit_bytes: int, newest: Path) -> None:
    """Remove the least recently used files until the others fit, and old unfinished files."""
    files = _scan_folder(folder)
    now_s = time.time()  # noqa: TID251 - compared with the times of files
    for entry, stat in files:
        if entry.name.endswith(_TEMPORARY) and now_s - stat.st_mtime > _UNFINISHED_S:
            Path(entry).unlink(missing_ok=True)
    whole = [(stat.st_mtime, stat.st_size, entry) for entry, stat in files if _is_whole(entry)]
    excess = sum(size_bytes for _, size_bytes, _ in whole) - limit_bytes
    for _, size_bytes, entry in sorted(whole, key=lambda item: item[0]):
        if excess <= 0:
            break
        if entry.name != newest.name:
            Path(entry).unlink(missing_ok=True)
            excess -= size_bytes


def _list_files(folder: Path) -> set[tuple[ProjectId, DebugFileId]]:
    files = set[tuple[ProjectId, DebugFileId]]()
    for entry, _ in _scan_folder(folder):
        project_id, _, other = entry.name.partition(".")
        if project_id.isdecimal():
            files.add((ProjectId(int(project_id)), DebugFileId(other.partition(".")[0])))
    return files


def _remove_files(folder: Path, gone: Collection[tuple[ProjectId, DebugFileId]]) -> int:
    prefixes = {f"{project_id}.{file_id}" for project_id, file_id in gone}
    entries = [
        entry
        for entry, _ in _scan_folder(folder)
        if ".".join(entry.name.split(".")[:2]) in prefixes
    ]
    for entry in entries:
        Path(entry).unlink(missing_ok=True)
    return len(entries)


def _is_whole(entry: "os.DirEntry[str]") -> bool:
    return not entry.name.endswith(_TEMPORARY)


def _scan_folder(folder: Path) -> list[tuple["os.DirEntry[str]", os.stat_result]]:
    """List the files of a folder; none if there is none, and none that vanish meanwhile."""
    files: list[tuple[os.DirEntry[str], os.stat_result]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    files.append((entry, entry.stat(follow_symlinks=False)))
                except FileNotFoundError:
                    continue
    except FileNotFoundError:
        return []
    return files
