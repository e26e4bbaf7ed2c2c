"""Symbolicates stored events again, and writes the clear stacks.

keys ─► payloads, some at a time ─► symbolication, which fetches files ─► one transaction:
clear columns, moves between issues, links with replays, missing files, queue
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.ids import EventId, ProjectId, ReplayId
from app.db.engine import Database
from app.db.partitions import days
from app.db.text import clean_or_none
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.formats.stored import packed_json
from app.issues import attachments, replay_links
from app.issues.events import event_queries
from app.issues.model import Attachment, ClearedEvent, EventPayload, EventRowKey, NewEvent
from app.issues.regrouping import move_events
from app.issues.regrouping.move_events import MovedEvents
from app.messages.erase import follow_moved_events
from app.replays import trace_links
from app.storage.port import ObjectStore
from app.symbolication import waiting
from app.symbolication.clear_names import read_clear_names
from app.symbolication.event import IN_WORKER, EventSymbolicator, SentEvent
from app.symbolication.file_use import note_used_files
from app.symbolication.model import (
    NOT_SYMBOLICATED,
    SymbolicatedEvent,
    pack_symbolicated,
    unpack_symbolicated,
)
from app.symbolication.redo import queue
from app.symbolication.view_hierarchies import read_stored_view_types

STEP: Final = 200
"""Events that are written in one transaction."""
_TOGETHER: Final = 20
"""Events that are unpacked at the same time: one may unpack to a megabyte."""

# Digest takes some of these locks in another order. It must not wait for this, nor fail: Postgres
# looks for a deadlock after a second, and by then this transaction has given up and tries again.
_YIELD: Final = text("set local lock_timeout = '500ms'")


class LinkEvents(Protocol):
    """Links events to replays as digest does (`ingest/digest/link_issues.py`)."""

    async def __call__(
        self,
        connection: AsyncConnection,
        events: Collection[tuple[ProjectId, EventId]],
        replay_ids: Collection[ReplayId],
        /,
        *,
        day: date = ...,
    ) -> None: ...


class _RedoneEvent(NamedTuple):
    """An event with the result of its symbolication."""

    cleared: ClearedEvent
    symbolicated: SymbolicatedEvent
    release: str | None


@dataclass(slots=True)
class RedoneEvents:
    """The results of symbolicating some events again."""

    finished: set[EventId] = field(default_factory=set)
    """Events that need no further try: they are clear, as clear as they can be, or gone."""
    written: set[EventId] = field(default_factory=set)
    """Those of them that changed. They may wait again already, for a file that came meanwhile."""
    unfinished: set[EventId] = field(default_factory=set)
    """Events that took too long, or that another process moved meanwhile."""
    moved: int = 0
    """Events that have another issue now."""

    def add(self, other: "RedoneEvents") -> None:
        """Add the results of other events."""
        self.finished |= other.finished
        self.written |= other.written
        self.unfinished |= other.unfinished
        self.moved += other.moved


@dataclass(frozen=True, slots=True)
class EventRedoer:
    """Symbolicates stored events anew; doing it twice changes nothing."""

    database: Database
    objects: ObjectStore
    symbolicator: EventSymbolicator
    link_events: LinkEvents

    async def redo_events(self, project_id: ProjectId, keys: Sequence[EventRowKey]) -> RedoneEvents:
        """Symbolicate some events of a project, and write them in one transaction.

        Args:
            project_id: The project.
            keys: At most `STEP` events. Those that are gone count as finished.

        Raises:
            ServiceUnavailable: Postgres or the store does not answer, or digest has locked what is
                to be written; nothing is written.
        """
        looked_up_at = clock.now()
        redone: list[_RedoneEvent] = []
        result = RedoneEvents(finished={key.event_id for key in keys})
        for first in range(0, len(keys), _TOGETHER):
            part, late = await self._symbolicate(project_id, keys[first : first + _TOGETHER])
            redone += part
            result.unfinished |= late
        if redone:
            result.unfinished |= await self._write_events(project_id, redone, looked_up_at, result)
        result.finished -= result.unfinished
        return result

    async def _symbolicate(
        self, project_id: ProjectId, keys: Sequence[EventRowKey]
    ) -> tuple[list[_RedoneEvent], set[EventId]]:
        """Symbolicate events; returns those to be written, and those that took too long."""
        event_ids = [key.event_id for key in keys]
        async with self.database.reading() as connection:
            payloads = await event_queries.read_payloads(connection, project_id, keys)
            hierarchies = await attachments.find_attachments_of_type(
                connection, project_id, event_ids, view_hierarchy.ATTACHMENT_TYPE
            )
        views = await self._read_views(hierarchies)
        sent = await asyncio.to_thread(_decode_payloads, project_id, payloads, views)
        done = await self.symbolicator.symbolicate_events(sent, IN_WORKER, is_fetching=True)
        late = {
            stored.key.event_id
            for stored, each in zip(payloads, done, strict=True)
            if each.is_pending
        }
        return await asyncio.to_thread(_make_cleared, payloads, sent, done), late

    async def _read_views(
        self, hierarchies: dict[EventId, Attachment]
    ) -> dict[EventId, frozenset[str]]:
        return {
            event_id: await read_stored_view_types(self.objects, file)
            for event_id, file in hierarchies.items()
        }

    async def _write_events(
        self,
        project_id: ProjectId,
        redone: Sequence[_RedoneEvent],
        looked_up_at: datetime,
        result: RedoneEvents,
    ) -> set[EventId]:
        """Write events in one transaction; returns those that were not written."""
        async with self.database.transaction() as connection:
            await connection.execute(_YIELD)
            moved = await move_events.write_cleared_events(
                connection, project_id, [each.cleared for each in redone]
            )
            written = {
                (project_id, each.cleared.event_id): each
                for each in redone
                if each.cleared.event_id in moved.written
            }
            await waiting.forget_missing_files(connection, written)
            # Old notes are deleted before the new ones are made: these may queue the event again.
            await queue.remove_queued(connection, project_id, moved.written)
            await waiting.note_symbolicated(
                connection,
                {key: each.symbolicated for key, each in written.items()},
                days={key: each.cleared.day for key, each in written.items()},
                looked_up_at=looked_up_at,
            )
            await self._link(connection, project_id, moved)
            await follow_moved_events(connection, project_id, moved.issues, moved.replaced)
            await note_used_files(
                connection,
                [(project_id, each.release, each.symbolicated) for each in written.values()],
                day=await days.read_today(connection),
            )
        result.moved += len(moved.moved)
        result.written |= moved.written
        return {each.cleared.event_id for each in redone} - moved.written - moved.gone

    async def _link(
        self, connection: AsyncConnection, project_id: ProjectId, moved: MovedEvents
    ) -> None:
        """Link moved events to the replays that their old issues were linked to."""
        if not moved.moved:
            return
        events = [event for _, event in moved.moved]
        await replay_links.lock_links(connection, await _list_ids_to_lock(connection, events))
        by_day: defaultdict[date, list[tuple[ProjectId, EventId]]] = defaultdict(list)
        for day, event in moved.moved:
            by_day[day].append((project_id, event.event_id))
        for day, keys in sorted(by_day.items()):
            await self.link_events(connection, keys, (), day=day)
        if moved.replays_to_link:
            await self.link_events(connection, (), moved.replays_to_link)


async def _list_ids_to_lock(connection: AsyncConnection, events: Sequence[NewEvent]) -> set[str]:
    """List the replays and traces whose links with issues may change."""
    traces = {event.trace_id for event in events if event.trace_id and not event.replay_id}
    replays = {event.replay_id for event in events if event.replay_id}
    return {*traces, *replays, *await trace_links.find_replays_of_traces(connection, traces)}


def _decode_payloads(
    project_id: ProjectId,
    payloads: Sequence[EventPayload],
    views: dict[EventId, frozenset[str]],
) -> list[SentEvent]:
    return [
        SentEvent(
            project_id,
            packed_json.unpack_object(stored.payload),
            views.get(stored.key.event_id, frozenset()),
        )
        for stored in payloads
    ]


def _make_cleared(
    payloads: Sequence[EventPayload],
    sent: Sequence[SentEvent],
    done: Sequence[SymbolicatedEvent],
) -> list[_RedoneEvent]:
    return [
        _RedoneEvent(
            _make_event(stored, event, each),
            each,
            clean_or_none(jsonish.text(event.event, "release")),
        )
        for stored, event, each in zip(payloads, sent, done, strict=True)
        if not each.is_pending and _is_worth_writing(stored, each)
    ]


def _make_event(
    stored: EventPayload, sent: SentEvent, symbolicated: SymbolicatedEvent
) -> ClearedEvent:
    names = read_clear_names(sent.event, symbolicated)
    return ClearedEvent(
        project_id=sent.project_id,
        event_id=stored.key.event_id,
        day=stored.key.day,
        title=names.title,
        culprit=names.culprit,
        exception_type=names.exception_type,
        exception_value=names.exception_value,
        issue_ids=names.issue_ids,
        symbolicated=None if symbolicated == NOT_SYMBOLICATED else pack_symbolicated(symbolicated),
    )


def _is_worth_writing(stored: EventPayload, symbolicated: SymbolicatedEvent) -> bool:
    """Tell whether an event would change, and not for the worse.

    A clear stack stays as it is when a file that made it clear was deleted since.
    """
    if stored.symbolicated is None:
        return symbolicated != NOT_SYMBOLICATED
    before = unpack_symbolicated(stored.symbolicated)
    if before == symbolicated:
        return False
    if not before.is_changed or not before.used:
        return True
    # Scripts that are found by their release have no id, so that one is missing tells of no other.
    used = {file.debug_id for file in before.used} - {None}
    lost = {file.debug_id for file in symbolicated.missing if file.reason == "not_uploaded"}
    return bool(symbolicated.used) and not used & lost
