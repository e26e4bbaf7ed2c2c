"""Objects as files on local disk.

    root/p/1/r/<replay>/000003-9f86d081884c7d65.mp4     the object of that key
    root/.tmp/<random>                                  being written

A batch is written to temporary files past the page cache, then synced one by one (the first sync
commits what the others need), renamed, and each touched folder is fsynced once. Measured for packs
of 32 videos of 78 KB: 9 us of CPU each; with a file for every video 360 us.
"""

import asyncio
import contextlib
import os
import secrets
import stat
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from app.core.direct_io import DirectWriteBuffer, bypass_page_cache
from app.core.errors import NotFound, StorageUnavailable
from app.storage import keys
from app.storage.disk.folders import FOLDER_FLAGS, FOLDER_MODE, Folders, FoldersToSync
from app.storage.disk.listing import list_objects, list_objects_after
from app.storage.disk.unfinished import mark_as_written, remove_unfinished
from app.storage.disk.wiping import wipe_ranges
from app.storage.port import ObjectContent, StoredObject, check_range, list_content_parts
from app.storage.probe import probe_store

_TEMPORARY: Final = ".tmp"
_FILE_MODE: Final = 0o600
_NEW_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_WIPE_FLAGS: Final = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_BATCH: Final = 32
"""The number of objects that are synced together, which limits the open files of a `put_many`."""
_STAGING_BYTES: Final = 2 * 1024 * 1024
_RENAME_TRIES: Final = 8
"""A deletion may remove the folder between its making and the rename; then it is made again."""

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Object = tuple[str, ObjectContent]


class LocalStore:
    """The object store of one machine. Several processes may share a root."""

    def __init__(self, root: Path, threads: int) -> None:
        """Open the root, and make it if it is missing.

        Args:
            root: The folder of the objects, which only this program uses.
            threads: The number of operations that may wait for the disk at the same time.

        Raises:
            StorageUnavailable: The root cannot be made or opened.
        """
        try:
            root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            self._root_fd = os.open(root, FOLDER_FLAGS & ~os.O_NOFOLLOW)
            self._temporary_fd = _open_temporary(self._root_fd)
        except OSError as error:
            raise StorageUnavailable(
                f"local storage cannot open {root}: {error.strerror}"
            ) from error
        self._folders = Folders(self._root_fd)
        self._staging = DirectWriteBuffer(_STAGING_BYTES)
        self._is_staging = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="storage")
        self._is_closed = False

    async def put(self, key: str, content: ObjectContent) -> None:
        """See `ObjectStore.put`."""
        await self.put_many([(key, content)])

    async def put_many(self, objects: Sequence[_Object]) -> None:
        """See `ObjectStore.put_many`."""
        checked = [(keys.check_key(key), content) for key, content in objects]
        for start in range(0, len(checked), _BATCH):
            await self._in_pool(self._put_batch, checked[start : start + _BATCH])

    async def put_file(self, key: str, descriptor: int) -> None:
        """See `ObjectStore.put_file`."""
        await self._in_pool(self._put_file, keys.check_key(key), descriptor)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `ObjectStore.read`."""
        check_range(offset, length)
        return await self._in_pool(self._read, keys.check_key(key), offset, length)

    async def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        await self._in_pool(self._delete, keys.check_key(key))

    async def wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        """See `ObjectStore.wipe`."""
        await self._in_pool(self._wipe, keys.check_key(key), ranges)

    async def list(self, prefix: str) -> list[StoredObject]:
        """See `ObjectStore.list`."""
        return await self._in_pool(list_objects, self._folders, keys.check_prefix(prefix))

    async def list_part(self, *, after: str, most: int) -> Sequence[StoredObject]:
        """See `ObjectStore.list_part`."""
        return await self._in_pool(list_objects_after, self._folders, after, most)

    async def probe(self) -> tuple[str, ...]:
        """See `ObjectStore.probe`."""
        await probe_store(self)
        return ()

    async def remove_unfinished(self) -> int:
        """See `ObjectStore.remove_unfinished`."""
        return await self._in_pool(remove_unfinished, self._temporary_fd)

    async def close(self) -> None:
        """See `ObjectStore.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)
        os.close(self._temporary_fd)
        os.close(self._root_fd)

    async def _in_pool(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if self._is_closed:
            raise StorageUnavailable("local storage is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, lambda: function(*args, **kwargs))
        except OSError as error:
            raise StorageUnavailable(f"local storage failed: {error.strerror}") from error

    def _put_batch(self, objects: Sequence[_Object]) -> None:
        written: list[tuple[str, int]] = []
        to_sync = FoldersToSync()
        try:
            for _, content in objects:
                written.append(self._begin_file())
                self._write_out(written[-1][1], list_content_parts(content))
            for _, fd in written:
                os.fdatasync(fd)
            for (key, _), (name, _) in zip(objects, written, strict=True):
                self._rename_to_key(name, key, to_sync)
            to_sync.sync(self._folders)
        finally:
            to_sync.close()
            for name, fd in written:
                os.close(fd)
                with contextlib.suppress(OSError):  # the usual case: it has its final name
                    os.unlink(name, dir_fd=self._temporary_fd)

    def _put_file(self, key: str, descriptor: int) -> None:
        to_sync = FoldersToSync()
        name, fd = self._begin_file()
        try:
            self._copy_out(fd, descriptor)
            os.fdatasync(fd)
            self._rename_to_key(name, key, to_sync)
            to_sync.sync(self._folders)
        finally:
            to_sync.close()
            os.close(fd)
            with contextlib.suppress(OSError):  # the usual case: it has its final name
                os.unlink(name, dir_fd=self._temporary_fd)

    def _copy_out(self, fd: int, descriptor: int) -> None:
        """Copy a file, and let other objects be staged between its pieces."""
        offset = 0
        while piece := os.pread(descriptor, _STAGING_BYTES, offset):
            with self._is_staging:
                padded_bytes = self._staging.write(fd, [piece], offset)
            offset += len(piece)
            if padded_bytes != len(piece):
                # Only the last piece of a regular file is short.
                os.ftruncate(fd, offset)
                return

    def _write_out(self, fd: int, parts: Sequence[bytes | memoryview]) -> None:
        size_bytes = sum(map(len, parts))
        with self._is_staging:
            padded_bytes = self._staging.write(fd, parts)
        if padded_bytes != size_bytes:
            os.ftruncate(fd, size_bytes)

    def _begin_file(self) -> tuple[str, int]:
        name = secrets.token_hex(16)
        fd = os.open(name, _NEW_FLAGS, _FILE_MODE, dir_fd=self._temporary_fd)
        mark_as_written(fd)
        bypass_page_cache(fd)
        return name, fd

    def _rename_to_key(self, temporary: str, key: str, to_sync: FoldersToSync) -> None:
        *folder, name = key.split("/")
        for _ in range(_RENAME_TRIES):
            with (
                contextlib.suppress(FileNotFoundError),
                self._folders.make_folder(folder, to_sync) as fd,
            ):
                os.rename(temporary, name, src_dir_fd=self._temporary_fd, dst_dir_fd=fd)
                to_sync.add(fd)
                return
        raise StorageUnavailable(f"local storage: the folder of {key} vanishes whenever it is made")

    def _read(self, key: str, offset: int, length: int | None) -> bytes:
        *folder, name = key.split("/")
        try:
            with self._folders.open_folder(folder) as parent:
                fd = os.open(name, _READ_FLAGS, dir_fd=parent)
        except FileNotFoundError as error:
            raise NotFound(f"no object {key}") from error
        try:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode):
                raise NotFound(f"no object {key}")
            available = max(0, facts.st_size - offset)
            return _read_range(fd, offset, available if length is None else min(length, available))
        finally:
            os.close(fd)

    def _wipe(self, key: str, ranges: Sequence[tuple[int, int]]) -> None:
        *folder, name = key.split("/")
        try:
            with self._folders.open_folder(folder) as parent:
                fd = os.open(name, _WIPE_FLAGS, dir_fd=parent)
        except FileNotFoundError:
            return
        try:
            wipe_ranges(fd, ranges)
        finally:
            os.close(fd)

    def _delete(self, key: str) -> None:
        *folder, name = key.split("/")
        try:
            with self._folders.open_folder(folder) as parent:
                os.unlink(name, dir_fd=parent)
                os.fsync(parent)
        except (FileNotFoundError, IsADirectoryError):
            return
        self._folders.remove_empty(folder)


def _open_temporary(root_fd: int) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(_TEMPORARY, FOLDER_MODE, dir_fd=root_fd)
    fd = os.open(_TEMPORARY, FOLDER_FLAGS, dir_fd=root_fd)
    remove_unfinished(fd)
    return fd


def _read_range(fd: int, offset: int, length: int) -> bytes:
    parts: list[bytes] = []
    while length:
        part = os.pread(fd, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)
