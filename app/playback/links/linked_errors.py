"""Counts the errors of replays, and places them on the clocks of their replays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.formats.events.event import CRASHES, HANGS
from app.issues.events import replay_events as errors
from app.issues.events.replay_events import LinkedCount, LinkedCounts, LinkedEvents
from app.playback.links import placement, replay_clock
from app.playback.links.placement import PlacedMoment, ReplayMoments
from app.playback.links.replay_clock import Side
from app.replays.model import Replay
from app.traces.model import StoredSpan


@dataclass(frozen=True, slots=True)
class ErrorMark:
    """An error on the clock of its replay, from its start to its end."""

    at_ms: int
    source: Side
    is_crash: bool
    """True if the error ended the app, or the app hung."""


@dataclass(frozen=True, slots=True)
class ErrorCounts:
    """The numbers of events that belong to a replay, and the times of its last crash and hang."""

    app: int
    backend: int
    crashed_at: datetime | None = None
    hung_at: datetime | None = None
    """The times at which the app last reported a crash and a hang, by the phone's clock."""
    is_at_least: bool = False
    """True if the replay may have more errors than were counted."""
    marks: tuple[ErrorMark, ...] = ()
    """The first errors of each kind that happened within the time of the replay."""


def add_up_errors(replay_project: ProjectId, counts: LinkedCounts) -> ErrorCounts:
    """Add up counts by project, platform and kind."""
    sides = {"app": 0, "backend": 0}
    crashes: list[datetime] = []
    hangs: list[datetime] = []
    for count in counts.by_kind:
        made_by = replay_clock.find_side(replay_project, count.project_id, count.platform)
        sides[made_by] += count.events
        if made_by == "app" and count.kind in CRASHES:
            crashes.append(count.last_at)
        elif made_by == "app" and count.kind in HANGS:
            hangs.append(count.last_at)
    return ErrorCounts(
        sides["app"],
        sides["backend"],
        max(crashes, default=None),
        max(hangs, default=None),
        counts.is_at_least,
    )


async def count_errors_of_replays(
    connection: AsyncConnection, found: Sequence[Replay], project_ids: Sequence[ProjectId]
) -> list[ErrorCounts]:
    """Count the errors of several replays, in the order given."""
    windows = await replay_clock.read_windows(connection, found)
    counted = await errors.count_linked_events(connection, windows, project_ids)
    asked = [
        ReplayMoments(window, replay.key.project_id, [*_iterate_moments(counts.by_kind)])
        for replay, window, counts in zip(found, windows, counted, strict=True)
    ]
    offsets = await placement.place_in_replays(connection, asked, project_ids)
    return [
        replace(
            add_up_errors(replay.key.project_id, counts),
            marks=tuple(_make_marks(replay.key.project_id, window, counts.by_kind, of_replay)),
        )
        for replay, window, counts, of_replay in zip(found, windows, counted, offsets, strict=True)
    ]


async def place_errors(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    home: ProjectId,
    events: LinkedEvents,
    replay_spans: Sequence[StoredSpan] | None = None,
) -> tuple[timedelta, ...]:
    """Place errors of a replay, in the order given, counted from the start of the replay.

    Args:
        connection: The connection to read spans with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay.
        events: The errors.
        replay_spans: All spans of the replay if they are read already.
    """
    moments = [placement.make_event_moment(linked.event) for linked in events.events]
    return tuple(
        await placement.place_in_replay(
            connection, window, home, moments, project_ids, replay_spans=replay_spans
        )
    )


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
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        home: The project of the replay.
        events: Those of its errors that are read already; if they are all, nothing is asked.
    """
    if not events.is_whole:
        (counts,) = await errors.count_linked_events(connection, [window], project_ids)
        return add_up_errors(home, counts)
    linked_events = [linked.event for linked in events.events]
    by_kind = [
        LinkedCount(event.project_id, event.platform, event.kind, 1, event.at)
        for event in linked_events
    ]
    return add_up_errors(home, LinkedCounts(tuple(by_kind), is_at_least=False))


def _iterate_moments(counts: Sequence[LinkedCount]) -> Iterator[PlacedMoment]:
    for count in counts:
        for moment in count.moments:
            yield PlacedMoment(count.project_id, count.platform, *moment)


def _make_marks(
    replay_project: ProjectId,
    window: ReplayWindow,
    counts: Sequence[LinkedCount],
    offsets: Sequence[timedelta],
) -> Iterator[ErrorMark]:
    """Make a mark of each moment; `offsets` are in the order of `_iterate_moments`."""
    following = iter(offsets)
    for count in counts:
        made_by = replay_clock.find_side(replay_project, count.project_id, count.platform)
        for _ in count.moments:
            at_ms = replay_clock.clamp_to_replay_ms(window, next(following))
            if at_ms is not None:
                yield ErrorMark(at_ms, made_by, count.kind in CRASHES | HANGS)
