"""Finds out why there is no replay, for the id of a replay or an event, or for a project.

replay id ─► here? deleted? in quarantine? named by events? what its project lost of replays
event id  ─► the replay that it names, or the replays of its trace
project   ─► what it lost of replays, and the replays that its events name and that never arrived
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.core import clock
from app.core.errors import NotFound
from app.core.ids import EventId, ProjectId, ReplayId
from app.db.engine import Database
from app.issues.events import named_replays
from app.issues.events.named_replays import LinkableEvent, NamingEvent, NamingEvents
from app.memberships import queries as memberships
from app.playback.recording import gaps
from app.projects import queries as projects
from app.projects.model import OutcomeCount, QuarantinedEnvelope
from app.replays import queries as replays, trace_links
from app.replays.model import Replay, Segment, Tombstone
from app.replays.segments import segment_queries
from app.replays.trace_links import TracedReplay

DAYS: Final = 30
_REPLAY_ITEMS: Final = frozenset({"replay_video", "replay_event", "replay_recording", "replay"})
"""Items that carry replays, and the category under which SDKs report their losses."""
_UNNAMED: Final = frozenset({"envelope"})
"""An envelope that is refused as a whole is counted as one: it may have carried a replay."""
_MOST_NAMING: Final = 1_000
_MOST_MISSING: Final = 20


@dataclass(frozen=True, slots=True)
class ReplayWithMissingSegments:
    """A replay that is here, and the ids of its segments that are not."""

    replay: Replay
    segments: tuple[Segment, ...]
    missing_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReplayLosses:
    """The losses of a project's replays."""

    project_id: ProjectId
    counts: tuple[OutcomeCount, ...]


@dataclass(frozen=True, slots=True)
class ReplayTrail:
    """Everything that is known of a replay id."""

    replay_id: ReplayId
    stored: tuple[ReplayWithMissingSegments, ...]
    tombstones: tuple[Tombstone, ...]
    quarantined: tuple[QuarantinedEnvelope, ...]
    named_by: tuple[NamingEvents, ...]
    lost: tuple[ReplayLosses, ...]
    """Losses of the projects whose events name the replay, or else of all that one may see."""


@dataclass(frozen=True, slots=True)
class EventTrail:
    """The ids that could lead from an event to a replay."""

    event: LinkableEvent
    of_trace: tuple[TracedReplay, ...]


@dataclass(frozen=True, slots=True)
class ProjectTrail:
    """The outcomes of a project's replays."""

    project_id: ProjectId
    kept_items: int
    lost: ReplayLosses
    naming: int
    """The number of the project's newest events that name a replay."""
    dangling: int
    """The number of these that name a replay that is not stored."""
    missing: tuple[NamingEvent, ...]
    """The newest event of each replay that is not here."""


@dataclass(frozen=True, slots=True)
class MissingReplayAnswer:
    """The facts that a person may know about the replay that they miss."""

    trail: ReplayTrail | EventTrail | ProjectTrail | None
    """None before anything is asked."""
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the person may see."""


async def list_projects_to_ask(database: Database, person: Person) -> MissingReplayAnswer:
    """List the projects that a person may ask about, before anything is asked."""
    async with database.reading() as connection:
        return MissingReplayAnswer(None, await _read_project_names(connection, person))


async def explain_project(
    database: Database, person: Person, project_id: ProjectId
) -> MissingReplayAnswer:
    """Find out what became of a project's replays in the last 30 days.

    Raises:
        NotFound: There is no such project, or the person may not know that there is.
    """
    async with database.reading() as connection:
        names = await _read_project_names(connection, person)
        if project_id not in names:
            raise NotFound("no such project")
        trail = await _gather_project_trail(connection, project_id, list(names))
    return MissingReplayAnswer(trail, names)


async def explain_id(database: Database, person: Person, wanted: str) -> MissingReplayAnswer:
    """Find out what is known of an id: that of an event if there is one, else that of a replay.

    What is known of an event that names a replay is what is known of that replay.
    """
    replay_id = ReplayId(wanted)
    async with database.reading() as connection:
        names = await _read_project_names(connection, person)
        event = await named_replays.find_linkable_event(connection, EventId(wanted), list(names))
        if event is not None and event.replay_id is None:
            event_trail = await _gather_event_trail(connection, event, list(names))
            return MissingReplayAnswer(event_trail, names)
        if event is not None and event.replay_id is not None:
            replay_id = event.replay_id
        replay_trail = await _gather_replay_trail(connection, replay_id, list(names))
    return MissingReplayAnswer(replay_trail, names)


async def _read_project_names(connection: AsyncConnection, person: Person) -> dict[ProjectId, str]:
    visible_projects = await memberships.list_projects(connection, person)
    return {project.id: project.name for project in visible_projects}


async def _gather_project_trail(
    connection: AsyncConnection, project_id: ProjectId, project_ids: Sequence[ProjectId]
) -> ProjectTrail:
    counts = await _read_outcomes(connection, project_id)
    since = clock.now() - timedelta(days=DAYS)
    naming = await named_replays.read_newest_naming_events(
        connection, project_id, since=since, limit=_MOST_NAMING
    )
    named_ids = {event.replay_id for event in naming}
    present_ids = await replays.find_present_replays(connection, named_ids, project_ids)
    dangling = [event for event in naming if event.replay_id not in present_ids]
    # The newest event comes first, and the first event of each replay is kept.
    newest_by_replay = {event.replay_id: event for event in reversed(dangling)}
    missing = list(newest_by_replay.values())[::-1]
    return ProjectTrail(
        project_id,
        kept_items=sum(
            count.quantity
            for count in counts
            if count.outcome == "kept" and count.item_type in _REPLAY_ITEMS
        ),
        lost=ReplayLosses(project_id, _keep_losses(counts)),
        naming=len(naming),
        dangling=len(dangling),
        missing=tuple(missing[:_MOST_MISSING]),
    )


async def _gather_event_trail(
    connection: AsyncConnection, event: LinkableEvent, project_ids: Sequence[ProjectId]
) -> EventTrail:
    if event.trace_id is None:
        return EventTrail(event, ())
    of_trace = await trace_links.read_replays_in_trace(connection, event.trace_id, project_ids)
    return EventTrail(event, tuple(of_trace))


async def _gather_replay_trail(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> ReplayTrail:
    stored = [
        await _read_stored_replay(connection, replay)
        for key in await replays.find_replays_with_id(connection, replay_id, project_ids)
        if (replay := await replays.find_replay(connection, key)) is not None
    ]
    named_by = await named_replays.count_naming_events(connection, replay_id, project_ids)
    sources = [naming.project_id for naming in named_by] or list(project_ids)
    return ReplayTrail(
        replay_id,
        tuple(stored),
        tuple(await replays.find_tombstones_with_id(connection, replay_id, project_ids)),
        tuple(await projects.list_quarantined_of_replay(connection, replay_id, project_ids)),
        tuple(named_by),
        tuple([await _read_losses(connection, project_id) for project_id in sources]),
    )


async def _read_stored_replay(
    connection: AsyncConnection, replay: Replay
) -> ReplayWithMissingSegments:
    segments = await segment_queries.read_segments(
        connection, replay.key, day=replay.day, steps=replay.clock_steps
    )
    missing_ids = gaps.find_missing_ids({segment.segment_id for segment in segments})
    return ReplayWithMissingSegments(replay, tuple(segments), tuple(missing_ids))


async def _read_losses(connection: AsyncConnection, project_id: ProjectId) -> ReplayLosses:
    return ReplayLosses(project_id, _keep_losses(await _read_outcomes(connection, project_id)))


async def _read_outcomes(connection: AsyncConnection, project_id: ProjectId) -> list[OutcomeCount]:
    since = (clock.now() - timedelta(days=DAYS - 1)).date()
    return await projects.list_outcomes(connection, project_id, since=since)


def _keep_losses(counts: Sequence[OutcomeCount]) -> tuple[OutcomeCount, ...]:
    """Keep the outcomes that cost replays, or may have."""
    return tuple(
        count
        for count in counts
        if count.outcome not in ("kept", "duplicate")
        and count.item_type in _REPLAY_ITEMS | _UNNAMED
    )
