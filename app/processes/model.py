"""What a process tells the others about itself, and what is known of each."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from app.core.process_roles import ProcessRole

ROLES: Final = tuple(ProcessRole)
"""Everything that a process can do."""

OutageKind = Literal["database", "storage"]


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """The facts about a process that stay the same while it runs."""

    process_id: str
    """32 hex digits, made when the process starts."""
    journal_id: str | None
    """The journal that it writes; None for a process that takes no envelopes."""
    host: str
    pid: int
    roles: tuple[str, ...]
    """Some of `ROLES`."""
    version: str
    store: str = ""
    """Where it stores objects, for people: `s3://bucket/prefix at …`, or a folder of its host."""
    database_connections: int = 0
    """The most connections to Postgres that it opens."""


@dataclass(frozen=True, slots=True)
class ProcessCondition:
    """How a process is at one moment, in its own words."""

    backlog_entries: int = 0
    """Envelopes in its journal that are not digested yet."""
    backlog_bytes: int = 0
    oldest_received_at: datetime | None = None
    """When the oldest of them was received; None if none waits."""
    spilled_seq: int | None = None
    """The last entry of its journal that lies in the bucket as well; None if none ever did."""
    journal_bytes: int = 0
    """The disk space of the journals in its data folder."""
    room_bytes: int | None = None
    """The disk space that journals may still take; None without a journal."""
    reserve_bytes: int = 0
    """The disk space that journals leave free."""
    outage: str | None = None
    """Why it cannot use Postgres or the store, if it cannot."""
    outage_kind: OutageKind | None = None
    """Which of the two it is that it cannot use."""
    counts: Mapping[str, int | Mapping[str, int]] = field(default_factory=dict)
    """Further counts by name, some of them by reason: `accepted`, `connections`, `hang_ups`."""

    def read_count(self, name: str) -> int:
        """Return one of the counts; 0 if this process does not have it."""
        count = self.counts.get(name, 0)
        return count if isinstance(count, int) else sum(count.values())

    def read_counts(self, name: str) -> Mapping[str, int]:
        """Return the counts by reason under one name; empty if this process does not have them."""
        counts = self.counts.get(name, {})
        return {} if isinstance(counts, int) else counts


class ProcessState(enum.StrEnum):
    """Whether a process runs, as far as its row says."""

    LIVE = "live"
    """It was heard of a moment ago."""
    LATE = "late"
    """It has missed two heartbeats, and may be dead."""
    STOPPING = "stopping"
    """It was told to stop, and runs."""
    SILENT = "silent"
    """It was not heard of for so long that it counts as dead."""
    STOPPED = "stopped"
    """It has stopped, and left something in its journal."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process as its row describes it."""

    identity: ProcessIdentity
    condition: ProcessCondition
    started_at: datetime
    """When its first heartbeat came, by the clock of Postgres."""
    seen_at: datetime
    """When its last heartbeat came, by the clock of Postgres."""
    silent_s: float
    """How long that was ago, by the same clock, when the row was read."""
    clock_ahead_ms: int
    """How far its clock is ahead of that of Postgres; less than 0 if it is behind."""
    state: ProcessState

    @property
    def is_running(self) -> bool:
        """Whether it counts as alive."""
        return self.state in {ProcessState.LIVE, ProcessState.LATE, ProcessState.STOPPING}

    @property
    def oldest_s(self) -> float:
        """The time for which the oldest envelope in its journal has waited; 0 if none waits."""
        oldest_at = self.condition.oldest_received_at
        if oldest_at is None:
            return 0.0
        # The row tells times of two clocks.
        waited = self.seen_at - oldest_at + timedelta(milliseconds=self.clock_ahead_ms)
        return max(0.0, waited.total_seconds() + self.silent_s)

    def has_role(self, role: str) -> bool:
        """Whether it does this kind of work."""
        return role in self.identity.roles
