"""The values that this domain takes in and hands upward; tables stay inside."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId


@dataclass(frozen=True, slots=True)
class NewBlock:
    """Spans that arrived together and become one row.

    They belong to one trace, name one replay or none, and began within minutes of one another.
    """

    project_id: ProjectId
    block_id: EventId
    """The event id of a transaction, else a hash of the spans, so that a resend has the same id."""
    transaction_id: EventId | None
    trace_id: TraceId
    replay_id: ReplayId | None
    received_at: datetime
    started_at: datetime
    """The start of the first span."""
    ended_at: datetime
    """The end of the last span, or its start if it has no end."""
    drift_ms: int
    name: str | None
    op: str | None
    status: str | None
    platform: str | None
    release: str | None
    environment: str | None
    spans: int
    content: bytes
    """The scrubbed spans in the format of `formats/stored/span_block.py`."""


@dataclass(frozen=True, slots=True)
class NewTransaction:
    """A transaction that is to be stored: a block with its root, and the blocks of its other spans.

    The other spans belong to another trace, name another replay or began much later. They are
    stored if the transaction is.
    """

    block: NewBlock
    others: tuple[NewBlock, ...] = ()


class StoredSpan(msgspec.Struct, frozen=True, gc=False):
    """One stored span; its times are by the sender's clock.

    A page reads thousands of spans, and a struct is made faster than a dataclass.
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
    """The platform of its transaction."""
    replay_id: ReplayId | None


@dataclass(frozen=True, slots=True)
class NewLog:
    """A log record that is to be stored; `attributes` is scrubbed JSON, packed with zstd."""

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
    """A stored log record; `at` is by the sender's clock, `at` plus the drift by the server's."""

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
