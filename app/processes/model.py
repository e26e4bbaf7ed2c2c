"""Defines the identity, the condition and the record of a process."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from app.core.process_roles import ProcessRole

ROLES: Final = tuple(ProcessRole)
"""All roles that a process can have."""

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
    """The place of its objects, for people: `s3://bucket/prefix at …`, or a folder of its host."""
    database_connections: int = 0
    """The most connections to Postgres that it opens."""


@dataclass(frozen=True, slots=True)
class LiveProcess:
    """A process that runs and is not about to stop."""

    host: str
    pid: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessCondition:
    """The condition of a process at one moment, as the process itself reports it."""

    backlog_entries: int = 0
    """Envelopes in its journal that are not digested yet."""
    backlog_bytes: int = 0
    oldest_received_at: datetime | None = None
    """The time at which the oldest of them was received; None if none waits."""
    spilled_seq: int | None = None
    """The last entry of its journal that lies in the bucket as well; None if none ever did."""
    journal_bytes: int = 0
    """The disk space of the journals in its data folder."""
    room_bytes: int | None = None
    """The disk space that journals may still take; None without a journal."""
    reserve_bytes: int = 0
    """The disk space that journals leave free."""
    outage: str | None = None
    """The reason why it cannot use Postgres or the store; None if it can."""
    outage_kind: OutageKind | None = None
    """The part that it cannot use: Postgres or the store; None if it can use both."""
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
    """The state of a process, by its row."""

    LIVE = "live"
    """It was heard of a moment ago."""
    LATE = "late"
    """It has missed two heartbeats, and may be dead."""
    STOPPING = "stopping"
    """It was told to stop, and still runs."""
    SILENT = "silent"
    """It has missed so many heartbeats that it counts as dead."""
    STOPPED = "stopped"
    """It has stopped, and has left entries in its journal."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process as its row describes it."""

    identity: ProcessIdentity
    condition: ProcessCondition
    started_at: datetime
    """The time of its first heartbeat, by the clock of Postgres."""
    seen_at: datetime
    """The time of its last heartbeat, by the clock of Postgres."""
    silent_s: float
    """The seconds since its last heartbeat, by the same clock, when the row was read."""
    clock_ahead_ms: int
    """Milliseconds by which its clock is ahead of that of Postgres; negative if it is behind."""
    state: ProcessState

    @property
    def is_running(self) -> bool:
        """True if it counts as alive."""
        return self.state in {ProcessState.LIVE, ProcessState.LATE, ProcessState.STOPPING}

    @property
    def oldest_s(self) -> float:
        """Seconds for which the oldest envelope in its journal has waited; 0 if none waits."""
        oldest_at = self.condition.oldest_received_at
        if oldest_at is None:
            return 0.0
        # The row tells times of two clocks.
        waited = self.seen_at - oldest_at + timedelta(milliseconds=self.clock_ahead_ms)
        return max(0.0, waited.total_seconds() + self.silent_s)

    def has_role(self, role: str) -> bool:
        """Tell whether it does this kind of work."""
        return role in self.identity.roles
