"""Reads what the pages of one replay show, as far as a person may see it.

replay ─► ReplayContext ─► ReplayHead: errors, how many there are, who has watched
│                  └► ReplayPageData: recordings, traces, logs, feedback
└► parts of long lists: errors, logs, spans, recordings
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import queries as audit
from app.audit.model import Viewer
from app.core import clock, units
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId
from app.core.replay_window import ReplayWindow
from app.db.engine import Database
from app.feedback.model import StoredFeedback
from app.issues import replay_events as errors
from app.issues.replay_events import EventPlace, LinkedEvents
from app.memberships import queries as memberships
from app.playback.links import (
    linked_errors,
    linked_feedback,
    linked_logs,
    linked_traces,
    replay_clock,
)
from app.playback.links.linked_errors import ErrorCounts
from app.playback.links.linked_logs import LogCount, PlacedLogs
from app.playback.links.linked_traces import Trace
from app.playback.recording import contents as page
from app.playback.recording.contents import ReplayContents, ReplayOutline
from app.playback.video.index_cache import IndexCache
from app.projects import queries as projects
from app.projects.model import OutcomeCount, Project
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.traces import logs, queries as traces
from app.traces.logs import LogPlace
from app.traces.queries import BlockPlace, LinkedSpans


@dataclass(frozen=True, slots=True)
class ReplayContext:
    """A replay, and what it takes to place other things on its clock."""

    project: Project
    outline: ReplayOutline
    window: ReplayWindow
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""

    @property
    def key(self) -> ReplayKey:
        """The key of the replay."""
        return self.outline.replay.key

    @property
    def zero_ms(self) -> int:
        """How far the player's zero is behind the start of the replay."""
        return self.outline.zero_ms - units.ms_from_at(self.window.started_at)

    @property
    def project_ids(self) -> list[ProjectId]:
        """The projects that the reader may see."""
        return list(self.project_names)


@dataclass(frozen=True, slots=True)
class PlacedErrors:
    """The errors of a replay that matter most, or a further part of them, on its clock."""

    events: LinkedEvents
    offsets: tuple[timedelta, ...]
    """Where each of them lies, counted from the start of the replay."""


@dataclass(frozen=True, slots=True)
class ReplayErrors:
    """A part of the errors of a replay."""

    context: ReplayContext
    errors: PlacedErrors


@dataclass(frozen=True, slots=True)
class ReplayLogs:
    """The log records of a replay, or a part of them, and how many there are in all."""

    context: ReplayContext
    records: PlacedLogs
    count: LogCount


@dataclass(frozen=True, slots=True)
class ReplayTraces:
    """The traces of a replay on its clock, or those that a part of its spans makes."""

    context: ReplayContext
    spans: LinkedSpans
    traces: tuple[Trace, ...]
    events: LinkedEvents
    """The errors that are marked on the spans."""


@dataclass(frozen=True, slots=True)
class ReplayViewers:
    """Who has opened a replay, or a part of them, and how many there are in all."""

    context: ReplayContext
    viewers: tuple[Viewer, ...]
    people: Mapping[PersonId, str]
    """Names of these viewers."""
    total: int


@dataclass(frozen=True, slots=True)
class ReplayFeedback:
    """What people wrote about a replay, or a part of it, and how much there is in all."""

    context: ReplayContext
    feedback: tuple[StoredFeedback, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ReplayHead:
    """A replay before its recordings are read, and what tells how it went."""

    context: ReplayContext
    errors: PlacedErrors
    """The errors that matter most."""
    counts: ErrorCounts
    """Counts all errors, whether they are read or not."""
    last_ms: int | None
    """How long the last segment lasts; None where nobody knows."""
    viewers: ReplayViewers
    """Who has watched it; of many, those who did last."""


@dataclass(frozen=True, slots=True)
class ReplayActivity:
    """What the app noted, or a part of it, and what people wrote about the replay."""

    head: ReplayHead
    contents: ReplayContents
    feedback: ReplayFeedback


@dataclass(frozen=True, slots=True)
class ReplayPageData:
    """A replay and everything linked to it that the reader may see."""

    activity: ReplayActivity
    traces: ReplayTraces
    logs: ReplayLogs
    outcomes: tuple[OutcomeCount, ...]
    """What became of the project's items since the replay began; empty if no segment is missing."""


@dataclass(frozen=True, slots=True)
class ReplayReader:
    """A person who reads about a replay, and where it is stored."""

    db: Database
    index_cache: IndexCache
    person: Person
    project: Project
    key: ReplayKey

    async def read_head(self, replay: Replay) -> ReplayHead:
        """Read what stands around the picture of a replay whose row was read just now."""
        async with self.db.reading() as connection:
            return await self._head(connection, replay)

    async def read_page(self, head: ReplayHead, *, from_segment: int = 0) -> ReplayPageData:
        """Read the rest of the page of a replay.

        Args:
            head: What is read already.
            from_segment: The first segment whose recording is read.
        """
        async with self.db.reading() as connection:
            activity = await _activity(connection, head, from_segment)
            contents = activity.contents
            first_day = contents.replay.first_received_at.date()
            return ReplayPageData(
                activity=activity,
                traces=await _traces(
                    connection, head.context, head.errors.events, traces.BEFORE_ALL
                ),
                logs=await _logs(connection, head.context, logs.BEFORE_ALL),
                outcomes=tuple(
                    await projects.outcomes_of(connection, self.key.project_id, since=first_day)
                    if contents.missing_ids
                    else ()
                ),
            )

    async def find_page(self, *, from_segment: int = 0) -> ReplayPageData:
        """Read everything that the page of a replay shows.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            replay = await self._replay(connection)
        return await self.read_page(await self.read_head(replay), from_segment=from_segment)

    async def find_activity(self, *, from_segment: int = 0) -> ReplayActivity:
        """Read what the app noted, from a segment on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            head = await self._head(connection, await self._replay(connection))
            return await _activity(connection, head, from_segment)

    async def find_errors(self, *, after: EventPlace) -> ReplayErrors:
        """Read the errors of a replay after a place.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await self._context(connection, await self._replay(connection))
            events = await _events(connection, context, after=after)
            return ReplayErrors(context, await _place_errors(connection, context, events))

    async def find_logs(self, *, after: LogPlace) -> ReplayLogs:
        """Read the log records of a replay after a place.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await self._context(connection, await self._replay(connection))
            return await _logs(connection, context, after)

    async def find_feedback(self, *, first: int) -> ReplayFeedback:
        """Read what people wrote about a replay, from a number on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await self._context(connection, await self._replay(connection))
            return await _feedback(connection, context, first=first)

    async def find_viewers(self, *, first: int) -> ReplayViewers:
        """Read who has opened a replay, from a number on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await self._context(connection, await self._replay(connection))
            return await _viewers(connection, context, first=first)

    async def find_traces(self, *, after: BlockPlace = traces.BEFORE_ALL) -> ReplayTraces:
        """Read the traces of a replay, and none of its recordings.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await self._context(connection, await self._replay(connection))
            events = await _events(connection, context, payload_bytes=0)
            return await _traces(connection, context, events, after)

    async def _replay(self, connection: AsyncConnection) -> Replay:
        replay = await replays.find_replay(connection, self.key)
        if replay is None:
            raise NotFound("no such replay")
        return replay

    async def _context(self, connection: AsyncConnection, replay: Replay) -> ReplayContext:
        seen = await memberships.list_projects(connection, self.person)
        (window,) = await replay_clock.read_windows(connection, [replay])
        return ReplayContext(
            project=self.project,
            outline=await page.read_outline(
                connection, replay, index_cache=self.index_cache, now=clock.now()
            ),
            window=window,
            project_names={project.id: project.name for project in seen},
        )

    async def _head(self, connection: AsyncConnection, replay: Replay) -> ReplayHead:
        context = await self._context(connection, replay)
        events = await _events(connection, context)
        lengths = await replays.read_last_segment_lengths(connection, [replay.key])
        return ReplayHead(
            context=context,
            errors=await _place_errors(connection, context, events),
            counts=await linked_errors.count_errors(
                connection,
                context.window,
                context.project_ids,
                home=self.key.project_id,
                events=events,
            ),
            last_ms=lengths.get(replay.key),
            viewers=await _viewers(connection, context),
        )


async def _events(
    connection: AsyncConnection,
    context: ReplayContext,
    *,
    after: EventPlace = errors.BEFORE_ALL,
    payload_bytes: int = errors.PAYLOAD_BYTES,
) -> LinkedEvents:
    return await linked_errors.read_errors(
        connection,
        context.window,
        context.project_ids,
        home=context.key.project_id,
        after=after,
        payload_bytes=payload_bytes,
    )


async def _place_errors(
    connection: AsyncConnection, context: ReplayContext, events: LinkedEvents
) -> PlacedErrors:
    offsets = await linked_errors.place_errors(
        connection,
        context.window,
        context.project_ids,
        home=context.key.project_id,
        events=events,
    )
    return PlacedErrors(events, offsets)


async def _activity(
    connection: AsyncConnection, head: ReplayHead, from_segment: int
) -> ReplayActivity:
    context = head.context
    contents = await page.read_contents(connection, context.outline, from_segment=from_segment)
    return ReplayActivity(head, contents, await _feedback(connection, context))


async def _feedback(
    connection: AsyncConnection, context: ReplayContext, *, first: int = 0
) -> ReplayFeedback:
    window, project_ids = context.window, context.project_ids
    written = await linked_feedback.feedback_of(connection, window, project_ids, first=first)
    is_whole = not first and len(written) < linked_feedback.PART_FEEDBACK
    total = (
        len(written)
        if is_whole
        else await linked_feedback.count_feedback(connection, window, project_ids)
    )
    return ReplayFeedback(context, tuple(written), total)


async def _viewers(
    connection: AsyncConnection, context: ReplayContext, *, first: int = 0
) -> ReplayViewers:
    key = (context.key.project_id, context.key.replay_id)
    viewers = await audit.viewers(connection, *key, first=first)
    is_whole = not first and len(viewers) < audit.PART_VIEWERS
    return ReplayViewers(
        context,
        tuple(viewers),
        await accounts.names_of(connection, [viewer.person_id for viewer in viewers]),
        len(viewers) if is_whole else await audit.count_viewers(connection, *key),
    )


async def _logs(connection: AsyncConnection, context: ReplayContext, after: LogPlace) -> ReplayLogs:
    window, project_ids = context.window, context.project_ids
    found = await linked_logs.read_logs(
        connection, window, context.key.project_id, project_ids, after=after
    )
    count = await linked_logs.count_logs(connection, window, project_ids, found=found)
    return ReplayLogs(context, found, count)


async def _traces(
    connection: AsyncConnection, context: ReplayContext, events: LinkedEvents, after: BlockPlace
) -> ReplayTraces:
    window = context.window
    spans = await replay_clock.spans_of(connection, window, context.project_ids, after=after)
    keys = [(one.event.project_id, one.event.event_id) for one in events.events]
    laid_out = await linked_traces.lay_out_replay_traces(
        connection, window, context.project.id, spans=spans, events=keys
    )
    return ReplayTraces(context, spans, laid_out, events)
