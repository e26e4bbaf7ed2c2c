"""The use cases of a replay's pages: each reads what one page shows, as far as a person may see it.

replay_reader.open_replay ─► ReplayVisit ─ begin ─► read_head ─► read_page
              find_…      ─► one frozen value for any other page
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.errors import NotFound, ServiceUnavailable
from app.core.ids import PersonId
from app.db.engine import Database, planning_once
from app.issues.events.replay_events import EventPlace
from app.memberships import queries as memberships
from app.playback import ending
from app.playback.ending import ReplayEnding
from app.playback.links import linked_errors, replay_clock
from app.playback.links.linked_errors import ErrorCounts
from app.playback.recording import contents, outline
from app.playback.recording.contents import ReplayContents
from app.playback.recording.outline import ReplayOutline
from app.playback.video import start
from app.playback.video.index_cache import IndexCache
from app.playback.video.start import PlaybackStart
from app.playback.visit import lists
from app.playback.visit.model import (
    ReplayAbsence,
    ReplayActivity,
    ReplayContext,
    ReplayErrors,
    ReplayFeedback,
    ReplayHead,
    ReplayLogs,
    ReplayPageData,
    ReplayTraces,
    ReplayViewers,
)
from app.projects import queries as projects
from app.projects.model import Project
from app.replays import queries as replays
from app.replays.keeping import pins
from app.replays.keeping.model import NOT_KEPT
from app.replays.model import Replay, ReplayKey
from app.replays.segments import segment_queries
from app.storage.port import ObjectStore
from app.traces import parts
from app.traces.logs import LogPlace
from app.traces.parts import BlockPlace

_RECENT: Final = timedelta(days=2)
"""The losses of so many days may be why a replay is not there."""


@dataclass(frozen=True, slots=True)
class ReplayReader:
    """A person who reads about a replay, and where it is stored."""

    db: Database
    store: ObjectStore
    index_cache: IndexCache
    person: Person
    project: Project
    key: ReplayKey

    async def open_replay(self) -> "ReplayVisit | None":
        """Find the replay that somebody opens; None if there is no such replay."""
        async with self.db.reading() as connection:
            replay = await replays.find_replay(connection, self.key)
        return ReplayVisit(self, replay) if replay else None

    async def find_absence(self) -> ReplayAbsence:
        """Find out why there is no replay: somebody or a rule deleted it, or it never arrived."""
        async with self.db.reading() as connection:
            tombstone = await replays.find_tombstone(connection, self.key)
            if tombstone is not None:
                name = await _find_name(connection, tombstone.deleted_by)
                return ReplayAbsence(self.key, tombstone, deleted_by=name, outcomes=())
            since = (clock.now() - _RECENT).date()
            outcomes = await projects.list_outcomes(connection, self.key.project_id, since=since)
            return ReplayAbsence(self.key, None, deleted_by=None, outcomes=tuple(outcomes))

    async def find_head(self) -> ReplayHead:
        """Read a replay without its recordings.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            return await _read_head(connection, self, await _find_replay(connection, self.key))

    async def find_context(self) -> ReplayContext:
        """Read a replay with its length and its index of pictures, and nothing of its contents.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            return await _find_context(connection, self)

    async def find_page(self, *, from_segment: int = 0) -> ReplayPageData:
        """Read everything that the page of a replay shows.

        Args:
            from_segment: The first segment whose recording is read.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            head = await _read_head(connection, self, await _find_replay(connection, self.key))
        recorded = await self.read_contents(head.context, from_segment)
        async with self.db.reading() as connection:
            return await _read_page(connection, head, recorded)

    async def find_activity(self, *, from_segment: int = 0) -> ReplayActivity:
        """Read what the app noted, from a segment on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await _find_context(connection, self)
            events = await lists.read_events(connection, context)
            errors = await lists.place_errors(connection, context, events)
            feedback = await lists.read_feedback(connection, context)
        return ReplayActivity(errors, await self.read_contents(context, from_segment), feedback)

    async def download_requests(self, *, from_segment: int = 0) -> ReplayContents:
        """Read the requests of a replay for a file, and note in the audit log who takes it.

        Raises:
            NotFound: There is no such replay.
            ServiceUnavailable: Storage is down; nobody has taken anything then.
        """
        async with self.db.reading() as connection:
            context = await _find_context(connection, self)
        requests = await self.read_contents(context, from_segment, needs_storage=True)
        async with self.db.transaction() as connection:
            await audit.add_audit_line(
                connection,
                Action.REPLAY_DOWNLOADED,
                person_id=self.person.id,
                project_id=self.key.project_id,
                subject=self.key.replay_id,
                detail={"what": "requests"},
            )
        return requests

    async def find_errors(self, *, after: EventPlace) -> ReplayErrors:
        """Read the errors of a replay after a place.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await _find_context(connection, self)
            events = await lists.read_events(connection, context, after=after)
            return await lists.place_errors(connection, context, events)

    async def find_logs(self, *, after: LogPlace) -> ReplayLogs:
        """Read the log records of a replay after a place.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            return await lists.read_logs(
                connection, await _find_context(connection, self), after=after
            )

    async def find_feedback(self, *, first: int) -> ReplayFeedback:
        """Read the feedback on a replay from a given row on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            return await lists.read_feedback(
                connection, await _find_context(connection, self), first=first
            )

    async def find_viewers(self, *, first: int) -> ReplayViewers:
        """Read who has opened a replay, from a given row on.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            return await lists.read_viewers(
                connection, await _find_context(connection, self), first=first
            )

    async def find_traces(self, *, after: BlockPlace = parts.BEFORE_ALL) -> ReplayTraces:
        """Read the traces of a replay, and none of its recordings.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            context = await _find_context(connection, self)
            events = await lists.read_events(connection, context, payload_bytes=0)
            return await lists.read_traces(connection, context, events, after=after)

    async def read_contents(
        self, context: ReplayContext, from_segment: int, *, needs_storage: bool = False
    ) -> ReplayContents:
        """Read the recordings, without the bodies of requests if the reader may not see them."""
        found = await contents.read_contents(
            self.db,
            self.store,
            context.outline,
            from_segment=from_segment,
            needs_storage=needs_storage,
        )
        if context.key.project_id not in context.without_bodies:
            return found
        return await asyncio.to_thread(contents.hide_bodies, found)


@dataclass(frozen=True, slots=True)
class ReplayVisit:
    """A replay that somebody opens. Only its row is read, and the rest when the page asks for it.

    The page is sent in pieces, so that the browser shows the first before the last is read.
    """

    reader: ReplayReader
    replay: Replay

    async def begin(self, at_ms: int) -> PlaybackStart | None:
        """Note who opens the replay, and read the pictures that are due at a time.

        The view is noted before anything of the recording is sent.

        Args:
            at_ms: The time at which the player starts, on the replay clock.

        Returns:
            None without video, or when storage is down: then the player asks by itself, and
            tells what is wrong.
        """
        _, playback_start = await asyncio.gather(self._note_view(), self._read_start(at_ms))
        return playback_start

    async def read_head(self) -> ReplayHead:
        """Read what stands around the picture."""
        async with self.reader.db.reading() as connection:
            return await _read_head(connection, self.reader, self.replay)

    async def read_page(self, head: ReplayHead, *, from_segment: int = 0) -> ReplayPageData:
        """Read the rest of the page.

        Args:
            head: The head of the page, which is read already.
            from_segment: The first segment whose recording is read.
        """
        recorded = await self.reader.read_contents(head.context, from_segment)
        async with self.reader.db.reading() as connection:
            return await _read_page(connection, head, recorded)

    async def _note_view(self) -> None:
        key = self.reader.key
        async with self.reader.db.transaction() as connection:
            await audit.add_replay_view(
                connection, self.reader.person.id, key.project_id, replay_id=key.replay_id
            )

    async def _read_start(self, at_ms: int) -> PlaybackStart | None:
        if not self.replay.video_segments:
            return None
        reader = self.reader
        try:
            playable = await reader.index_cache.find(reader.db, self.replay)
            return await start.read_start(reader.store, playable, at_ms)
        except ServiceUnavailable:
            return None


async def _find_replay(connection: AsyncConnection, key: ReplayKey) -> Replay:
    replay = await replays.find_replay(connection, key)
    if replay is None:
        raise NotFound("no such replay")
    return replay


async def _find_context(connection: AsyncConnection, reader: ReplayReader) -> ReplayContext:
    return await _read_context(connection, reader, await _find_replay(connection, reader.key))


async def _read_context(
    connection: AsyncConnection, reader: ReplayReader, replay: Replay
) -> ReplayContext:
    visible_projects = await memberships.list_projects(connection, reader.person)
    (window,) = await replay_clock.read_windows(connection, [replay])
    return ReplayContext(
        project=reader.project,
        outline=await outline.read_outline(
            connection, replay, index_cache=reader.index_cache, now=clock.now()
        ),
        window=window,
        project_names={project.id: project.name for project in visible_projects},
        without_bodies=await memberships.find_projects_without_bodies(
            connection, reader.person, visible_projects
        ),
    )


async def _read_head(
    connection: AsyncConnection, reader: ReplayReader, replay: Replay
) -> ReplayHead:
    context = await _read_context(connection, reader, replay)
    async with planning_once(connection):
        events = await lists.read_events(connection, context)
        counts = await linked_errors.count_errors(
            connection,
            context.window,
            context.project_ids,
            home=reader.key.project_id,
            events=events,
        )
        return ReplayHead(
            context=context,
            events=events,
            counts=counts,
            ending=await _infer_ending(connection, context.outline, counts),
            viewers=await lists.read_viewers(connection, context),
            keeping=(await pins.find_keeping(connection, [reader.key])).get(reader.key, NOT_KEPT),
        )


async def _infer_ending(
    connection: AsyncConnection, replay_outline: ReplayOutline, counts: ErrorCounts
) -> ReplayEnding | None:
    """Infer how a replay ended; None while it may go on."""
    replay = replay_outline.replay
    reported = ending.find_reported_ending(replay, counts)
    if replay_outline.is_arriving and reported is not ReplayEnding.CRASHED:
        return None
    if reported is not None:
        return reported
    lengths_ms = await segment_queries.read_last_segment_lengths(connection, [replay])
    return ending.infer_silent_ending(replay, last_ms=lengths_ms.get(replay.key))


async def _read_page(
    connection: AsyncConnection, head: ReplayHead, recorded: ReplayContents
) -> ReplayPageData:
    context, events = head.context, head.events
    async with planning_once(connection):
        # Spans come first: errors and log records are placed by the spans they happened in.
        replay_traces = await lists.read_traces(connection, context, events)
        spans = replay_traces.spans.spans if replay_traces.spans.is_whole else None
        errors = await lists.place_errors(connection, context, events, replay_spans=spans)
        feedback = await lists.read_feedback(connection, context)
        logs = await lists.read_logs(connection, context, replay_spans=spans)
    first_day = context.outline.replay.first_received_at.date()
    return ReplayPageData(
        head=head,
        activity=ReplayActivity(errors, recorded, feedback),
        traces=replay_traces,
        logs=logs,
        outcomes=tuple(
            await projects.list_outcomes(connection, context.key.project_id, since=first_day)
            if recorded.missing_ids
            else ()
        ),
    )


async def _find_name(connection: AsyncConnection, person_id: int | None) -> str | None:
    """Return the name of a person; None if they have left."""
    if person_id is None:
        return None
    try:
        return (await accounts.get_person(connection, PersonId(person_id))).name
    except NotFound:
        return None
