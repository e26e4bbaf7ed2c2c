"""What this domain takes in and hands upward: frozen values, no table objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One error or message on its way into the table; `payload` is zstd JSON, scrubbed."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    at: datetime
    drift_ms: int
    level: str
    kind: str
    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    handled: bool | None
    mechanism: str | None
    platform: str | None
    release: str | None
    environment: str | None
    sdk_name: str | None
    user: Mapping[str, str]
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One stored error or message; `at` is the sender's clock, `at` plus drift the server's."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    at: datetime
    drift_ms: int
    level: str
    kind: str
    title: str
    culprit: str | None
    exception_type: str | None
    exception_value: str | None
    handled: bool | None
    mechanism: str | None
    platform: str | None
    release: str | None
    environment: str | None
    trace_id: TraceId | None
    replay_id: ReplayId | None
    payload: bytes
