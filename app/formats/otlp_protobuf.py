"""Reads OTLP traces in protobuf, span by span.

    ExportTraceServiceRequest     1 resource_spans*
    ResourceSpans                 1 resource (1 attributes*)   2 scope_spans*
    ScopeSpans                    1 scope (1 name)             2 spans*
    Span                          1 trace_id  2 span_id  4 parent_span_id  5 name  6 kind
                                  7 start  8 end  9 attributes*  11 events*  13 links*
                                  15 status (2 message, 3 code)  16 flags

A body never stands in memory whole in a second form.

Source: opentelemetry-proto 1.x, `trace.proto`, `common.proto`.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

from app.core.limits import LIMITS
from app.formats import jsonish, protobuf
from app.formats.jsonish import JsonObject
from app.formats.otlp_span import (
    DEPTH,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    MOST_LINKS,
    MOST_VALUES,
    NAME_CHARS,
    TEXT_CHARS,
    Moment,
    RawSpan,
    Scoped,
)
from app.formats.protobuf import Message, Reader

_TEXT: Final = 1
_LIST: Final = 5
_MAP: Final = 6
_BYTES: Final = 7


def read(body: bytes) -> Iterator[Scoped]:
    """Read the spans of one request.

    Raises:
        Malformed: It is no protobuf.
        TooLarge: It has more than `LIMITS.otlp_fields` fields.
    """
    reader = Reader(most_fields=LIMITS.otlp_fields)
    for found, _, value in reader.fields(body):
        if found != 1 or not isinstance(value, bytes):
            continue
        of_resource = reader.message(value)
        scopes = of_resource.parts.get(2)
        if scopes is None:
            continue
        resource = _attributes(reader, reader.message(of_resource.part(1)), 1)
        for data in scopes:
            of_scope = reader.message(data)
            scope = _text(reader.message(of_scope.part(1)).part(1))
            for span in of_scope.parts.get(2, ()):
                yield Scoped(_span(reader, span), resource, scope)


def _span(reader: Reader, data: bytes) -> RawSpan:
    found = reader.message(data)
    status = reader.message(found.part(15))
    return RawSpan(
        trace_id=found.part(1).hex(),
        span_id=found.part(2).hex(),
        parent_span_id=found.part(4).hex(),
        name=_text(found.part(5)),
        kind=found.number(6),
        start_ns=found.number(7),
        end_ns=found.number(8),
        status=status.number(3),
        status_message=_text(status.part(2)),
        flags=found.number(16),
        attributes=_attributes(reader, found, 9),
        events=[_moment(reader, one) for one in found.all(11, MOST_EVENTS)],
        links=[_link(reader, one) for one in found.all(13, MOST_LINKS)],
    )


def _moment(reader: Reader, data: bytes) -> Moment:
    found = reader.message(data)
    return Moment(_text(found.part(2)), found.number(1), _attributes(reader, found, 3))


def _link(reader: Reader, data: bytes) -> JsonObject:
    found = reader.message(data)
    return {"trace_id": found.part(1).hex(), "span_id": found.part(2).hex()}


def _attributes(reader: Reader, holder: Message, field: int) -> JsonObject:
    pairs = holder.all(field, MOST_ATTRIBUTES)
    return {name: value for name, value in (_pair(reader, one, 0) for one in pairs) if name}


def _pair(reader: Reader, data: bytes, depth: int) -> tuple[str, Any]:
    found = reader.message(data)
    return _text(found.part(1)), _any_value(reader, found.part(2), depth)


def _any_value(reader: Reader, data: bytes, depth: int) -> Any:
    """Read an AnyValue, which has one field: text, flag, number, list, map or bytes."""
    for number, _, item in reader.fields(data):
        if isinstance(item, int):
            return _scalar(number, item)
        if number == _TEXT:
            return jsonish.text_of(protobuf.text(item), limit=TEXT_CHARS) or ""
        if number == _BYTES:
            return base64.b64encode(item[:TEXT_CHARS]).decode()
        if depth < DEPTH:
            return _container(reader, number, item, depth + 1)
    return None


def _scalar(number: int, item: int) -> bool | int | float | None:
    match number:
        case 2:
            return bool(item)
        case 3:
            return protobuf.signed(item)
        case 4:
            return jsonish.number({"": protobuf.double(item)}, "")
        case _:
            return None


def _container(reader: Reader, number: int, data: bytes, depth: int) -> Any:
    """Read an ArrayValue or a KeyValueList, the first so many of its values."""
    values = reader.message(data).all(1, MOST_VALUES)
    if number == _LIST:
        return [_any_value(reader, one, depth) for one in values]
    return dict(_pair(reader, one, depth) for one in values) if number == _MAP else None


def _text(value: bytes) -> str:
    return jsonish.text_of(protobuf.text(value), limit=NAME_CHARS) or ""
