"""What this domain takes in and hands upward: frozen values, no table objects."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import EventId, ProjectId, ReplayId, TraceId


@dataclass(frozen=True, slots=True)
class NewFeedback:
    """What a person wrote, on its way into the table; `item_type` is the form it came in."""

    project_id: ProjectId
    event_id: EventId
    item_type: str
    received_at: datetime
    at: datetime
    drift_ms: int
    message: str
    name: str | None
    email: str | None
    url: str | None
    associated_event_id: EventId | None
    replay_id: ReplayId | None
    trace_id: TraceId | None
    platform: str | None
    release: str | None
    environment: str


@dataclass(frozen=True, slots=True)
class StoredFeedback:
    """What a person wrote; `at` is the sender's clock, `at` plus drift the server's."""

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
    replay_id: ReplayId | None
    trace_id: TraceId | None
    platform: str | None
    release: str | None
    environment: str | None
