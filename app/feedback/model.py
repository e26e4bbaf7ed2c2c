"""Frozen values that this domain takes in and hands upward; no table objects."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import EventId, ProjectId, ReplayId, TraceId


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRecord:
    """A user's message; `at` is by the sender's clock, `at` plus the drift by the server's."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    at: datetime
    drift_ms: int
    message: str
    name: str | None
    email: str | None
    url: str | None
    associated_event_id: EventId | None
    """Event that the feedback is about."""
    replay_id: ReplayId | None
    trace_id: TraceId | None
    platform: str | None
    release: str | None
    environment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback(FeedbackRecord):
    """Feedback on its way into the table."""

    item_type: str
    """Type of the item that it came in: `feedback` or `user_report`."""
