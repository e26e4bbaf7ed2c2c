"""Why is there no replay? Gathers what is known of one, of an event's, or of a project's.

replay id ─► here? deleted? set aside? named by events? what its project lost of replays
event id  ─► the replay it names, or the replays of its trace
project   ─► what it lost of replays, and the replays that its events name and nobody sent
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId
from app.issues import named_replays
from app.issues.named_replays import LinkableEvent, NamingEvent, NamingEvents
from app.playback.recording import gaps
from app.projects import queries as projects
from app.projects.model import OutcomeCount, Quarantined
from app.replays import queries as replays, traced, whereabouts
from app.replays.model import Replay, Segment, Tombstone
from app.replays.traced import TracedReplay

DAYS: Final = 30
_REPLAY_ITEMS: Final = frozenset({"replay_video", "replay_event", "replay_recording", "replay"})
"""Items that carry replays, and the category under which SDKs report their losses."""
_UNNAMED: Final = frozenset({"envelope"})
"""What is refused whole is counted by its door: there may have been a replay in it."""
_MOST_NAMING: Final = 1_000
_MOST_MISSING: Final = 20


@dataclass(frozen=True, slots=True)
class StoredReplay:
    """A replay that is here, and what of it is not."""

    replay: Replay
    segments: tuple[Segment, ...]
    missing_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReplayLosses:
    """What a project lost of replays."""

    project_id: ProjectId
    counts: tuple[OutcomeCount, ...]


@dataclass(frozen=True, slots=True)
class ReplayTrail:
    """Everything that is known of a replay id."""

    replay_id: ReplayId
    stored: tuple[StoredReplay, ...]
    tombstones: tuple[Tombstone, ...]
    quarantined: tuple[Quarantined, ...]
    named_by: tuple[NamingEvents, ...]
    lost: tuple[ReplayLosses, ...]
    """Of the projects whose events name it; of all one sees where none does."""


@dataclass(frozen=True, slots=True)
class EventTrail:
    """What could lead from an event to a replay."""

    event: LinkableEvent
    of_trace: tuple[TracedReplay, ...]


@dataclass(frozen=True, slots=True)
class ProjectTrail:
    """What became of a project's replays."""

    project_id: ProjectId
    kept_items: int
    lost: ReplayLosses
    naming: int
    """How many of its newest events name a replay, and how many of those it is not here for."""
    dangling: int
    missing: tuple[NamingEvent, ...]
    """An event for each of the replays that never came, the newest."""


async def gather_replay_trail(
    connection: AsyncConnection,
    replay_id: ReplayId,
    project_ids: Sequence[ProjectId],
    *,
    now: datetime,
) -> ReplayTrail:
    """Gather what is known of a replay, in the projects that one sees."""
    stored = [
        await _read_stored_replay(connection, replay)
        for key in await replays.find_replays_with_id(connection, replay_id, project_ids)
        if (replay := await replays.find_replay(connection, key)) is not None
    ]
    by = await named_replays.count_naming_events(connection, replay_id, project_ids)
    sources = [one.project_id for one in by] or list(project_ids)
    return ReplayTrail(
        replay_id,
        tuple(stored),
        tuple(await replays.find_tombstones_with_id(connection, replay_id, project_ids)),
        tuple(await projects.quarantined_replay(connection, replay_id, project_ids)),
        tuple(by),
        tuple([await _read_losses(connection, project_id, now) for project_id in sources]),
    )


async def gather_event_trail(
    connection: AsyncConnection, event_id: EventId, project_ids: Sequence[ProjectId]
) -> EventTrail | None:
    """Gather what could lead from an event to a replay; None if there is no such event."""
    event = await named_replays.find_event(connection, event_id, project_ids)
    if event is None:
        return None
    found: list[TracedReplay] = []
    if event.replay_id is None and event.trace_id is not None:
        found = await traced.read_replays_in_trace(connection, event.trace_id, project_ids)
    return EventTrail(event, tuple(found))


async def gather_project_trail(
    connection: AsyncConnection,
    project_id: ProjectId,
    project_ids: Sequence[ProjectId],
    *,
    now: datetime,
) -> ProjectTrail:
    """Gather what became of a project's replays in the last 30 days."""
    counts = await _read_outcomes(connection, project_id, now)
    naming = await named_replays.read_newest_naming_events(
        connection, project_id, since=now - timedelta(days=DAYS), limit=_MOST_NAMING
    )
    by_replay = {one.replay_id: one for one in reversed(naming)}
    here = await whereabouts.find_present_replays(connection, by_replay.keys(), project_ids)
    missing = [one for one in naming if one.replay_id not in here]
    newest = {one.replay_id: one for one in reversed(missing)}
    return ProjectTrail(
        project_id,
        kept_items=sum(
            one.quantity
            for one in counts
            if one.outcome == "kept" and one.item_type in _REPLAY_ITEMS
        ),
        lost=ReplayLosses(project_id, _keep_losses(counts)),
        naming=len(naming),
        dangling=len(missing),
        missing=tuple(list(newest.values())[::-1][:_MOST_MISSING]),
    )


async def _read_stored_replay(connection: AsyncConnection, replay: Replay) -> StoredReplay:
    segments = await replays.read_segments(connection, replay.key, steps=replay.clock_steps)
    missing = gaps.find_missing_ids({one.segment_id for one in segments})
    return StoredReplay(replay, tuple(segments), tuple(missing))


async def _read_losses(
    connection: AsyncConnection, project_id: ProjectId, now: datetime
) -> ReplayLosses:
    return ReplayLosses(project_id, _keep_losses(await _read_outcomes(connection, project_id, now)))


async def _read_outcomes(
    connection: AsyncConnection, project_id: ProjectId, now: datetime
) -> list[OutcomeCount]:
    since = (now - timedelta(days=DAYS - 1)).date()
    return await projects.outcomes_of(connection, project_id, since=since)


def _keep_losses(counts: Sequence[OutcomeCount]) -> tuple[OutcomeCount, ...]:
    """Keep what cost replays, or may have."""
    return tuple(
        one
        for one in counts
        if one.outcome not in ("kept", "duplicate") and one.item_type in _REPLAY_ITEMS | _UNNAMED
    )
