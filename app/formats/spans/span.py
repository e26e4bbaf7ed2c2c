"""Reads spans in the three forms in which they come: inside transactions, alone, and streamed.

    v1   {"span_id", "op", "description", "data": {…}, "timestamp", …}    `read_v1`, `read_inner`
    v2   {"items": [{"name", "attributes": {"sentry.op": {"type", "value"}}, …}]}      `read_v2`

Spans come out as a flat list, parents named by id only: chains a thousand deep and circles of
parents cost nothing here.

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
    """One timed operation; never its own parent, never over before it began."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    op: str | None
    description: str | None
    status: str | None
    started_at: datetime
    ended_at: datetime | None
    """None if it was not finished when it was sent."""
    origin: str | None
    is_segment: bool
    """Whether it is the root of its service's part of the trace."""
    segment_name: str | None
    release: str | None
    environment: str | None
    replay_id: ReplayId | None
    sdk_name: str | None
    service: str | None
    data: JsonObject
    """Its attributes as plain values; with tags, measurements and links where it has them."""


@dataclass(frozen=True, slots=True)
class SpanContainer:
    """The spans of one item, and how many could not be read."""

    spans: tuple[Span, ...]
    skipped: int


@dataclass(frozen=True, slots=True)
class SpanDefaults:
    """What a span of a transaction takes from it where it says nothing itself."""

    trace_id: TraceId | None = None
    segment_name: str | None = None
    release: str | None = None
    environment: str | None = None
    replay_id: ReplayId | None = None
    sdk_name: str | None = None


def read_v1(data: bytes | memoryview, header: EnvelopeHeader) -> Span:
    """Read a span that was sent alone, in the form spans have inside transactions.

    Raises:
        MalformedInput: It is no JSON object, or lacks an id or a start that can be read.
        OversizedInput: It is over `LIMITS.event_bytes`.
    """
    check_span_size(data)
    return read_lone_span(jsonish.decode_object(data, "span"), header)


def check_span_size(data: bytes | memoryview) -> None:
    """Refuse a span alone that is over `LIMITS.event_bytes`.

    Raises:
        OversizedInput: It is.
    """
    if len(data) > LIMITS.event_bytes:
        raise OversizedInput(f"span has {len(data)} bytes, {LIMITS.event_bytes} are allowed")


def read_lone_span(raw: JsonObject, header: EnvelopeHeader) -> Span:
    """Read a span alone that is decoded already.

    Raises:
        MalformedInput: It lacks an id or a start that can be read.
    """
    surroundings = SpanDefaults(
        trace_id=read_trace_id({}, header),
        replay_id=_replay_id(None, header),
        sdk_name=header.sdk_name,
    )
    return read_span(raw, surroundings)


def read_span(raw: JsonObject, around: SpanDefaults) -> Span:
    """Read a span as it stands in a transaction.

    Raises:
        MalformedInput: It lacks an id or a start that can be read.
    """
    return build_span(raw, around, **_identity(raw, around.trace_id, end_key="timestamp"))


def build_span(
    raw: JsonObject,
    around: SpanDefaults,
    *,
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId | None,
    started_at: datetime,
    ended_at: datetime | None,
) -> Span:
    """Read a span whose ids and times are known, and are as `Span` wants them."""
    data = _plain_data(raw)
    is_segment = jsonish.flag(raw, "is_segment") or False
    description = jsonish.text(raw, "description", limit=DESCRIPTION_CHARS)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent_span_id,
        started_at=started_at,
        ended_at=ended_at,
        op=_text(raw, "op"),
        description=description,
        status=_text(raw, "status"),
        origin=_text(raw, "origin"),
        is_segment=is_segment,
        segment_name=around.segment_name or (description if is_segment else None),
        release=_text(data, "sentry.release") or around.release,
        environment=_text(data, "sentry.environment") or around.environment,
        replay_id=_replay_id(data.get("sentry.replay_id")) or around.replay_id,
        sdk_name=_text(data, "sentry.sdk.name") or around.sdk_name,
        service=_text(data, "service.name"),
        data=data,
    )


def read_v2(data: bytes | memoryview, header: EnvelopeHeader) -> SpanContainer:
    """Read a container of streamed spans; a bad one is left out and counted.

    Raises:
        MalformedInput: It is no JSON object with a list of items.
        OversizedInput: It is over `LIMITS.span_container_bytes`, or has more spans than
            `LIMITS.spans`.
    """
    check_container_size(data)
    return read_span_container(jsonish.decode_object(data, "span container"), header)


def check_container_size(data: bytes | memoryview) -> None:
    """Refuse a container that is over `LIMITS.span_container_bytes`.

    Raises:
        OversizedInput: It is.
    """
    most_bytes = LIMITS.span_container_bytes
    if len(data) > most_bytes:
        raise OversizedInput(f"span container has {len(data)} bytes, {most_bytes} are allowed")


def read_span_container(raw: JsonObject, header: EnvelopeHeader) -> SpanContainer:
    """Read a container that is decoded already; see `read_v2`.

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
    """Read one span of a container."""
    if not isinstance(item, dict):
        raise MalformedInput(f"span is no object: {shown(item)}")
    data = _plain_attributes(item)
    identity = _identity(item, None, end_key="end_timestamp")
    name = jsonish.text(item, "name", limit=DESCRIPTION_CHARS)
    is_segment = _is_segment(item)
    return Span(
        **identity,
        op=_text(data, "sentry.op"),
        description=name,
        status=_text(item, "status"),
        origin=_text(data, "sentry.origin"),
        is_segment=is_segment,
        segment_name=_text(data, "sentry.segment.name") or (name if is_segment else None),
        release=_text(data, "sentry.release"),
        environment=_text(data, "sentry.environment"),
        replay_id=_replay_id(data.get("sentry.replay_id"), header),
        sdk_name=_text(data, "sentry.sdk.name") or header.sdk_name,
        service=_text(data, "service.name"),
        data=data,
    )


def _is_segment(item: JsonObject) -> bool:
    """Tell whether a streamed span is a root; drafts of the format said `is_remote` instead."""
    said = jsonish.flag(item, "is_segment")
    if said is None:
        said = jsonish.flag(item, "is_remote")
    return item.get("parent_span_id") is None if said is None else said


def _identity(raw: JsonObject, trace_id: TraceId | None, *, end_key: str) -> dict[str, Any]:
    """Read what every span must have: ids and times."""
    own_trace = read_hex32(raw.get("trace_id"))
    trace_id = TraceId(own_trace) if own_trace else trace_id
    span_id = read_span_id(raw.get("span_id"))
    parent_id = read_span_id(raw.get("parent_span_id"))
    started_at = timestamps.read_at(raw.get("start_timestamp"))
    ended_at = timestamps.read_at(raw.get(end_key))
    if started_at and ended_at and timestamps.is_set(ended_at) > timestamps.is_set(started_at):
        started_at = None  # not two times of one clock
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


def _plain_data(raw: JsonObject) -> JsonObject:
    """Gather what a v1 span says of itself; its data wins over a tag of the same name."""
    data: JsonObject = {**jsonish.pairs(raw, "tags"), **jsonish.mapping(raw, "data")}
    measurements = jsonish.mapping(raw, "measurements")
    if measurements:
        data.setdefault("measurements", measurements)
    return data


def _plain_attributes(item: JsonObject) -> JsonObject:
    """Take the values out of typed attributes: `{"type": "string", "value": "db"}` is `"db"`."""
    data: JsonObject = {
        name: attribute.get("value") if isinstance(attribute, dict) else attribute
        for name, attribute in jsonish.mapping(item, "attributes").items()
    }
    links = jsonish.sequence(item, "links")
    if links:
        data.setdefault("links", links)
    return data


def _replay_id(value: object, header: EnvelopeHeader | None = None) -> ReplayId | None:
    """Read a replay id, else take that of the envelope."""
    found = read_hex32(value) or (header.trace.replay_id if header else None)
    return ReplayId(found) if found else None


def _text(obj: JsonObject, key: str) -> str | None:
    return jsonish.text(obj, key, limit=NAME_CHARS)
