"""Finds what is wrong with any of the processes that run on one database.

The banner on every page, the page of the server's health, `playhead doctor` and the metrics all
tell the same problems, which this module finds in the rows of the processes.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.ingest.health import BEHIND_S
from app.journal import disk
from app.processes.model import ProcessRecord, ProcessState
from app.processes.roles_served import find_unreplaced

CLOCK_AHEAD_MS: Final = 2_000
"""The largest harmless difference between a clock and that of Postgres, in milliseconds.

Events of backends are placed on timelines by the clock of the process that receives them.
"""


class ProcessProblem(enum.StrEnum):
    """A problem of a process, in order of severity, the worst first."""

    REFUSING = "refusing"
    """The disk of its journal is full: it accepts nothing."""
    DEAD = "dead"
    """It has died, and nobody owns its journal."""
    LATE = "late"
    """Its heartbeat is late, and it may be dead."""
    GONE = "gone"
    """It has died and had no journal; no other process with its roles has started since."""
    FILLING = "filling"
    """Its journal fills up."""
    OUTAGE = "outage"
    """It cannot use Postgres or the store."""
    BEHIND = "behind"
    """It does not digest as fast as it accepts."""
    CLOCK = "clock"
    """Its clock is off that of Postgres."""


@dataclass(frozen=True, slots=True)
class ProblemProcesses:
    """A problem, and the processes that have it."""

    problem: ProcessProblem
    processes: tuple[ProcessRecord, ...]


def find_problems(
    records: Sequence[ProcessRecord], *, own_id: str | None = None
) -> tuple[ProblemProcesses, ...]:
    """Find the problems of all processes, the worst first, each with its processes.

    Args:
        records: All processes; some of them may have taken the place of others.
        own_id: A process that is left out, since its own problems are shown in more detail.
    """
    found: dict[ProcessProblem, list[ProcessRecord]] = {problem: [] for problem in ProcessProblem}
    for record in records:
        for problem in list_problems(record):
            found[problem].append(record)
    for record in find_unreplaced(records):
        is_late = record.state is ProcessState.LATE
        found[ProcessProblem.LATE if is_late else ProcessProblem.GONE].append(record)
    others = {
        problem: tuple(each for each in affected if each.identity.process_id != own_id)
        for problem, affected in found.items()
    }
    return tuple(
        ProblemProcesses(problem, affected) for problem, affected in others.items() if affected
    )


def list_problems(record: ProcessRecord) -> tuple[ProcessProblem, ...]:
    """List the problems in the row of one process, the worst first; for a dead one only that.

    Whether a silent process without a journal matters depends on the others: see `find_problems`.
    """
    has_journal = record.identity.journal_id is not None
    if not record.is_running:
        return (ProcessProblem.DEAD,) if has_journal else ()
    problems = []
    if record.state is ProcessState.LATE and has_journal:
        problems.append(ProcessProblem.LATE)
    problems += _list_disk_problems(record)
    if record.condition.outage is not None:
        problems.append(ProcessProblem.OUTAGE)
    elif record.oldest_s > BEHIND_S:
        problems.append(ProcessProblem.BEHIND)
    if abs(record.clock_ahead_ms) > CLOCK_AHEAD_MS:
        problems.append(ProcessProblem.CLOCK)
    return tuple(problems)


def _list_disk_problems(record: ProcessRecord) -> list[ProcessProblem]:
    condition = record.condition
    if record.identity.journal_id is None or condition.room_bytes is None:
        return []
    if condition.room_bytes <= 0:
        return [ProcessProblem.REFUSING]
    used = disk.used_share(condition.journal_bytes, condition.room_bytes)
    return [ProcessProblem.FILLING] if used >= disk.FILLING else []
