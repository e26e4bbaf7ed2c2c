"""What this domain takes in and hands upward: frozen values, no table objects."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId


@dataclass(frozen=True, slots=True)
class NewBlock:
    """Spans that came together, on their way into one row.

    They run in one trace and name one replay, or none, and began within minutes of one another.
    """

    project_id: ProjectId
    block_id: EventId
    """Of a transaction, its event id; else made of its spans, so that it is the same sent again."""
    transaction_id: EventId | None
    trace_id: TraceId
    replay_id: ReplayId | None
    received_at: datetime
    started_at: datetime
    """When the first of the spans began."""
    ended_at: datetime
    """When the last of them ended, or began."""
    drift_ms: int
    name: str | None
    op: str | None
    status: str | None
    platform: str | None
    release: str | None
    environment: str | None
    spans: int
    content: bytes
    """As `formats/stored/span_block.py` has it, scrubbed."""


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """One transaction on its way in: its root with the spans that are where it is, and the others.

    The others run in another trace, name another replay or began much later. They are stored if
    the transaction is.
    """

    block: NewBlock
    others: tuple[NewBlock, ...] = ()


class StoredSpan(msgspec.Struct, frozen=True, gc=False):
    """One stored span; times are the sender's clock.

    A page reads thousands, and a struct is made faster than a dataclass.
    """

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
    platform: str | None
    """Of its transaction."""
    replay_id: ReplayId | None


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
