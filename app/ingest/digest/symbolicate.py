"""Makes the events of a prepared batch clear, between scrubbing them and storing them.

    rows of events + what they were decoded from ─► symbolication ─► clear rows: title, issue, stack

A batch without events that need debug files costs nothing here: no thread, no statement.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import EventId, ProjectId
from app.formats.events import view_hierarchy
from app.formats.jsonish import JsonObject
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import EventToSymbolicate, PreparedBatch
from app.issues.model import NewEvent
from app.symbolication import view_hierarchies
from app.symbolication.clear_names import read_clear_names
from app.symbolication.event import AT_INGEST, PENDING, EventSymbolicator, SentEvent
from app.symbolication.model import NOT_SYMBOLICATED, SymbolicatedEvent, pack_symbolicated

HasScripts = Callable[[ProjectId], bool]
"""Tells whether a project has scripts that are found by their release."""

Hierarchies = Mapping[tuple[ProjectId, EventId], memoryview]
"""View hierarchies as they are stored, by project and event."""

_logger: Final = log.get_logger("ingest.symbolicate")


@dataclass(frozen=True, slots=True)
class BatchSymbolicator:
    """Makes the events of batches clear."""

    symbolicator: EventSymbolicator
    has_scripts: HasScripts
    """Events of other projects that name no debug files are left alone."""

    async def symbolicate_batch(self, prepared: PreparedBatch) -> None:
        """Replace the rows of events whose frames become clear, and note what others miss.

        Args:
            prepared: A batch whose rows are complete.
        """
        rows = prepared.rows_of(EVENT)
        wanted = [
            each
            for each in prepared.to_symbolicate
            if each.found_by == "id" or self.has_scripts(rows[each.row_number].project_id)
        ]
        prepared.to_symbolicate = []
        if not wanted:
            return
        old_rows = [rows[each.row_number] for each in wanted]
        prepared.symbolicated.looked_up_at = clock.now()
        try:
            hierarchies = _find_hierarchies(prepared, old_rows)
            events = await asyncio.to_thread(_decode_events, wanted, old_rows, hierarchies)
            done = await self._symbolicate(events)
            new_rows = await asyncio.to_thread(_make_rows, old_rows, events, done)
        except Exception:
            # An event without clear names is better than a batch that is taken apart. The worker
            # does the events one by one if they fail together, so that one costs only itself.
            _logger.exception("symbolication failed; a worker tries again")
            done = [PENDING for _ in wanted]
            packed = pack_symbolicated(PENDING)
            new_rows = [replace(row, symbolicated=packed) for row in old_rows]
        noted = prepared.symbolicated.events
        for each, row, symbolicated in zip(wanted, new_rows, done, strict=True):
            rows[each.row_number] = row
            if row.symbolicated is not None:
                noted.setdefault((row.project_id, row.event_id), symbolicated)

    async def _symbolicate(self, events: Sequence[SentEvent]) -> list[SymbolicatedEvent]:
        try:
            return await self.symbolicator.symbolicate_events(events, AT_INGEST, is_fetching=False)
        except ServiceUnavailable as error:
            _logger.warning("events wait for their debug files", error=str(error))
            return [PENDING for _ in events]


def _find_hierarchies(prepared: PreparedBatch, rows: Sequence[NewEvent]) -> Hierarchies:
    """Find the view hierarchies that came with some events; SDKs send both in one envelope."""
    keys = {(row.project_id, row.event_id) for row in rows}
    return {
        (file.attachment.project_id, file.attachment.event_id): file.content
        for file in prepared.rows_of(ATTACHMENT)
        if file.attachment.attachment_type == view_hierarchy.ATTACHMENT_TYPE
        and (file.attachment.project_id, file.attachment.event_id) in keys
    }


def _decode_events(
    wanted: Sequence[EventToSymbolicate], rows: Sequence[NewEvent], hierarchies: Hierarchies
) -> list[SentEvent]:
    return [
        SentEvent(
            row.project_id,
            each.decode(),
            view_hierarchies.read_view_types(hierarchies.get((row.project_id, row.event_id), b"")),
        )
        for each, row in zip(wanted, rows, strict=True)
    ]


def _make_rows(
    rows: Sequence[NewEvent], events: Sequence[SentEvent], done: Sequence[SymbolicatedEvent]
) -> list[NewEvent]:
    return [
        _make_row(row, sent.event, symbolicated)
        for row, sent, symbolicated in zip(rows, events, done, strict=True)
    ]


def _make_row(row: NewEvent, sent: JsonObject, symbolicated: SymbolicatedEvent) -> NewEvent:
    """Name and group an event by its clear stack, by the same rules as one that was sent clear."""
    if symbolicated == NOT_SYMBOLICATED:
        return row
    packed = pack_symbolicated(symbolicated)
    if not symbolicated.is_changed:
        return replace(row, symbolicated=packed)
    names = read_clear_names(sent, symbolicated)
    return replace(
        row,
        title=names.title,
        culprit=names.culprit,
        exception_type=names.exception_type,
        exception_value=names.exception_value,
        issue_ids=names.issue_ids,
        symbolicated=packed,
    )
