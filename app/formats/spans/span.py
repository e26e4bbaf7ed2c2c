"""Reads spans in the three forms in which they come: inside transactions, alone, and streamed.

    v1   {"span_id", "op", "description", "data": {…}, "timestamp", …}
             inside transactions: `read_span`        alone: `read_lone_span`
    v2   {"items": [{"name", "attributes": {"sentry.op": {"type", "value"}}, …}]}
             streamed: `read_span_container`

Spans come out as a flat list that names parents by id only, so chains a thousand deep and circles
of parents cost nothing here.

Source: docs/protocol.md, sections 9.5 and 9.6; relay `span_v2.rs`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.errors import MalformedInput, OversizedInput
from app.core.ids import ReplayId, SpanId, TraceId, read_hex32
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps
from app.formats.events.event import read_span_id, read_trace_id
from app.formats.jsonish import JsonObject
from app.formats.wire.envelope import EnvelopeHeader

NAME_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """One timed operation, which is never its own parent and never ends before it starts."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    op: str | None
    description: str | None
    status: str | None
    started_at: datetime
    ended_at: datetime | None
    """End of the span, or None if it was not finished when it was sent."""
    origin: str | None
    is_segment: bool
    """True for the root of one service's part of the trace."""
    segment_name: str | None
    release: str | None
    environment: str | None
    replay_id: ReplayId | None
    sdk_name: str | None
    service: str | None
    data: JsonObject
    """The attributes as plain values, with tags, measurements and links if the span has them."""


@dataclass(frozen=True, slots=True)
class SpanContainer:
    """The spans of one item."""

    spans: tuple[Span, ...]
    skipped: int
    """The number of spans that could not be read."""


@dataclass(frozen=True, slots=True)
class SpanDefaults:
    """The values that a span takes from its transaction or block where it has none of its own."""

    trace_id: TraceId | None = None
    segment_name: str | None = None
    release: str | None = None
    environment: str | None = None
    replay_id: ReplayId | None = None
    sdk_name: str | None = None


def check_span_size(data: bytes | memoryview) -> None:
    """Refuse a lone span that is too large.

    Raises:
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(f"span has {len(data)} bytes, {LIMITS.event_bytes} are allowed")


def read_lone_span(raw: JsonObject, header: EnvelopeHeader) -> Span:
    """Read a decoded span that was sent alone, in the form that spans have in transactions.

    Raises:
        MalformedInput: It lacks an id or a start that can be read.
    """
    defaults = SpanDefaults(
        trace_id=read_trace_id({}, header),
        replay_id=_read_replay_id(None, header),
        sdk_name=header.sdk_name,
    )
    return read_span(raw, defaults)


def read_span(raw: JsonObject, defaults: SpanDefaults) -> Span:
    """Read a span as it stands in a transaction or block.

    Raises:
        MalformedInput: It lacks an id or a start that can be read.
    """
    identity = _read_identity(raw, defaults.trace_id, end_key="timestamp")
    return build_span(raw, defaults, **identity)


def build_span(
    raw: JsonObject,
    defaults: SpanDefaults,
    *,
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId | None,
    started_at: datetime,
    ended_at: datetime | None,
) -> Span:
    """Read a span whose ids and times are known, and keep what `Span` promises of them."""
    data = _gather_data(raw)
    is_segment = jsonish.flag(raw, "is_segment") or False
    description = jsonish.text(raw, "description", limit=DESCRIPTION_CHARS)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        started_at=started_at,
        ended_at=ended_at,
        op=_read_text(raw, "op"),
        description=description,
        status=_read_text(raw, "status"),
        origin=_read_text(raw, "origin"),
        is_segment=is_segment,
        segment_name=defaults.segment_name or (description if is_segment else None),
        release=_read_text(data, "sentry.release") or defaults.release,
        environment=_read_text(data, "sentry.environment") or defaults.environment,
        replay_id=_read_replay_id(data.get("sentry.replay_id")) or defaults.replay_id,
        sdk_name=_read_text(data, "sentry.sdk.name") or defaults.sdk_name,
        service=_read_text(data, "service.name"),
        data=data,
    )


def read_span_container(raw: JsonObject, header: EnvelopeHeader) -> SpanContainer:
    """Read a decoded container of streamed spans; one that cannot be read is left out and counted.

    Raises:
        MalformedInput: It has no list of items.
        OversizedInput: It has more spans than `LIMITS.spans`.
    """
    items = raw.get("items")
    if not isinstance(items, list):
        raise MalformedInput(f"span container has no list of items: {shown(items)}")
    if len(items) > LIMITS.spans:
        raise OversizedInput(f"span container has {len(items)} spans, {LIMITS.spans} are allowed")
    spans: list[Span] = []
    for item in items:
        try:
            spans.append(_read_streamed(item, header))
        except MalformedInput:
            continue
    return SpanContainer(tuple(spans), len(items) - len(spans))


def _read_streamed(item: object, header: EnvelopeHeader) -> Span:
    """Read one span of a container.

    Raises:
        MalformedInput: It is not an object, or lacks an id or a start that can be read.
    """
    if not isinstance(item, dict):
        raise MalformedInput(f"span is not an object: {shown(item)}")
    data = _read_attributes(item)
    identity = _read_identity(item, None, end_key="end_timestamp")
    name = jsonish.text(item, "name", limit=DESCRIPTION_CHARS)
    is_segment = _is_segment(item)
    return Span(
        **identity,
        op=_read_text(data, "sentry.op"),
        description=name,
        status=_read_text(item, "status"),
        origin=_read_text(data, "sentry.origin"),
        is_segment=is_segment,
        segment_name=_read_text(data, "sentry.segment.name") or (name if is_segment else None),
        release=_read_text(data, "sentry.release"),
        environment=_read_text(data, "sentry.environment"),
        replay_id=_read_replay_id(data.get("sentry.replay_id"), header),
        sdk_name=_read_text(data, "sentry.sdk.name") or header.sdk_name,
        service=_read_text(data, "service.name"),
        data=data,
    )


def _is_segment(item: JsonObject) -> bool:
    """Tell whether a streamed span is a root; drafts of the format called that `is_remote`."""
    is_segment = jsonish.flag(item, "is_segment")
    if is_segment is None:
        is_segment = jsonish.flag(item, "is_remote")
    return item.get("parent_span_id") is None if is_segment is None else is_segment


def _read_identity(raw: JsonObject, trace_id: TraceId | None, *, end_key: str) -> dict[str, Any]:
    """Read the ids and times of a span, as arguments of `Span`."""
    own_trace = read_hex32(raw.get("trace_id"))
    trace_id = TraceId(own_trace) if own_trace else trace_id
    span_id = read_span_id(raw.get("span_id"))
    parent_id = read_span_id(raw.get("parent_span_id"))
    started_at = timestamps.read_at(raw.get("start_timestamp"))
    ended_at = timestamps.read_at(raw.get(end_key))
    if started_at and ended_at and timestamps.is_set(ended_at) > timestamps.is_set(started_at):
        started_at = None  # the clock was set between them, so their distance means nothing
    if trace_id is None or span_id is None or started_at is None:
        raise MalformedInput(
            f"span lacks an id or a start: trace_id {shown(raw.get('trace_id'))}, "
            f"span_id {shown(raw.get('span_id'))}, "
            f"start_timestamp {shown(raw.get('start_timestamp'))}"
        )
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": None if parent_id == span_id else parent_id,
        "started_at": started_at,
        "ended_at": max(started_at, ended_at) if ended_at else None,
    }


def _gather_data(raw: JsonObject) -> JsonObject:
    """Gather the data, tags and measurements of a v1 span; data wins over a tag of its name."""
    data: JsonObject = {**jsonish.pairs(raw, "tags"), **jsonish.mapping(raw, "data")}
    measurements = jsonish.mapping(raw, "measurements")
    if measurements:
        data.setdefault("measurements", measurements)
    return data


def _read_attributes(item: JsonObject) -> JsonObject:
    """Read the values of typed attributes: `{"type": "string", "value": "db"}` becomes `"db"`."""
    data: JsonObject = {
        name: attribute.get("value") if isinstance(attribute, dict) else attribute
        for name, attribute in jsonish.mapping(item, "attributes").items()
    }
    links = jsonish.sequence(item, "links")
    if links:
        data.setdefault("links", links)
    return data


def _read_replay_id(value: object, header: EnvelopeHeader | None = None) -> ReplayId | None:
    """Read a replay id, or take that of the envelope."""
    replay_id = read_hex32(value) or (header.trace.replay_id if header else None)
    return ReplayId(replay_id) if replay_id else None


def _read_text(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=NAME_CHARS)
