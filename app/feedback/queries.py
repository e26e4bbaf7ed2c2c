"""Turns rows of feedback into values; use cases select the rows, together with other tables."""

from typing import Any, Final

from sqlalchemy.engine import Row

from app.core.ids import EventId, ProjectId, ReplayId, TraceId
from app.feedback.model import FeedbackRecord

FEEDBACK_COLUMNS: Final = """
    f.project_id, f.event_id, f.received_at, f.at, f.drift_ms, f.message, f.name, f.email, f.url,
    f.associated_event_id, f.replay_id, f.trace_id, f.platform, f.release, f.environment
"""
"""Columns that `to_feedback` reads, of a table named `f`."""


def to_feedback(row: Row[Any]) -> FeedbackRecord:
    """Turn a row with `FEEDBACK_COLUMNS` into its value."""
    associated_id = row.associated_event_id
    return FeedbackRecord(
        project_id=ProjectId(row.project_id),
        event_id=EventId(row.event_id.hex),
        received_at=row.received_at,
        at=row.at,
        drift_ms=row.drift_ms,
        message=row.message,
        name=row.name,
        email=row.email,
        url=row.url,
        associated_event_id=EventId(associated_id.hex) if associated_id else None,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
        trace_id=TraceId(row.trace_id.hex) if row.trace_id else None,
        platform=row.platform,
        release=row.release,
        environment=row.environment,
    )
