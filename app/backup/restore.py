"""Restores a backup into an empty installation.

    verify ─► note that a restore is under way ─► objects ─► database ─► journals ─► erasures

Nothing is changed before the whole backup was read. From then on, until the last step, a file in
the data folder keeps the server from starting on half of an installation; the same command goes on
after a kill at any moment. Objects come before the rows that name them, as always.
"""

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from app import __version__
from app.audit import writes as audit
from app.audit.model import Action
from app.backup import database, files, folder as folders, journals, objects, state as state_file
from app.backup.folder import BackupFolder
from app.backup.model import BackupRefused, Manifest, Progress
from app.backup.postgres_tools import PostgresTools, find_tools
from app.backup.state import RestoreState
from app.backup.verify import BackupVerifier
from app.core.settings import Settings
from app.db import migrate, roles
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.erasure.log.file import ErasureLog
from app.erasure.log.reapply import apply_log
from app.ingest.digest.link_issues import relink_replays
from app.processes import records, store_claim
from app.storage import keys
from app.storage.choose import describe_store, open_store
from app.storage.port import ObjectStore

_MOST_JOBS: Final = 4
_HEARTBEATS: Final = 4
"""A process that runs does not miss so many heartbeats."""


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """The result of a restore."""

    manifest: Manifest
    erased_lines: int
    """Lines of logs of erasures that were applied again."""


@dataclass(frozen=True, slots=True)
class RestoreWish:
    """A request to restore a backup, and what it may replace."""

    name: str | None = None
    """The backup; None for the newest."""
    replaces: bool = False
    """True if everything that is stored now may be deleted."""


async def restore_backup(
    settings: Settings,
    urls: DatabaseUrls,
    folder: BackupFolder,
    wish: RestoreWish,
    progress: Progress,
) -> RestoredBackup:
    """Restore a backup.

    The caller holds the data folder, so that no server runs on it.

    Args:
        settings: The settings of the installation that gets the backup.
        urls: Its database.
        folder: The folder with the backup.
        wish: The backup, and what it may replace.
        progress: Shows how far this is.

    Raises:
        BackupRefused: It cannot be restored here, and nothing was changed; the message says why.
        DamagedBackup: It is damaged, and nothing was changed.
        BackupUnfinished: A step failed; the same call goes on.
        ServiceUnavailable: Postgres or the object storage does not answer.
    """
    data_dir = settings.data_dir.resolve()
    with folder.hold(is_shared=True):
        name = folder.find_name(wish.name)
        with BackupVerifier(folder, progress) as verifier:
            manifest = await asyncio.to_thread(verifier.verify, name)
        store = open_store(settings, data_dir)
        try:
            used_within_s = _HEARTBEATS * settings.heartbeat_s
            restorer = _Restorer(
                data_dir, urls, folder, manifest, store, progress, used_within_s=used_within_s
            )
            await restorer.restore(wish, settings.postgres_bin)
            await _adopt_store(urls, store, manifest, folder, describe_store(settings))
        finally:
            await store.close()
        _put_erasure_log_back(folder, settings.erasure_log_path)
        erased = await _apply_erasures(urls, folder, settings.erasure_log_path)
        await asyncio.to_thread(state_file.remove_state, data_dir)
    return RestoredBackup(manifest, erased)


@dataclass(frozen=True, slots=True)
class _Restorer:
    data_dir: Path
    urls: DatabaseUrls
    folder: BackupFolder
    manifest: Manifest
    store: ObjectStore
    progress: Progress
    used_within_s: float
    """A process that runs has used a connection within so many seconds, for its heartbeat."""

    async def restore(self, wish: RestoreWish, postgres_bin: Path | None) -> None:
        facts = await database.read_facts(
            self.urls.owner, app_url=self.urls.app, used_within_s=self.used_within_s
        )
        self._check_versions(facts)
        tools = find_tools(postgres_bin, server_major=facts.major, dump_major=self.manifest.tools)
        state = await self._begin_or_continue(wish, facts)
        if state.replaces and not state.is_database_done:
            # From here on, nothing of what was there before is of use to anybody.
            await database.clear_database(self.urls.owner)
            await asyncio.to_thread(shutil.rmtree, self.data_dir / "journal", ignore_errors=True)
        await objects.put_objects_back(
            self.store,
            self.folder,
            self.folder.read_objects(self.manifest.name),
            self.progress,
            scratch=self.data_dir,
            is_trusted=not state.replaces,
        )
        if not state.is_database_done:
            await self._restore_database(tools)
            state = msgspec.structs.replace(state, is_database_done=True)
            state_file.write_state(self.data_dir, state)
        await roles.prepare_schema(self.urls)
        await asyncio.to_thread(
            journals.put_journals_back,
            self.folder.folder_of(self.manifest.name),
            self.data_dir / "journal",
        )

    def _check_versions(self, facts: database.DatabaseFacts) -> None:
        newest = migrate.known_revisions()[-1]
        if self.manifest.revision > newest and self.manifest.playhead != __version__:
            raise BackupRefused(
                f"backup {self.manifest.name} has the schema {self.manifest.revision} of Playhead "
                f"{self.manifest.playhead}, and this release knows only {newest}: restore with "
                f"that release or a later one"
            )
        if self.manifest.postgres > facts.major:
            raise BackupRefused(
                f"backup {self.manifest.name} was made of Postgres {self.manifest.postgres}, and "
                f"this is Postgres {facts.major}: restore into {self.manifest.postgres} or later"
            )

    async def _begin_or_continue(
        self, wish: RestoreWish, facts: database.DatabaseFacts
    ) -> RestoreState:
        """Note that a restore is under way, if it may be, or go on with an unfinished one."""
        state = state_file.read_state(self.data_dir)
        if state is not None and state.checksum == self.manifest.checksum:
            return state
        replaces = wish.replaces
        if facts.other_connections:
            raise BackupRefused(
                "another process of Playhead uses this database, or did a moment ago: stop all of "
                f"them first, and wait for {self.used_within_s:.0f} s"
            )
        if state is not None and not replaces:
            raise BackupRefused(
                f"a restore of {state.name} was not finished here; go on with it: "
                f"{state_file.format_command(state)}, or start over with --replace"
            )
        if not replaces:
            await self._check_empty(facts)
        state = RestoreState(
            str(self.folder.path), self.manifest.name, self.manifest.checksum, replaces
        )
        state_file.write_state(self.data_dir, state)
        return state

    async def _check_empty(self, facts: database.DatabaseFacts) -> None:
        present = []
        if facts.tables:
            present.append(f"the database has {facts.tables} tables")
        # The mark of the store does not count; in order of keys it comes last.
        stored = await self.store.list_part(after="", most=1)
        if any(not each.key.startswith(keys.STORE_MARK_PREFIX) for each in stored):
            present.append("the object storage has objects")
        if any((self.data_dir / "journal").glob("*/*.journal")):
            present.append("the journal has envelopes")
        if present:
            raise BackupRefused(
                f"this installation is not empty: {', '.join(present)}. Restore into an empty one, "
                f"or add --replace to delete all of that first"
            )

    async def _restore_database(self, tools: PostgresTools) -> None:
        """Restore the dump; what a killed restore has left of an earlier try goes first."""
        self.progress.begin("Restoring the database")
        await database.end_other_restores(self.urls.owner)
        await database.clear_database(self.urls.owner)
        dump = self.folder.folder_of(self.manifest.name) / folders.DUMP
        jobs = min(_MOST_JOBS, os.cpu_count() or 1)
        await database.restore_database(tools, self.urls.owner, dump, jobs=jobs)


async def _adopt_store(
    urls: DatabaseUrls,
    store: ObjectStore,
    manifest: Manifest,
    folder: BackupFolder,
    place: str,
) -> None:
    """Make the store that of the restored database, and forget the processes of the backup."""
    spilled = {
        name.journal_id
        for copied in folder.read_objects(manifest.name)
        if (name := keys.read_spill_key(copied.key)) is not None
    }
    own = Database.open(urls.app, pool_size=1)
    try:
        async with own.transaction() as connection:
            await records.forget_processes(connection, journals=spilled)
            await store_claim.claim_store(connection, store, place)
            detail = {"by": "command line", "made_at": manifest.made_at.isoformat()}
            await audit.add_audit_line(
                connection, Action.BACKUP_RESTORED, person_id=None, detail=detail
            )
    finally:
        await own.close()


def _put_erasure_log_back(folder: BackupFolder, path: Path) -> None:
    """Put the log of erasures of this data folder back, unless a newer one is there.

    The newest backup names it: an older one may have been made before the first erasure.
    """
    manifests = map(folder.read_manifest, reversed(folder.list_names()))
    log_id = next((each.erasure_log_id for each in manifests if each.erasure_log_id), None)
    copy = folder.erasures / f"{log_id}.log"
    head = ErasureLog(path).read_head()
    if not copy.exists() or (head is not None and head.log_id != log_id):
        return
    if head is None or head.size_bytes < copy.stat().st_size:
        files.write_file(path, copy.read_bytes())


async def _apply_erasures(urls: DatabaseUrls, folder: BackupFolder, own_log: Path) -> int:
    """Erase again what was erased after the backup; returns the number of lines.

    The server does the same with the log in its data folder at each start. Logs of other hosts are
    known from their backups only.
    """
    own = Database.open(urls.app, pool_size=2)
    try:
        lines = 0
        for path in (own_log, *sorted(folder.erasures.glob("*.log"))):
            lines += await apply_log(own, path, relink_replays)
        return lines
    finally:
        await own.close()
