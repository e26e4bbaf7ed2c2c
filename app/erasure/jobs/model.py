"""The values of erasures and of their receipts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from app.core.ids import PersonId, ProjectId, ReplayId
from app.erasure.jobs.scopes import ErasureScope


class ErasureKind(StrEnum):
    """The kind of an erasure, by what somebody asked to erase."""

    REPLAY = "replay"
    REPLAYS = "replays"
    PERSON = "person"
    RANGE = "range"
    PROJECT = "project"
    RESTORED = "restored"
    """An earlier erasure, applied again to a restored database."""


class ErasureState(StrEnum):
    """The state of an erasure."""

    WAITING = "waiting"
    """Everything that could be hidden at once is hidden; the first step has not begun."""
    RUNNING = "running"
    SWEEPING = "sweeping"
    """All rows are gone, and objects are being removed."""
    BLOCKED = "blocked"
    """Object storage or Postgres does not answer; it is tried again for ever."""
    HELD = "held"
    """Everything is erased except replays that legal holds keep."""
    FINISHED = "finished"


UNREACHABLE: Final = "unreachable"
"""The name under which the summary of an erasure has the hosts that it does not cover."""
COUNTED: Final = (
    "replays", "segments", "events", "issues", "feedback", "files", "logs", "spans", "quarantined",
    "debug_files",
    "messages", "shares", "clips", "tickets",
)  # fmt: skip
"""The things that an erasure counts, in the order in which a receipt names them."""


@dataclass(frozen=True, slots=True)
class UnreachableHost:
    """A host that was silent while something was erased, and has the journal of a process."""

    name: str
    seen_at: datetime
    """The time of its last heartbeat, by the clock of Postgres."""
    waiting: int
    """Envelopes that waited in its journal then."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure, which becomes the receipt when it has finished."""

    id: int
    act_id: str
    """An id that all jobs of one act share."""
    project_id: ProjectId
    project_name: str
    kind: ErasureKind
    scope: ErasureScope | None
    """None once it has finished."""
    summary: Mapping[str, Any]
    requested_at: datetime
    requested_by: PersonId | None
    """None for the command line."""
    state: ErasureState
    phase: str
    position: Any
    counts: Mapping[str, int]
    size_bytes: int
    covers_until: datetime | None
    """Everything that was received before this time is gone."""
    worked_at: datetime
    problem: str | None
    verified_at: datetime | None
    """The time at which neither rows nor objects were left."""
    finished_at: datetime | None

    @property
    def unreachable(self) -> tuple[UnreachableHost, ...]:
        """Hosts that the erasure did not wait for, and whose journals it does not cover."""
        return tuple(
            UnreachableHost(
                host["name"], datetime.fromisoformat(host["seen_at"]), int(host["waiting"])
            )
            for host in self.summary.get(UNREACHABLE, ())
        )


@dataclass(frozen=True, slots=True)
class ErasureHold:
    """A replay that a legal hold kept from an erasure."""

    replay_id: ReplayId
    name: str
    reason: str
    expires_at: datetime
    ended_at: datetime | None
    """The time at which the hold had ended and the replay was erased; None while it is held."""


@dataclass(frozen=True, slots=True)
class ErasureAct:
    """One request of a person, with the jobs that it began: one for each project."""

    act_id: str
    erasures: tuple[Erasure, ...]
    held: int = 0
    """Replays that legal holds keep for now."""

    @property
    def replays(self) -> int:
        """The number of replays that disappeared at once."""
        return sum(erasure.counts.get("replays", 0) for erasure in self.erasures)
