"""What this domain takes in and hands upward: frozen values, no table objects."""

from dataclasses import dataclass
from datetime import datetime

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId


@dataclass(frozen=True, slots=True)
class NewSpan:
    """One span on its way into the table; `data` is zstd JSON, scrubbed."""

    project_id: ProjectId
    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    transaction_id: EventId | None
    is_segment: bool
    received_at: datetime
    started_at: datetime
    ended_at: datetime | None
    drift_ms: int
    op: str | None
    description: str | None
    status: str | None
    origin: str | None
    service: str | None
    replay_id: ReplayId | None
    data: bytes


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """One transaction on its way in, with its spans, the root among them."""

    project_id: ProjectId
    event_id: EventId
    received_at: datetime
    started_at: datetime
    ended_at: datetime
    drift_ms: int
    name: str
    op: str | None
    status: str | None
    platform: str | None
    release: str | None
    environment: str | None
    sdk_name: str | None
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    payload: bytes
    spans: tuple[NewSpan, ...]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """One stored span; times are the sender's clock."""

    project_id: ProjectId
    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    transaction_id: EventId | None
    is_segment: bool
    started_at: datetime
    ended_at: datetime | None
    drift_ms: int
    op: str | None
    description: str | None
    status: str | None
    service: str | None
    replay_id: ReplayId | None


@dataclass(frozen=True, slots=True)
class StoredTransaction:
    """One stored transaction without its payload."""

    project_id: ProjectId
    event_id: EventId
    started_at: datetime
    ended_at: datetime
    drift_ms: int
    name: str
    op: str | None
    status: str | None
    platform: str | None
    trace_id: TraceId | None
    replay_id: ReplayId | None
    spans: int


@dataclass(frozen=True, slots=True)
class NewLog:
    """One log record on its way into the table; `attributes` is zstd JSON, scrubbed."""

    project_id: ProjectId
    log_id: str
    received_at: datetime
    at: datetime
    drift_ms: int
    level: str
    body: str
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    release: str | None
    environment: str | None
    attributes: bytes


@dataclass(frozen=True, slots=True)
class StoredLog:
    """One stored log record; `at` is the sender's clock, `at` plus drift the server's."""

    project_id: ProjectId
    log_id: str
    at: datetime
    drift_ms: int
    level: str
    body: str
    trace_id: TraceId | None
    span_id: SpanId | None
    replay_id: ReplayId | None
    release: str | None
    environment: str | None
    attributes: bytes
