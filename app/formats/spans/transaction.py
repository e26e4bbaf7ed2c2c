"""Reads a transaction: a named root span with the spans of the same service below it.

`quick_transaction.py` takes its spans over as they were sent.

Source: docs/protocol.md, section 9.5.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.core.errors import MalformedInput
from app.core.ids import EventId, ReplayId, SpanId, TraceId
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.events import event
from app.formats.jsonish import JsonObject
from app.formats.spans.span import Span, SpanDefaults, build_span, read_span
from app.formats.wire.envelope import EnvelopeHeader

TRANSACTION_MEMBERS: Final = (
    "contexts", "environment", "event_id", "platform", "release", "sdk", "start_timestamp", "tags",
    "timestamp", "transaction",
)  # fmt: skip
"""The members that `read_transaction` reads, all but the spans."""
_NAME_CHARS: Final = 200
_SPAN_ID_CHARS: Final = 16
_UNNAMED: Final = "<unlabeled transaction>"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction; ids are lower-case hex."""

    event_id: EventId
    name: str
    op: str | None
    status: str | None
    started_at: datetime
    ended_at: datetime
    """The end, which is never before `started_at`."""
    trace_id: TraceId
    span_id: SpanId
    replay_id: ReplayId | None
    platform: str | None
    release: str | None
    environment: str
    root: Span
    spans: tuple[Span, ...]
    """The spans below the root as a flat list, in the order in which they were sent."""
    skipped: int
    """The number of spans that could not be read, or were more than `LIMITS.spans`."""
    raw: JsonObject
    """The transaction as decoded."""


def read_transaction(
    raw: JsonObject, header: EnvelopeHeader, *, sent_at: datetime | None = None
) -> Transaction:
    """Read a decoded transaction.

    A transaction without a trace id is a trace of its own, whose id is that of the event. Its root
    span is named after the event as well, so a transaction that is sent twice is the same trace.

    Args:
        raw: The transaction as decoded.
        header: The header of its envelope, which may name the replay and the trace.
        sent_at: The time of sending, which stands in where the transaction has no time.

    Raises:
        MalformedInput: Nothing says when it was.
    """
    event_id = event.read_event_id(raw, header)
    trace = jsonish.mapping(jsonish.mapping(raw, "contexts"), "trace")
    name = _read_text(raw, "transaction") or _UNNAMED
    trace_id = event.read_trace_id(trace, header) or TraceId(event_id)
    environment = _read_text(raw, "environment") or event.DEFAULT_ENVIRONMENT
    defaults = SpanDefaults(
        trace_id=trace_id,
        segment_name=name,
        release=_read_text(raw, "release"),
        environment=environment,
        replay_id=event.read_replay_id(raw, header),
        sdk_name=event.read_sdk(raw, header)[0],
    )
    times = _read_times(raw, sent_at)
    root = _read_root(times, trace, trace_id, event_id=event_id, defaults=defaults)
    spans, skipped = _read_spans(raw, defaults, is_set=timestamps.is_set(root.started_at))
    return Transaction(
        event_id=event_id,
        name=name,
        op=root.op,
        status=root.status,
        started_at=root.started_at,
        ended_at=root.ended_at or root.started_at,
        trace_id=root.trace_id,
        span_id=root.span_id,
        replay_id=defaults.replay_id,
        platform=_read_text(raw, "platform"),
        release=defaults.release,
        environment=environment,
        root=root,
        spans=spans,
        skipped=skipped,
        raw=raw,
    )


def _read_times(raw: JsonObject, sent_at: datetime | None) -> tuple[datetime, datetime | None]:
    """Read start and end; the end stands in for a start that cannot be read.

    Raises:
        MalformedInput: Neither can be read, and the time of sending is not known.
    """
    started, ended = raw.get("start_timestamp"), raw.get("timestamp")
    started_at, ended_at = timestamps.read_at(started), timestamps.read_at(ended)
    if started_at and ended_at and timestamps.is_set(ended_at) > timestamps.is_set(started_at):
        started_at = None  # the clock was set between them, so their distance means nothing
    first_at = started_at or ended_at
    if first_at is not None:
        return first_at, max(first_at, ended_at) if ended_at else None
    if sent_at is None:
        raise MalformedInput(
            f"transaction has no time: start_timestamp {shown(started)}, timestamp {shown(ended)}"
        )
    return sent_at, None


def _read_root(
    times: tuple[datetime, datetime | None],
    trace: JsonObject,
    trace_id: TraceId,
    *,
    event_id: EventId,
    defaults: SpanDefaults,
) -> Span:
    """Put the root span together: ids and kind are in the trace context, times outside of it."""
    raw = {
        **trace,
        "description": jsonish.text(trace, "description") or defaults.segment_name,
        "is_segment": True,
    }
    span_id = event.read_span_id(trace.get("span_id")) or _make_span_id(event_id)
    parent_id = event.read_span_id(trace.get("parent_span_id"))
    return build_span(
        raw,
        defaults,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None if parent_id == span_id else parent_id,
        started_at=times[0],
        ended_at=times[1],
    )


def _make_span_id(event_id: EventId) -> SpanId:
    """Make the id of a root span from that of its event; a span id is never all zeros."""
    end = event_id[-_SPAN_ID_CHARS:]
    return SpanId(end if end.strip("0") else event_id[:_SPAN_ID_CHARS])


def _read_spans(
    raw: JsonObject, defaults: SpanDefaults, *, is_set: bool
) -> tuple[tuple[Span, ...], int]:
    """Read the spans below the root, and count those that are left out.

    Args:
        raw: The transaction.
        defaults: The values that its spans take from it.
        is_set: True if the clock was set when the root began. Then a span of 1970 is left out: its
            time is a field left empty, or in a wrong unit.
    """
    listed = jsonish.sequence(raw, "spans")
    spans: list[Span] = []
    for item in listed[: LIMITS.spans]:
        try:
            span = read_span(item if isinstance(item, dict) else {}, defaults)
        except MalformedInput:
            continue
        if not is_set or timestamps.is_set(span.started_at):
            spans.append(span)
    return tuple(spans), len(listed) - len(spans)


def _read_text(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=_NAME_CHARS)
