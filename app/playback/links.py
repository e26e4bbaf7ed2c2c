"""Where replays, errors and traces meet: what belongs to a replay, from any project one may see.

    ties: trace ids that segments, events and spans named with the replay
        ─► ReplayWindow ─► linked events (all, or counted), spans, logs

List and page ask by the same windows, so their numbers agree.

Source: docs/protocol.md, section 7.3.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, TraceId
from app.core.windows import SLACK, ReplayWindow, are_held_up
from app.errors import queries as errors
from app.errors.queries import EventPlace, LinkedCount, LinkedEvents
from app.formats.event import BACKEND_PLATFORMS, CRASHES, HANGS
from app.replays import ties
from app.replays.model import Replay
from app.traces import logs, queries as traces
from app.traces.model import StoredLog, StoredSpan

Side = Literal["app", "backend"]

_SLOW_MS: Final = 60_000
"""So long an envelope may be on its way: a smaller difference is no sign of a wrong clock."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An error on the clock of its replay, from its start to its end."""

    at_ms: int
    source: Side
    is_crash: bool
    """It ended the app, or the app hung."""


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """How many events belong to a replay, and when the app's own last told of an end."""

    app: int
    backend: int
    crashed_at: datetime | None = None
    hung_at: datetime | None = None
    """When the app last reported a crash, or that it hung; by the phone's clock."""
    marks: tuple[Mark, ...] = ()
    """Where the first errors of each kind are, of those that happened in the replay's time."""


def side(replay_project: ProjectId, project_id: ProjectId, platform: str | None) -> Side:
    """Tell on which side an item was made: another project's is a backend's."""
    is_backend = project_id != replay_project or platform in BACKEND_PLATFORMS
    return "backend" if is_backend else "app"


def offset_ms(window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app") -> int:
    """Place a moment on the clock of a replay, to the millisecond; see `offset`."""
    return round(offset(window, at, drift_ms, made_by=made_by).total_seconds() * 1000)


def moment_ms(
    window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app"
) -> int | None:
    """Place a moment in a replay, from its start to its end; None if it was at another time."""
    found = near_ms(window, at, drift_ms, made_by=made_by)
    length_ms = round((window.ended_at - window.started_at).total_seconds() * 1000)
    return None if found is None else min(max(found, 0), length_ms)


def near_ms(
    window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app"
) -> int | None:
    """Place a moment in a replay or the minute around it; None if it was at another time."""
    found = offset(window, at, drift_ms, made_by=made_by)
    return round(found.total_seconds() * 1000) if _is_within(window, found) else None


def offset(
    window: ReplayWindow, at: datetime, drift_ms: int, *, made_by: Side = "app"
) -> timedelta:
    """Place a moment on the clock of a replay, 0 at its start.

    Args:
        window: The replay.
        at: By the sender's clock.
        drift_ms: How far that clock was behind the server's.
        made_by: An app shares the phone's clock, so its own time is believed first; a backend's
            is corrected first, if the two clocks really differ.
    """
    as_sent = at - window.started_at
    if are_held_up(window.drift_ms, drift_ms):
        return as_sent
    apart = timedelta(milliseconds=drift_ms - window.drift_ms)
    if made_by == "app" or not _clocks_differ(window.drift_ms, drift_ms):
        first, second = as_sent, as_sent + apart
    else:
        first, second = as_sent + apart, as_sent
    return second if _is_within(window, second) and not _is_within(window, first) else first


def count(replay_project: ProjectId, counts: Sequence[LinkedCount]) -> ErrorCounts:
    """Add up what was counted by project, platform and kind."""
    sides = {"app": 0, "backend": 0}
    crashes: list[datetime] = []
    hangs: list[datetime] = []
    for one in counts:
        made_by = side(replay_project, one.project_id, one.platform)
        sides[made_by] += one.events
        if made_by == "app" and one.kind in CRASHES:
            crashes.append(one.last_at)
        elif made_by == "app" and one.kind in HANGS:
            hangs.append(one.last_at)
    return ErrorCounts(
        sides["app"], sides["backend"], max(crashes, default=None), max(hangs, default=None)
    )


async def windows_of(connection: AsyncConnection, found: Sequence[Replay]) -> list[ReplayWindow]:
    """Return the reach of each replay, in the order given."""
    if not found:
        return []
    tied = await ties.traces_of(connection, [replay.key.replay_id for replay in found])
    return [window_of(replay, tied.get(replay.key.replay_id, ())) for replay in found]


def window_of(replay: Replay, trace_ids: Iterable[TraceId]) -> ReplayWindow:
    """Return the reach of a replay that is tied to some traces."""
    return ReplayWindow(
        replay_id=replay.key.replay_id,
        trace_ids=frozenset(trace_ids),
        started_at=replay.started_at,
        ended_at=replay.ended_at,
        drift_ms=replay.drift_ms,
    )


async def counts_of(
    connection: AsyncConnection, found: Sequence[Replay], project_ids: Sequence[ProjectId]
) -> list[ErrorCounts]:
    """Count the errors of several replays, in the order given."""
    windows = await windows_of(connection, found)
    counted = await errors.linked_counts(connection, windows, project_ids)
    return [
        replace(
            count(replay.key.project_id, counts),
            marks=tuple(_marks(replay.key.project_id, window, counts)),
        )
        for replay, window, counts in zip(found, windows, counted, strict=True)
    ]


def _marks(
    replay_project: ProjectId, window: ReplayWindow, counts: Sequence[LinkedCount]
) -> Iterator[Mark]:
    for one in counts:
        made_by = side(replay_project, one.project_id, one.platform)
        for at, drift_ms in one.moments:
            at_ms = moment_ms(window, at, drift_ms, made_by=made_by)
            if at_ms is not None:
                yield Mark(at_ms, made_by, one.kind in CRASHES | HANGS)


async def errors_of(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    home: ProjectId,
    after: EventPlace | None = None,
) -> LinkedEvents:
    """Read the errors of one replay that matter most, in the order of their time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay.
        after: The place after which to read on; None begins with what matters most.
    """
    return await errors.linked(connection, window, project_ids, home=home, after=after)


async def count_errors(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    home: ProjectId,
    events: LinkedEvents,
) -> ErrorCounts:
    """Count the errors of one replay, as the list of replays does.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay.
        events: Those of its errors that are read already; if they are all, nothing is asked.
    """
    if not events.is_whole:
        (counts,) = await errors.linked_counts(connection, [window], project_ids)
        return count(home, counts)
    each = [one.event for one in events.events]
    return count(
        home, [LinkedCount(one.project_id, one.platform, one.kind, 1, one.at) for one in each]
    )


async def spans_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> tuple[StoredSpan, ...]:
    """Read the spans of one replay in the order of their start."""
    return tuple(await traces.spans_of(connection, window, project_ids))


async def logs_of(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> tuple[StoredLog, ...]:
    """Read the log records of one replay in the order of their time."""
    return tuple(await logs.logs_of(connection, window, project_ids))


def _clocks_differ(one_ms: int, other_ms: int) -> bool:
    """Tell clocks that differ from envelopes that were a moment on their way."""
    return abs(one_ms - other_ms) >= _SLOW_MS


def _is_within(window: ReplayWindow, after: timedelta) -> bool:
    """Tell whether an offset from the start lies in the replay's time, with its slack."""
    return -SLACK <= after <= window.ended_at - window.started_at + SLACK
