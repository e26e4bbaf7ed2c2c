"""Makes a backup while the server runs, and what it stores changes.

    journals ─► all objects ─► snapshot ─► objects that its rows name ─► dump ─► manifest
                                  ▲            │ the store has lost some
                                  └────────────┘

Objects are written before the rows that name them, and deleted after these rows. So an object that
a snapshot names and the store does not have was deleted since: it was sealed, erased, or ended by a
rule. Then another snapshot no longer names it. Nearly everything is copied before the snapshot, and
a pack outlives the rows that name it by some minutes, so that one snapshot is enough almost always.

Holding deletions back for the time of a backup would be the other way. It would let an erasure
wait for the slowest disk, and for hours if a backup hangs. Every process would have to know of it,
and the lifecycle rules of a bucket would not.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app import __version__
from app.audit import writes as audit
from app.audit.model import Action
from app.backup import database, files, folder as folders, journals
from app.backup.database import Snapshot
from app.backup.folder import BackupFolder, WrittenList
from app.backup.model import (
    BackupFile,
    BackupRefused,
    BackupUnfinished,
    CopiedObject,
    Manifest,
    Progress,
)
from app.backup.object_table import ObjectTable
from app.backup.objects import ObjectCopier
from app.backup.postgres_tools import PostgresTools, ToolFailed, find_tools
from app.core import clock
from app.core.settings import Settings
from app.db.engine import Database
from app.erasure.log.file import ErasureLog
from app.storage import keys
from app.storage.choose import open_store

_MOST_SNAPSHOTS: Final = 10
_LOCKING: Final = "LOCK TABLE"
"""A statement that `pg_dump` shows when it fails, in whatever language it complains."""


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """The result of a backup."""

    manifest: Manifest
    copied: int
    """Objects that this backup copied; it shares the others with earlier ones."""


async def make_backup(
    settings: Settings, owner_url: str, folder: BackupFolder, *, keep: int, progress: Progress
) -> MadeBackup:
    """Make a backup, and remove the oldest ones.

    After a kill at any moment, earlier backups are as they were, and the next call goes on with the
    objects that were copied already.

    Args:
        settings: The settings of the installation.
        owner_url: The database, as the role that owns its tables.
        folder: The folder that gets it.
        keep: The number of backups to keep, including this one.
        progress: Shows how far this is.

    Raises:
        BackupRefused: It cannot be made here; the message says why.
        BackupUnfinished: A step failed; a further call goes on.
        ServiceUnavailable: Postgres does not answer.
    """
    _check_place(settings, folder)
    facts = await database.read_facts(owner_url)
    revision = database.check_revision(facts.revision)
    tools = find_tools(settings.postgres_bin, server_major=facts.major)
    folder.make()
    with folder.hold():
        name = _choose_name(folder)
        backup = folder.begin(name)
        await _note_backup(owner_url, folder)
        data_dir = settings.data_dir.resolve()
        kept = await asyncio.to_thread(journals.copy_journals, data_dir / "journal", backup)
        store = open_store(settings, data_dir)
        try:
            with folder.make_table() as copies, folder.noting_copies() as notes:
                maker = _Maker(owner_url, tools, backup, folder, progress)
                copier = ObjectCopier(store, folder, copies, notes, progress)
                with folder.make_table() as known:
                    await asyncio.to_thread(known.add_all, folder.read_copied())
                    copied = await copier.copy_stored(known)
                contents = await maker.take_snapshot(copier)
        finally:
            await store.close()
        log_id = await asyncio.to_thread(_copy_erasure_log, settings.erasure_log_path, folder)
        manifest = Manifest(
            name=name,
            made_at=contents.snapshot.at,
            playhead=__version__,
            revision=revision,
            postgres=facts.major,
            tools=tools.major,
            storage="local" if settings.storage == "local" else "s3",
            files=(contents.dump, contents.listed.file, *kept),
            objects=contents.listed.objects,
            object_bytes=contents.listed.object_bytes,
            erasure_log_id=log_id,
            missing=tuple(sorted(contents.missing)),
        )
        await asyncio.to_thread(folder.write_manifest, manifest)
        await asyncio.to_thread(folder.prune, keep=keep)
    return MadeBackup(manifest, copied)


async def _note_backup(owner_url: str, folder: BackupFolder) -> None:
    """Write into the audit log that everything is about to be copied."""
    own = Database.open(owner_url, pool_size=1)
    try:
        async with own.transaction() as connection:
            detail = {"by": "command line", "folder": str(folder.path)}
            await audit.add_audit_line(
                connection, Action.BACKUP_MADE, person_id=None, detail=detail
            )
    finally:
        await own.close()


@dataclass(frozen=True, slots=True)
class _Contents:
    """The dump of a snapshot, and the objects that its rows name."""

    snapshot: Snapshot
    dump: BackupFile
    listed: WrittenList
    missing: set[str]


@dataclass(frozen=True, slots=True)
class _Maker:
    owner_url: str
    tools: PostgresTools
    backup: Path
    folder: BackupFolder
    progress: Progress

    async def take_snapshot(self, copier: ObjectCopier) -> _Contents:
        """Dump a snapshot of which every object could be copied, unless it was lost before."""
        lost: set[str] = set()
        for _ in range(_MOST_SNAPSHOTS):
            async with database.open_snapshot(self.owner_url) as snapshot:
                with self.folder.make_table() as named:
                    async for key in database.stream_object_keys(snapshot):
                        named.add(CopiedObject(key, 0, "", ""))
                    absent = await copier.copy_named(each.key for each in named)
                    # What the store had lost before the snapshot, and rows still name, never
                    # comes back.
                    dump = await self._try_to_dump(snapshot) if absent <= lost else None
                    if dump is not None:
                        listed = await asyncio.to_thread(self._write_list, copier, named)
                        return _Contents(snapshot, dump, listed, absent)
            lost = absent
        raise BackupUnfinished(
            f"objects or tables were deleted before they could be copied, {_MOST_SNAPSHOTS} "
            f"times in a row: make the backup when less is deleted, or on a quicker disk"
        )

    def _write_list(self, copier: ObjectCopier, named: ObjectTable) -> WrittenList:
        """List what rows name, and what processes have put into the bucket of their journals.

        Other objects are on their way out, or in: without a row, nobody would ever erase them.
        """
        chosen = (
            copied
            for copied in copier.copies
            if copied.key in named or copied.key.startswith(keys.SPILL_PREFIX)
        )
        return folders.write_object_list(self.backup, chosen)

    async def _try_to_dump(self, snapshot: Snapshot) -> BackupFile | None:
        """Dump a snapshot; None if a table of it was dropped before `pg_dump` could lock it."""
        path = self.backup / folders.DUMP
        try:
            return await database.dump_database(
                self.tools, self.owner_url, snapshot, path, self.progress
            )
        except ToolFailed as failure:
            if _LOCKING in failure.complaint:
                return None
            raise


def _check_place(settings: Settings, folder: BackupFolder) -> None:
    data_dir = settings.data_dir.resolve()
    if folder.path == data_dir or data_dir in folder.path.parents:
        raise BackupRefused(
            f"{folder.path} is inside of the data folder: what takes the data folder away would "
            f"take the backup, too"
        )
    if folder.path in data_dir.parents:
        raise BackupRefused(f"{folder.path} has the data folder in it: name a folder of its own")


def _choose_name(folder: BackupFolder) -> str:
    """Name a backup by the time, so that names sort by age, also where a clock was set back."""
    name = f"{clock.now():%Y-%m-%dT%H%M%SZ}"
    newest = next(reversed(folder.list_names()), "")
    if name > newest:
        return name
    stem, _, number = newest.partition("Z-")
    return f"{stem.removesuffix('Z')}Z-{int(number or 0) + 1:03}"


def _copy_erasure_log(path: Path, folder: BackupFolder) -> str | None:
    """Keep the newest copy of the log of erasures; returns the id of the log.

    It is no part of the backup: whatever it lists is erased again after a restore, also of a backup
    that is older than the copy.
    """
    head = ErasureLog(path).read_head()
    if head is None:
        return None
    target = folder.erasures / f"{head.log_id}.log"
    with files.explaining_errors(folder.erasures):
        if not target.exists() or target.stat().st_size < head.size_bytes:
            files.write_file(target, path.read_bytes()[: head.size_bytes])
    return head.log_id
