"""The health of ingest: what waits, how much room is left, whether Postgres and storage answer.

    journal, disk, digest ─► read_health() ─► /health/ready, /metrics, the banner on every page

Reading it costs one `statvfs`. What costs more is refreshed every ten seconds in the background:
the folders of dead processes, quarantine, and whether Postgres and storage answer.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.core import clock, log, units
from app.core.errors import DatabaseUnavailable, ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.ingest.digest.digester import LostCommits
from app.ingest.worker import IngestWorker
from app.journal import disk
from app.journal.backlog import Backlog
from app.processes.model import ProcessCondition
from app.projects import queries as projects
from app.storage import probe
from app.storage.port import ObjectStore

BEHIND_S: Final = 60.0
"""The longest wait of an envelope while digest keeps up."""
_PAUSE_S: Final = 10.0
_NO_BACKLOG: Final = Backlog(0, 0, None)

_logger: Final = log.get_logger("ingest.health")


@dataclass(frozen=True, slots=True)
class IngestHealth:
    """The state of ingest at one moment."""

    backlog: Backlog
    oldest_s: float
    """The time for which the oldest envelope waits, in this process's journal or a dead one's."""
    journal_bytes: int
    """The disk space that journals take, those of dead processes included."""
    room_bytes: int
    """The disk space that they may still take; at 0 or below, nothing is accepted."""
    reserve_bytes: int
    """The disk space that journals leave free."""
    kept_bytes: int = 0
    """The disk space of digested journal files that are kept for a while."""
    cut_short_bytes: int = 0
    """The size of all kept files so far that went before their time, for want of disk space."""
    lost_commits: LostCommits = field(default_factory=LostCommits)
    """Counts of the work that this process did because Postgres lost commits, since its start."""
    outage: ServiceUnavailable | None = None
    """The reason why digest waits for Postgres or storage; None if it can use both."""
    quarantined: Mapping[ProjectId, int] = field(default_factory=dict)
    """The number of envelopes in quarantine, by project."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Envelopes that met a limit or had no known key, since the start, by reason."""

    @property
    def is_refusing(self) -> bool:
        """True if no envelope is accepted, so that senders are hung up on and keep theirs."""
        return self.room_bytes <= 0

    @property
    def used(self) -> float:
        """The part of the journal's room that is used, from 0 to 1."""
        return disk.used_share(self.journal_bytes, self.room_bytes)

    @property
    def is_filling(self) -> bool:
        """True if a person must act, since soon nothing can be accepted."""
        return self.used >= disk.FILLING

    @property
    def is_behind(self) -> bool:
        """True if digest does not keep up with what is accepted."""
        return self.oldest_s > BEHIND_S


class IngestMonitor:
    """Reads the health of this process's ingest."""

    def __init__(
        self,
        worker: IngestWorker | None,
        database: Database,
        objects: ObjectStore,
        *,
        journal_root: Path,
        reserve_bytes: int,
    ) -> None:
        """Make one; it refreshes nothing before `start`.

        Args:
            worker: The ingest of this process; None without the role `door`.
            database: The database, in which envelopes in quarantine are counted.
            objects: The store whose answers are checked.
            journal_root: The folder with the journals of all processes on this machine.
            reserve_bytes: The disk space that journals leave free.
        """
        self._worker = worker
        self._database = database
        self._objects = objects
        self._journal_root = journal_root
        self._reserve_bytes = reserve_bytes
        self._journal_bytes = 0
        self._others_since_ms: int | None = None
        self._quarantined: Mapping[ProjectId, int] = {}
        self._outage: ServiceUnavailable | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to refresh what costs more to find out."""
        self._task = asyncio.create_task(self._refresh_for_ever(), name="ingest health")

    async def stop(self) -> None:
        """Stop refreshing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def read_health(self) -> IngestHealth:
        """Return the state of ingest now."""
        worker = self._worker
        backlog = worker.journal.backlog() if worker else _NO_BACKLOG
        since_ms = [
            at_ms
            for at_ms in (backlog.oldest_received_ms, self._others_since_ms)
            if at_ms is not None
        ]
        return IngestHealth(
            backlog=backlog,
            oldest_s=(clock.now_ms() - min(since_ms)) / 1000 if since_ms else 0.0,
            journal_bytes=max(self._journal_bytes, backlog.bytes),
            room_bytes=self._free_bytes() - self._reserve_bytes,
            reserve_bytes=self._reserve_bytes,
            kept_bytes=worker.journal.kept_bytes if worker else 0,
            cut_short_bytes=worker.journal.cut_short_bytes if worker else 0,
            lost_commits=worker.digester.lost_commits if worker else LostCommits(),
            outage=(worker.digester.outage if worker else None) or self._outage,
            quarantined=self._quarantined,
            refused=worker.admission.quotas.refused if worker else {},
        )

    def describe_condition(self) -> ProcessCondition:
        """Return what other processes are told about this one."""
        health = self.read_health()
        oldest_ms = health.backlog.oldest_received_ms
        outage = health.outage
        return ProcessCondition(
            backlog_entries=health.backlog.entries,
            backlog_bytes=health.backlog.bytes,
            oldest_received_at=None if oldest_ms is None else units.at_from_ms(oldest_ms),
            spilled_seq=self._worker.spiller.spilled_seq
            if self._worker and self._worker.spiller
            else None,
            journal_bytes=health.journal_bytes,
            room_bytes=health.room_bytes,
            reserve_bytes=health.reserve_bytes,
            outage=None if outage is None else str(outage),
            outage_kind=None
            if outage is None
            else ("database" if isinstance(outage, DatabaseUnavailable) else "storage"),
        )

    async def refresh(self) -> None:
        """Find out what costs more: journals of dead processes, quarantine, Postgres, storage."""
        sizes = await asyncio.to_thread(disk.measure_journals, self._journal_root)
        self._journal_bytes = sum(sizes.values())
        kept = self._own_and_kept()
        others = [name for name, size in sizes.items() if size and name not in kept]
        if not await asyncio.to_thread(disk.is_any_abandoned, self._journal_root, others):
            self._others_since_ms = None
        elif self._others_since_ms is None:
            self._others_since_ms = clock.now_ms()
        try:
            async with self._database.reading() as connection:
                self._quarantined = await projects.count_quarantined(connection)
            await probe.check_answers(self._objects)
        except ServiceUnavailable as error:
            self._outage = error
        else:
            self._outage = None

    async def _refresh_for_ever(self) -> None:
        while True:
            try:
                await self.refresh()
            except Exception:
                _logger.exception("refreshing the health of ingest failed")
            await asyncio.sleep(_PAUSE_S)

    def _find_disk(self) -> Path:
        """Return a folder on the disk of journals; without a journal theirs may be missing."""
        if self._worker is not None:
            return self._worker.journal.path
        return self._journal_root if self._journal_root.is_dir() else self._journal_root.parent

    def _own_and_kept(self) -> set[str]:
        """Return the journals in the folder of which nothing waits for another process."""
        worker = self._worker
        return {worker.journal.id, *worker.digester.kept_journals} if worker else set()

    def _free_bytes(self) -> int:
        try:
            disk_space = os.statvfs(self._find_disk())
        except OSError as error:
            _logger.warning(
                "the free space of the journal's disk cannot be read", error=error.strerror
            )
            return 0
        return disk_space.f_bavail * disk_space.f_frsize
