"""Copies objects from a store into a backup and back, a few at a time and in bounded pieces."""

import asyncio
import itertools
import mmap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from app.backup import files
from app.backup.folder import BackupFolder, CopyNotes
from app.backup.model import BackupUnfinished, CopiedObject, DamagedBackup, Progress
from app.backup.object_table import ObjectTable
from app.core.errors import NotFound, ServiceUnavailable
from app.storage import keys, probe
from app.storage.port import ObjectStore, StoredObject

_AT_ONCE: Final = 8
_PART: Final = 5_000
"""The objects that are listed at once."""
_NOT_COPIED: Final = (probe.PREFIX, keys.STORE_MARK_PREFIX, keys.CHUNK_PREFIX)
_PIECE_BYTES: Final = 4 * 1024 * 1024
_TRIES: Final = 5
_PAUSE_S: Final = 2.0


class ObjectCopier:
    """Copies objects of a store into a backup folder, unless their copies are there already."""

    def __init__(
        self,
        store: ObjectStore,
        folder: BackupFolder,
        copies: ObjectTable,
        notes: CopyNotes,
        progress: Progress,
    ) -> None:
        """Copy objects of a store.

        Args:
            store: The store that has them.
            folder: The folder of the backup that gets them.
            copies: Gets the objects whose bytes are in the folder.
            notes: Gets them too, for the next backup if this one is killed.
            progress: Shows how far this is.
        """
        self._store = store
        self._folder = folder
        self._notes = notes
        self._progress = progress
        self.copies: Final = copies

    async def copy_stored(self, known: ObjectTable) -> int:
        """Copy everything that is in the store now; returns how many objects were copied.

        Args:
            known: The copies of earlier backups.

        Raises:
            BackupUnfinished: The store does not answer, or the disk is full.
        """
        self._progress.begin("Listing objects")
        with self._folder.make_table() as changed:
            async for part in _list_store(self._store):
                changed.add_all(
                    CopiedObject(each.key, each.size_bytes, each.version, "")
                    for each in part
                    if not each.key.startswith(_NOT_COPIED)
                    and not self._reuse_copy(each, known.find(each.key))
                )
                self._progress.advance(len(part))
            self._progress.begin("Copying objects", total=changed.add_up_bytes(), is_bytes=True)
            await _run_some_at_once(
                self._copy_object,
                (StoredObject(each.key, each.size_bytes, each.version) for each in changed),
            )
            return len(changed)

    async def copy_named(self, keys: Iterable[str]) -> set[str]:
        """Copy objects that are not copied yet; returns the keys that the store does not have.

        Raises:
            BackupUnfinished: The store does not answer, or the disk is full.
        """
        wanted = [StoredObject(key, 0) for key in sorted(keys) if key not in self.copies]
        if not wanted:
            return set()
        self._progress.begin("Copying what came meanwhile", is_bytes=True)
        await _run_some_at_once(self._copy_object, wanted)
        return {each.key for each in wanted if each.key not in self.copies}

    def _reuse_copy(self, stored: StoredObject, known: CopiedObject | None) -> bool:
        if known is None or not known.version or known.version != stored.version:
            return False
        if known.size_bytes != stored.size_bytes or not self._folder.has_content(known):
            return False
        self.copies.add(known)
        return True

    async def _copy_object(self, stored: StoredObject) -> None:
        """Copy one object; one that is gone meanwhile is left out."""
        try:
            copied = await _retry(lambda: self._copy_once(stored))
        except NotFound:
            return
        await asyncio.to_thread(self._notes.add, copied)
        self.copies.add(copied)

    async def _copy_once(self, stored: StoredObject) -> CopiedObject:
        with self._folder.begin_content() as writer:
            while True:
                piece = await self._store.read(stored.key, writer.size_bytes, _PIECE_BYTES)
                await asyncio.to_thread(writer.write, piece)
                self._progress.advance(len(piece))
                if len(piece) < _PIECE_BYTES:
                    break
            await asyncio.to_thread(writer.finish, self._folder.content_path(writer.sha256))
            return CopiedObject(stored.key, writer.size_bytes, stored.version, writer.sha256)


async def put_objects_back(
    store: ObjectStore,
    folder: BackupFolder,
    objects: Iterable[CopiedObject],
    progress: Progress,
    *,
    scratch: Path,
    is_trusted: bool,
) -> None:
    """Put the objects of a backup into a store, unless they are there, and delete all others.

    Args:
        store: The store that gets them.
        folder: The folder of the backup, which may be read-only.
        objects: The objects.
        scratch: A folder for tables of objects, which are removed at the end.
        progress: Shows how far this is.
        is_trusted: True if objects of the right size that are there were put by this restore, so
            that their bytes need not be compared.

    Raises:
        BackupUnfinished: The store does not answer.
    """
    with ObjectTable(scratch) as wanted, ObjectTable(scratch) as present:
        wanted.add_all(objects)
        async for part in _list_store(store):
            present.add_all(CopiedObject(each.key, each.size_bytes, "", "") for each in part)
        await _put_wanted(store, folder, (wanted, present), progress, is_trusted=is_trusted)
        await _delete_others(store, (wanted, present), progress)


async def _put_wanted(
    store: ObjectStore,
    folder: BackupFolder,
    tables: tuple[ObjectTable, ObjectTable],
    progress: Progress,
    *,
    is_trusted: bool,
) -> None:
    """Put the objects of the first table, unless those of the second are the same."""
    wanted, present = tables
    progress.begin("Restoring objects", total=wanted.add_up_bytes(), is_bytes=True)

    async def put(copied: CopiedObject) -> None:
        stored = present.find(copied.key)
        is_there = stored is not None and stored.size_bytes == copied.size_bytes
        if not is_there or not (is_trusted or await _has_same_bytes(store, folder, copied)):
            await _put_object(store, folder, copied)
        progress.advance(copied.size_bytes)

    await _run_some_at_once(put, wanted)


async def _delete_others(
    store: ObjectStore, tables: tuple[ObjectTable, ObjectTable], progress: Progress
) -> None:
    """Delete the objects of the second table that are not in the first."""
    wanted, present = tables
    others = (each.key for each in present if each.key not in wanted)
    first = next(others, None)
    if first is None:
        return
    progress.begin("Deleting other objects")

    async def delete(key: str) -> None:
        await _retry(lambda: store.delete(key))
        progress.advance(1)

    await _run_some_at_once(delete, itertools.chain([first], others))


async def _list_store(store: ObjectStore) -> AsyncIterator[Sequence[StoredObject]]:
    """List a store in parts.

    Raises:
        BackupUnfinished: It does not answer, or not in the order of keys, so that it cannot be
            listed in parts: objects would be missed, or it would never end.
    """
    after = ""
    while True:
        part = await _retry(partial(store.list_part, after=after, most=_PART))
        for before, key in pairwise([after, *(each.key for each in part)]):
            if key <= before:
                raise BackupUnfinished(
                    f"the object storage lists {key} after {before}: it must list objects in the "
                    f"order of their keys, and know StartAfter"
                )
        if part:
            yield part
        if len(part) < _PART:
            return
        after = part[-1].key


async def _put_object(store: ObjectStore, folder: BackupFolder, copied: CopiedObject) -> None:
    path = folder.content_path(copied.sha256)
    try:
        with path.open("rb") as file:
            if not copied.size_bytes:  # An empty file cannot be mapped.
                await _retry(lambda: store.put(copied.key, b""))
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                view = memoryview(content)
                try:
                    await _retry(lambda: store.put(copied.key, view))
                finally:
                    view.release()
    except OSError as error:
        raise DamagedBackup(f"{path} cannot be read: {error.strerror}") from error


async def _has_same_bytes(store: ObjectStore, folder: BackupFolder, copied: CopiedObject) -> bool:
    path = folder.content_path(copied.sha256)
    with files.explaining_errors(path), path.open("rb", buffering=0) as file:
        offset = 0
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            if await _retry(partial(store.read, copied.key, offset, len(piece))) != piece:
                return False
            offset += len(piece)
    return True


async def _retry[T](call: Callable[[], Awaitable[T]]) -> T:
    """Call a store until it answers, a few times.

    Raises:
        BackupUnfinished: It does not answer.
        NotFound: It answers that there is no such object.
    """
    for left in reversed(range(_TRIES)):
        try:
            return await call()
        except BackupUnfinished:
            raise
        except ServiceUnavailable as error:
            if not left:
                raise BackupUnfinished(
                    f"object storage: {error}. Run the same command again: it goes on"
                ) from error
            await asyncio.sleep(_PAUSE_S)
    raise AssertionError  # pragma: no cover - the last try returns or raises


async def _run_some_at_once[T](work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Work on items, a few at the same time; the first failure ends all of it."""
    waiting = iter(items)

    async def work_on_next() -> None:
        for item in waiting:
            await work(item)

    tasks = [asyncio.create_task(work_on_next()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
