"""Reads one event of an issue with its files and its replay, or why the replay is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.core import clock, units
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.list_slices import ListSlice
from app.formats.events import view_hierarchy
from app.issues import attachments
from app.issues.events import event_queries
from app.issues.events.event_queries import EventNeighbours
from app.issues.model import Attachment, StoredEvent
from app.playback.recording import outline
from app.playback.video.index_cache import IndexCache
from app.projects import queries as projects
from app.projects.model import OutcomeCount
from app.replays import queries as replays
from app.triage.issue import issue_links
from app.triage.issue.issue_links import LinkedReplay
from app.triage.issue.issue_reader import IssueReader

_RECENT: Final = timedelta(hours=1)
"""The time after an event in which its replay may still arrive."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class EventReplay:
    """The replay in which an event happened, and what the player shows of it."""

    linked: LinkedReplay
    zero_ms: int
    """Milliseconds from the start of the replay to the player's zero; 0 without video."""
    video_ms: int
    """The length of the video in milliseconds; 0 without video."""
    size_px: tuple[int, int] | None
    """Width and height of the first picture as it is shown."""
    is_processing: bool
    """True if video may still come."""


@dataclass(frozen=True, slots=True)
class MissingReplay:
    """The reasons why the replay of an event may be missing here."""

    replay_id: ReplayId | None
    """None if the event names no replay, and no replay here has its trace."""
    deleted_at: datetime | None
    deleted_by: str | None
    """Name of the person who deleted it; None if they have left since."""
    outcomes: tuple[OutcomeCount, ...]
    """Outcomes of the project's items since the day before the event."""
    is_recent: bool
    """True if the replay may still come."""


@dataclass(frozen=True, slots=True)
class IssueEvent:
    """An event of an issue, and what is stored around it."""

    event: StoredEvent
    neighbours: EventNeighbours
    files: ListSlice[Attachment]
    hierarchy_file: Attachment | None
    """The file that says which views were on the screen."""
    replay: EventReplay | None
    missing_replay: MissingReplay | None
    """None if there is a replay."""


async def read_issue_event(
    connection: AsyncConnection,
    reader: IssueReader,
    event: StoredEvent,
    visible_ids: Sequence[ProjectId],
    *,
    first_file: int,
) -> IssueEvent:
    """Read what is stored around an event.

    Args:
        connection: The connection to read with.
        reader: The person who reads, and the store with the videos.
        event: The event.
        visible_ids: The projects that the reader may see.
        first_file: Number of its files to skip.
    """
    linked = await issue_links.find_replay_of_event(connection, event, visible_ids)
    files = await attachments.read_attachments(
        connection, event.project_id, event.event_id, first=first_file
    )
    return IssueEvent(
        event=event,
        neighbours=await event_queries.find_neighbours(connection, event),
        files=files,
        hierarchy_file=await _find_hierarchy(connection, event, files),
        replay=await _read_replay(connection, reader.index_cache, linked) if linked else None,
        missing_replay=None
        if linked
        else await _explain_missing_replay(connection, event, visible_ids),
    )


async def _find_hierarchy(
    connection: AsyncConnection, event: StoredEvent, files: ListSlice[Attachment]
) -> Attachment | None:
    """Find the file with the view hierarchy; ask for it only if not all files are read."""
    if len(files.rows) < files.total:
        return await attachments.find_attachment(
            connection, event.project_id, event.event_id, view_hierarchy.ATTACHMENT_TYPE
        )
    return next(
        (file for file in files.rows if file.attachment_type == view_hierarchy.ATTACHMENT_TYPE),
        None,
    )


async def _read_replay(
    connection: AsyncConnection, index_cache: IndexCache, linked: LinkedReplay
) -> EventReplay:
    index = (await index_cache.read_over(connection, linked.replay)).newest
    has_video = bool(index.gops)
    state = outline.find_state(linked.replay, has_video=has_video, now=clock.now())
    size_px = None
    if index.configs:
        first = index.configs[0]
        is_turned = first.rotation_degrees % 180 != 0
        size_px = (first.height, first.width) if is_turned else (first.width, first.height)
    started_ms = units.ms_from_at(linked.replay.started_at)
    return EventReplay(
        linked=linked,
        zero_ms=index.started_at_ms - started_ms if has_video else 0,
        video_ms=index.duration_ms if has_video else 0,
        size_px=size_px,
        is_processing=state == "processing",
    )


async def _explain_missing_replay(
    connection: AsyncConnection, event: StoredEvent, visible_ids: Sequence[ProjectId]
) -> MissingReplay:
    """Find out who deleted the replay of an event, or what became of its items."""
    is_recent = clock.now() - event.received_at < _RECENT
    if event.replay_id is None:
        return MissingReplay(None, None, None, (), is_recent)
    tombstones = await replays.find_tombstones_with_id(connection, event.replay_id, visible_ids)
    if tombstones:
        person_id, name = tombstones[0].deleted_by, None
        if person_id is not None:
            names = await accounts.read_person_names(connection, [PersonId(person_id)])
            name = names.get(PersonId(person_id))
        return MissingReplay(event.replay_id, tombstones[0].deleted_at, name, (), is_recent=False)
    since = (event.received_at - _DAY).date()
    outcomes = await projects.list_outcomes(connection, event.project_id, since=since)
    return MissingReplay(event.replay_id, None, None, tuple(outcomes), is_recent)
