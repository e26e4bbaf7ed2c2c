"""Turns rows of the events table into values."""

import uuid
from typing import Any, Final

from sqlalchemy.engine import Row

from app.core.ids import EventId, IssueId, ProjectId, ReplayId, SpanId, TraceId
from app.issues.model import NewEvent, StoredEvent

_COPIED: Final = (
    "project_id", "event_id", "received_at", "at", "drift_ms", "level", "kind", "title", "culprit",
    "exception_type", "exception_value", "handled", "mechanism", "platform", "release",
    "environment", "sdk_name", "trace_id", "span_id", "parent_span_id",
)  # fmt: skip


def to_event(row: Row[Any]) -> StoredEvent:
    """Turn a row of the events table into its value."""
    return StoredEvent(
        project_id=ProjectId(row.project_id),
        event_id=EventId(to_hex(row.event_id)),
        received_at=row.received_at,
        at=row.at,
        drift_ms=row.drift_ms,
        level=row.level,
        kind=row.kind,
        title=row.title,
        culprit=row.culprit,
        exception_type=row.exception_type,
        exception_value=row.exception_value,
        handled=row.handled,
        mechanism=row.mechanism,
        platform=row.platform,
        release=row.release,
        environment=row.environment,
        trace_id=TraceId(to_hex(row.trace_id)) if row.trace_id else None,
        replay_id=ReplayId(to_hex(row.replay_id)) if row.replay_id else None,
        payload=row.payload,
        removals=row.removals,
        symbolicated=row.symbolicated,
        issue_id=IssueId(to_hex(row.issue_id)) if row.issue_id else None,
        span_id=SpanId(row.span_id) if row.span_id else None,
        parent_span_id=SpanId(row.parent_span_id) if row.parent_span_id else None,
    )


def to_new_event(row: Row[Any], *, issue_ids: tuple[IssueId, ...], **changes: Any) -> NewEvent:
    """Turn a row into the value of an event that is to be counted in an issue.

    Args:
        row: A row of the table, selected by its column objects; its payload is not needed.
        issue_ids: Issue of the event by each version of the grouping rules, the newest first.
        changes: Fields that differ from the row.
    """
    values = {name: getattr(row, name) for name in _COPIED} | {
        "payload": b"",
        "replay_id": ReplayId(row.replay_id) if row.replay_id else None,
        "user": row.recorded_user,
        "issue_ids": issue_ids,
    }
    return NewEvent(**(values | changes))


def to_hex(value: uuid.UUID | str) -> str:
    """Return an id as text: plain SQL returns a UUID, the type of the table's columns text."""
    return value.hex if isinstance(value, uuid.UUID) else value
