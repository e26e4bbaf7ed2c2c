"""Reads OTLP traces in protobuf, span by span.

    ExportTraceServiceRequest     1 resource_spans*
    ResourceSpans                 1 resource     2 scope_spans*
    ScopeSpans                    1 scope        2 spans*

`protobuf.py` reads these levels, and Google's library reads the messages in them, so that a body
never stands in memory whole in a second form: 6 MB of empty messages would take the library 232 MB.

The library refuses text that is not UTF-8, as the format says, and messages nested deeper than 100
levels. Services in C++ send such text, copied from a request, and a span must not be lost for it:
a message that the library refuses is mended field by field and read again.

Source: opentelemetry-proto 1.x, `trace.proto`, `common.proto`.
"""

import base64
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.otlp import protobuf
from app.formats.otlp.protobuf import ProtobufReader
from app.formats.otlp.spans import (
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    MOST_LEVELS,
    MOST_LINKS,
    MOST_VALUES,
    NAME_CHARS,
    TEXT_CHARS,
    OtlpSpan,
    ScopedSpan,
    SpanEvent,
)

_MOST_MENDED_LEVELS: Final = 4 * MOST_LEVELS
"""Most levels of a message that is mended: more than are read, and fewer than are refused."""


def read_protobuf_body(body: bytes) -> Iterator[ScopedSpan]:
    """Read the spans of one request; a span over `LIMITS.otlp_span_bytes` becomes an empty one.

    Raises:
        MalformedInput: It is not protobuf.
        OversizedInput: It has more than `LIMITS.otlp_fields` fields outside of its spans, or a
            resource or scope is over `LIMITS.otlp_span_bytes`.
    """
    reader = ProtobufReader(most_fields=LIMITS.otlp_fields)
    for number, _, value in reader.read_fields(body):
        if number == 1 and isinstance(value, bytes):
            yield from _read_resource_spans(reader, value)


def _read_resource_spans(reader: ProtobufReader, data: bytes) -> Iterator[ScopedSpan]:
    parts = reader.read_parts(data)
    all_scope_spans = parts.get(2, ())
    resource = _parse_last(reader, Resource, parts) if all_scope_spans else Resource()
    attributes = _read_attributes(resource.attributes)
    for scope_spans in all_scope_spans:
        parts = reader.read_parts(scope_spans)
        scope = _read_text(_parse_last(reader, InstrumentationScope, parts).name)
        for span_bytes in parts.get(2, ()):
            fits = len(span_bytes) <= LIMITS.otlp_span_bytes
            span = _read_span(_parse_message(reader, Span, span_bytes)) if fits else OtlpSpan()
            yield ScopedSpan(span, attributes, scope)


def _parse_last(reader: ProtobufReader, kind: Any, parts: dict[int, list[bytes]]) -> Any:
    """Parse the resource or scope in field 1: the last one, or an empty one without any.

    Raises:
        MalformedInput: It is not protobuf.
        OversizedInput: It is over `LIMITS.otlp_span_bytes`.
    """
    data = parts.get(1, [b""])[-1]
    if len(data) > LIMITS.otlp_span_bytes:
        raise OversizedInput(
            f"OTLP {kind.DESCRIPTOR.name} has {len(data)} bytes, "
            f"{LIMITS.otlp_span_bytes} are allowed"
        )
    return _parse_message(reader, kind, data)


def _parse_message(reader: ProtobufReader, kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        pass
    try:
        return kind.FromString(_mend(reader, kind.DESCRIPTOR, data, 1))
    except DecodeError as error:
        raise MalformedInput(f"OTLP {kind.DESCRIPTOR.name} is not protobuf: {error}") from None


def _mend(reader: ProtobufReader, descriptor: Any, data: bytes, depth: int) -> bytes:
    """Write a message anew, with U+FFFD for bytes that are not UTF-8, and without deep levels."""
    written = bytearray()
    texts, messages = _find_fields(descriptor)
    for number, wire, value in reader.read_fields(data):
        mended = value
        if isinstance(value, bytes) and number in texts:
            mended = value.decode("utf-8", "replace").encode()
        elif isinstance(value, bytes) and number in messages:
            if depth == _MOST_MENDED_LEVELS:
                continue
            mended = _mend(reader, messages[number], value, depth + 1)
        written += protobuf.write_field(number, wire, mended)
    return bytes(written)


@cache
def _find_fields(descriptor: Any) -> tuple[frozenset[int], dict[int, Any]]:
    """Return the numbers of a message's text fields, and the descriptors of its message fields."""
    texts = {field.number for field in descriptor.fields if field.type == field.TYPE_STRING}
    messages = {
        field.number: field.message_type
        for field in descriptor.fields
        if field.message_type is not None
    }
    return frozenset(texts), messages


def _read_span(span: Span) -> OtlpSpan:
    return OtlpSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex(),
        name=_read_text(span.name),
        kind=max(0, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.code,
        status_message=_read_text(span.status.message),
        flags=span.flags,
        attributes=_read_attributes(span.attributes),
        events=[
            SpanEvent(
                _read_text(event.name), event.time_unix_nano, _read_attributes(event.attributes)
            )
            for event in span.events[:MOST_EVENTS]
        ],
        links=[
            {"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()}
            for link in span.links[:MOST_LINKS]
        ],
    )


def _read_attributes(pairs: Any) -> JsonObject:
    attributes = _read_pairs(pairs[:MOST_ATTRIBUTES], 0)
    attributes.pop("", None)
    return attributes


def _read_pairs(pairs: Iterable[KeyValue], depth: int) -> JsonObject:
    return {_read_text(pair.key): _read_value(pair.value, depth) for pair in pairs}


def _read_value(value: AnyValue, depth: int) -> Any:
    """Read a text, flag, number, list, map or bytes; None for one that is nested too deep."""
    kind = value.WhichOneof("value")
    held: Any = getattr(value, kind) if kind else None
    match kind:
        case "int_value" | "bool_value":
            return held
        case "string_value":
            return jsonish.text_of(held, limit=TEXT_CHARS) or ""
        case "double_value":
            return jsonish.number({"": held}, "")
        case "bytes_value":
            return base64.b64encode(held[:TEXT_CHARS]).decode()
        case "array_value" | "kvlist_value" if depth < MOST_LEVELS:
            return _read_container(held.values[:MOST_VALUES], kind, depth + 1)
    return None


def _read_container(values: Any, kind: str, depth: int) -> Any:
    if kind == "array_value":
        return [_read_value(value, depth) for value in values]
    return _read_pairs(values, depth)


def _read_text(value: str) -> str:
    return jsonish.text_of(value, limit=NAME_CHARS) or ""
