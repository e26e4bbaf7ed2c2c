"""Adds events and counts them in their issues; the first write of an event id wins."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import BatchDays, DaySlot
from app.core.ids import IssueId
from app.db.rows import insert_new_rows
from app.db.text import clean, clean_or_none, json_text
from app.issues.counts import counting
from app.issues.model import AddedEvents, NewEvent
from app.issues.tables import events

NAME_BYTES: Final = 1_024
VALUE_BYTES: Final = 8 * 1024


async def add_events(
    connection: AsyncConnection, new: Sequence[NewEvent], days: BatchDays
) -> AddedEvents:
    """Store events that are not there yet, and add them to their issues.

    Args:
        connection: The transaction of the caller.
        new: The events, in the order of arrival.
        days: The days of the batch. An event that was stored the day before is there too.

    Returns:
        The keys of those that were stored, the others being duplicates; and the issues that they
        have begun or brought back.
    """
    if not new:
        return AddedEvents(set())
    issue_ids = await counting.choose_issues(connection, new)
    # Reversed, so that of two with one id in a batch the first one wins.
    by_key = {
        (event.project_id, event.event_id): (event, issue_id)
        for event, issue_id in reversed([*zip(new, issue_ids, strict=True)])
    }
    rows = {
        key: _event_row(event, issue_id, days.slot_of(event.project_id))
        for key, (event, issue_id) in by_key.items()
    }
    # Most batches have none, and their statement does not name the column.
    if any(event.symbolicated is not None for event in new):
        for key, (event, _) in by_key.items():
            rows[key]["symbolicated"] = event.symbolicated
    added = await insert_new_rows(connection, events, rows, days=days.recent)
    changes = await counting.count_events(connection, [by_key[key] for key in sorted(added)])
    return AddedEvents(added, changes)


def _event_row(event: NewEvent, issue_id: IssueId, slot: DaySlot) -> dict[str, Any]:
    return {
        "day": slot.day,
        "retention_class": slot.retention_class,
        "project_id": event.project_id,
        "event_id": event.event_id,
        "trace_id": event.trace_id,
        "replay_id": event.replay_id,
        "issue_id": issue_id,
        "received_at": event.received_at,
        "at": event.at,
        "drift_ms": event.drift_ms,
        "level": event.level,
        "kind": event.kind,
        "title": clean(event.title, limit_bytes=NAME_BYTES),
        "culprit": clean_or_none(event.culprit, limit_bytes=NAME_BYTES),
        "exception_type": clean_or_none(event.exception_type, limit_bytes=NAME_BYTES),
        "exception_value": clean_or_none(event.exception_value, limit_bytes=VALUE_BYTES),
        "mechanism": clean_or_none(event.mechanism, limit_bytes=NAME_BYTES),
        "platform": clean_or_none(event.platform, limit_bytes=NAME_BYTES),
        "release": clean_or_none(event.release, limit_bytes=NAME_BYTES),
        "environment": clean_or_none(event.environment, limit_bytes=NAME_BYTES),
        "sdk_name": clean_or_none(event.sdk_name, limit_bytes=NAME_BYTES),
        "span_id": event.span_id,
        "parent_span_id": event.parent_span_id,
        "handled": event.handled,
        "recorded_user": json_text(dict(event.user)),
        "payload": event.payload,
        "removals": event.removals,
    }
