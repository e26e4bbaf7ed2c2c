"""Reads the contents of the pages of a share, and nothing else of the replay.

    open ─► SharedReplay ─┬─ read_start, find_stream, read_gestures     pictures of the part
                          └─ read_page, read_activity, … read_requests  panels of the share

Each method obeys the grant: a panel that the share does not show reads as if it did not exist, and
everything outside the part is cut away before it leaves this package. Only data of the replay's own
project is read, so that no share tells of another project.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.errors import NotFound
from app.db.engine import Database
from app.issues.events import replay_events
from app.issues.events.replay_events import EventPlace, LinkedEvents
from app.playback.links import linked_errors, replay_clock
from app.playback.links.linked_logs import LogCount, PlacedLogs
from app.playback.recording import contents, gestures, outline
from app.playback.recording.contents import ReplayContents
from app.playback.video import start
from app.playback.video.index import PlaybackIndex
from app.playback.video.index_cache import IndexCache
from app.playback.video.player import VideoStream
from app.playback.video.start import PlaybackStart
from app.playback.visit import lists
from app.playback.visit.model import (
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
from app.replays.sharing.model import SharePanel
from app.sharing import panels, window as cutting
from app.sharing.grant import OpenedShare
from app.sharing.window import ShareWindow
from app.storage.port import ObjectStore
from app.traces import logs as stored_logs, parts
from app.traces.logs import LogPlace
from app.traces.parts import BlockPlace
from app.traces.queries import LinkedSpans

_MOST_PARTS: Final = 5
"""The most slices of a list that are read to find the rows within the part of a share."""
_NO_EVENTS: Final = LinkedEvents((), total=0, first=1, next_place=None)


@dataclass(frozen=True, slots=True)
class _SharedContext:
    """A replay with its linked data, whole and cut to the part that strangers may see."""

    whole: ReplayContext
    cut: ReplayContext
    """The same as `whole` if the share has no range."""
    window: ShareWindow | None

    @property
    def zero_ms(self) -> int:
        """The time from the start of the replay to the player's zero before it was cut."""
        return self.whole.zero_ms


@dataclass(frozen=True, slots=True)
class SharedReplay:
    """Reads the replay of one share for a stranger."""

    db: Database
    store: ObjectStore
    index_cache: IndexCache
    slots: asyncio.Semaphore
    """Held while recordings are read, so that strangers never take the whole server."""
    opened: OpenedShare

    def shows(self, panel: SharePanel) -> bool:
        """Tell whether the share shows a panel."""
        return self.opened.grant.shows(panel)

    def require(self, *panels: SharePanel) -> None:
        """Make sure that the share shows at least one of some panels.

        Raises:
            NotFound: It shows none of them.
        """
        if not any(self.shows(panel) for panel in panels):
            raise NotFound("this share has no such panel")

    async def read_start(self, at_ms: int) -> PlaybackStart:
        """Read the index of the part, and the pictures that are due at a time.

        Raises:
            ServiceUnavailable: Storage is down.
        """
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        return await start.read_start(self.store, shared.cut.outline.playable, at_ms)

    async def read_index(self) -> PlaybackIndex:
        """Read the index of the part, whose times begin with it."""
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        return shared.cut.outline.playable.newest

    async def find_stream(self, version: str) -> VideoStream | None:
        """Find the stream of a version of the index; None if the share has no such version."""
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        index = await shared.cut.outline.playable.find_version(version)
        return None if index is None else VideoStream(self.store, index)

    async def read_gestures(self) -> bytes:
        """Read the gestures of the part as JSON, as `ReplayPlayer.read_gestures` does.

        Raises:
            ServiceUnavailable: Storage is down.
        """
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        known = shared.whole.outline.playable.gestures
        if known is None:
            # Reading the recordings keeps the gestures in the cache, unless there are too many.
            found = await self._read_contents(shared, 0, needs_storage=True)
            return await asyncio.to_thread(gestures.encode_gestures, found.gestures)
        window = shared.window
        if window is None:
            return known
        whole = await asyncio.to_thread(gestures.decode_gestures, known)
        return gestures.encode_gestures(cutting.cut_gestures(whole, window))

    async def read_page(self, *, from_segment: int = 0) -> ReplayPageData:
        """Read the contents of the page of the share.

        Args:
            from_segment: The first segment whose recording is read, if the share has no range.
        """
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        recorded = await self._read_contents(shared, from_segment)
        async with self.db.reading() as connection:
            events = await self._read_events(connection, shared)
            errors = await self._place_errors(connection, shared, events)
            return ReplayPageData(
                head=await self._describe_head(connection, shared, errors),
                activity=ReplayActivity(
                    errors, recorded, await self._read_feedback(connection, shared)
                ),
                traces=await self._read_traces(connection, shared, events),
                logs=await self._read_logs(connection, shared),
                outcomes=(),
            )

    async def read_activity(self, *, from_segment: int = 0) -> ReplayActivity:
        """Read the breadcrumbs of the app."""
        self.require(SharePanel.ACTIVITY)
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
            events = await self._read_events(connection, shared)
            errors = await self._place_errors(connection, shared, events)
            feedback = await self._read_feedback(connection, shared)
        return ReplayActivity(errors, await self._read_contents(shared, from_segment), feedback)

    async def read_errors(self, *, after: EventPlace) -> ReplayErrors:
        """Read the errors after a place."""
        self.require(SharePanel.ERRORS)
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
            events = await self._read_events(connection, shared, after=after)
            return await self._place_errors(connection, shared, events)

    async def read_logs(self, *, after: LogPlace) -> ReplayLogs:
        """Read the log records after a place."""
        self.require(SharePanel.LOGS)
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
            return await self._read_logs(connection, shared, after=after)

    async def read_traces(self, *, after: BlockPlace = parts.BEFORE_ALL) -> ReplayTraces:
        """Read the traces that the spans after a place make."""
        self.require(SharePanel.TRACE)
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
            events = await self._read_events(connection, shared, payload_bytes=0)
            return await self._read_traces(connection, shared, events, after=after)

    async def read_feedback(self, *, first: int) -> ReplayFeedback:
        """Read the feedback from a given row on."""
        self.require(SharePanel.ACTIVITY)
        async with self.db.reading() as connection:
            return await self._read_feedback(
                connection, await self._read_context(connection), first=first
            )

    async def download_requests(self, *, address: str, from_segment: int = 0) -> ReplayContents:
        """Read the requests for a file, and note the download in the audit log.

        Args:
            address: The IP address of the stranger.
            from_segment: The first segment whose recording is read, if the share has no range.

        Raises:
            ServiceUnavailable: Storage is down; then nothing was handed out.
        """
        self.require(SharePanel.NETWORK)
        async with self.db.reading() as connection:
            shared = await self._read_context(connection)
        found = await self._read_contents(shared, from_segment, needs_storage=True)
        grant = self.opened.grant
        async with self.db.transaction() as connection:
            await audit.add_audit_line(
                connection,
                Action.REPLAY_DOWNLOADED,
                person_id=None,
                project_id=grant.key.project_id,
                subject=grant.key.replay_id,
                detail={"what": "requests", "share": grant.share_id, "address": address},
            )
        return found

    async def _read_context(self, connection: AsyncConnection) -> _SharedContext:
        """Read the replay with what is linked to it, and cut it to the part."""
        grant, project, replay = self.opened.grant, self.opened.project, self.opened.replay
        (replay_window,) = await replay_clock.read_windows(connection, [replay])
        whole = ReplayContext(
            project=project,
            outline=await outline.read_outline(
                connection, replay, index_cache=self.index_cache, now=clock.now()
            ),
            window=replay_window,
            project_names={project.id: project.name},
            without_bodies=frozenset() if grant.shows_bodies else frozenset({project.id}),
        )
        if grant.range is None:
            return _SharedContext(whole, whole, None)
        found = cutting.find_window(whole.outline, grant.range, zero_at_ms=grant.zero_at_ms)
        cut = replace(whole, outline=cutting.cut_outline(whole.outline, found))
        return _SharedContext(whole, cut, found)

    async def _read_contents(
        self, shared: _SharedContext, from_segment: int, *, needs_storage: bool = False
    ) -> ReplayContents:
        """Read the recordings, cut to the part and the panels of the share."""

        def cut() -> ReplayContents:
            if shared.window is None:
                shown = found
            else:
                shown = cutting.cut_contents(found, shared.window, shared.cut.outline)
            if shared.cut.without_bodies:
                shown = contents.hide_bodies(shown)
            return panels.hide_panels(shown, self.opened.grant.panels)

        async with self.slots:
            found = await self._read_recordings(shared, from_segment, needs_storage=needs_storage)
            return await asyncio.to_thread(cut)

    async def _read_recordings(
        self, shared: _SharedContext, from_segment: int, *, needs_storage: bool
    ) -> ReplayContents:
        """Read the recordings around the part, if all are too large to be read at once."""
        read = partial(
            contents.read_contents,
            self.db,
            self.store,
            shared.whole.outline,
            needs_storage=needs_storage,
        )
        if shared.window is None:
            return await read(from_segment=from_segment)
        found = await read(from_segment=0)
        first_id = contents.find_first_unread(found, shared.window.asked)
        return found if first_id is None else await read(from_segment=first_id)

    async def _read_events(
        self,
        connection: AsyncConnection,
        shared: _SharedContext,
        *,
        after: EventPlace = replay_events.BEFORE_ALL,
        payload_bytes: int = replay_events.PAYLOAD_BYTES,
    ) -> LinkedEvents:
        """Read a slice of the errors, or, if the share has a range, all that may lie in it."""
        if not self.shows(SharePanel.ERRORS):
            return _NO_EVENTS
        if shared.window is None:
            return await lists.read_events(
                connection, shared.whole, after=after, payload_bytes=payload_bytes
            )
        found = await lists.read_events(connection, shared.whole, payload_bytes=payload_bytes)
        all_events, place = list(found.events), found.next_place
        for _ in range(_MOST_PARTS):
            if place is None:
                break
            part = await lists.read_events(
                connection, shared.whole, after=place, payload_bytes=payload_bytes // _MOST_PARTS
            )
            all_events += part.events
            place = part.next_place
        return replace(found, events=tuple(all_events), next_place=None)

    async def _place_errors(
        self, connection: AsyncConnection, shared: _SharedContext, events: LinkedEvents
    ) -> ReplayErrors:
        errors = await lists.place_errors(connection, shared.whole, events)
        if shared.window is None:
            return errors
        return cutting.cut_errors(errors, shared.window, shared.cut, zero_ms=shared.zero_ms)

    async def _read_feedback(
        self, connection: AsyncConnection, shared: _SharedContext, *, first: int = 0
    ) -> ReplayFeedback:
        if not self.shows(SharePanel.ACTIVITY):
            return ReplayFeedback(shared.cut, (), 0)
        found = await lists.read_feedback(
            connection, shared.whole, first=0 if shared.window else first
        )
        shown = panels.hide_senders(found.feedback, self.opened.grant.panels)
        found = replace(found, feedback=shown)
        if shared.window is None:
            return found
        return cutting.cut_feedback(found, shared.window, shared.cut, zero_ms=shared.zero_ms)

    async def _read_logs(
        self,
        connection: AsyncConnection,
        shared: _SharedContext,
        *,
        after: LogPlace = stored_logs.BEFORE_ALL,
    ) -> ReplayLogs:
        if not self.shows(SharePanel.LOGS):
            return ReplayLogs(shared.cut, PlacedLogs((), first=1, next_place=None), LogCount(0))
        if shared.window is None:
            return await lists.read_logs(connection, shared.whole, after=after)
        found = await lists.read_logs(connection, shared.whole)
        records, place = list(found.records.logs), found.records.next_place
        for _ in range(_MOST_PARTS):
            if place is None:
                break
            part = await lists.read_logs(connection, shared.whole, after=place)
            records += part.records.logs
            place = part.records.next_place
        merged = replace(found, records=replace(found.records, logs=tuple(records)))
        return cutting.cut_logs(merged, shared.window, shared.cut, zero_ms=shared.zero_ms)

    async def _read_traces(
        self,
        connection: AsyncConnection,
        shared: _SharedContext,
        events: LinkedEvents,
        *,
        after: BlockPlace = parts.BEFORE_ALL,
    ) -> ReplayTraces:
        if not self.shows(SharePanel.TRACE):
            nothing = LinkedSpans((), first=1, total=0, next_place=None)
            return ReplayTraces(shared.cut, nothing, (), events)
        found = await lists.read_traces(connection, shared.whole, events, after=after)
        if shared.window is None:
            return found
        return cutting.cut_traces(found, shared.window, shared.cut, zero_ms=shared.zero_ms)

    async def _describe_head(
        self, connection: AsyncConnection, shared: _SharedContext, errors: ReplayErrors
    ) -> ReplayHead:
        """Count the errors that are shown. Strangers do not see who else has watched."""
        context = shared.cut
        counts = await linked_errors.count_errors(
            connection,
            context.window,
            context.project_ids,
            home=context.key.project_id,
            events=errors.events,
        )
        return ReplayHead(
            context=context,
            events=errors.events,
            counts=counts,
            ending=None,
            viewers=ReplayViewers(context, (), {}, 0),
        )
