"""Reads OTLP traces in JSON: ids are hex, 64-bit numbers are text, enums are numbers.

Source: OTLP specification, "JSON Protobuf Encoding".
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.otlp.spans import (
    DEPTH,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    MOST_LINKS,
    MOST_VALUES,
    NAME_CHARS,
    TEXT_CHARS,
    OtlpSpan,
    ScopedSpan,
    SpanEvent,
)

_CONTAINERS: Final = ("arrayValue", "kvlistValue")
_DIGITS: Final = 20
_KINDS: Final = {f"SPAN_KIND_{name}": number for number, name in enumerate(
    ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
)}  # fmt: skip
_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def read_json_body(body: bytes) -> Iterator[ScopedSpan]:
    """Read the spans of one request.

    Raises:
        MalformedInput: It is no JSON object.
        OversizedInput: It has more than `LIMITS.json_marks` brackets and commas.
    """
    for resource_spans in _objects(jsonish.decode_object(body, "OTLP request"), "resourceSpans"):
        resource = _attributes(jsonish.mapping(resource_spans, "resource"))
        for scope_spans in _objects(resource_spans, "scopeSpans"):
            scope = _text(jsonish.mapping(scope_spans, "scope"), "name")
            for span in _objects(scope_spans, "spans"):
                yield ScopedSpan(_span(span), resource, scope)


def _span(raw: JsonObject) -> OtlpSpan:
    status = jsonish.mapping(raw, "status")
    return OtlpSpan(
        trace_id=_text(raw, "traceId"),
        span_id=_text(raw, "spanId"),
        parent_span_id=_text(raw, "parentSpanId"),
        name=_text(raw, "name"),
        kind=_enum(raw, "kind", _KINDS),
        start_ns=_number(raw, "startTimeUnixNano") or 0,
        end_ns=_number(raw, "endTimeUnixNano") or 0,
        status=_enum(status, "code", _CODES),
        status_message=_text(status, "message"),
        flags=jsonish.integer(raw, "flags") or 0,
        attributes=_attributes(raw),
        events=[
            SpanEvent(
                _text(one, "name"),
                _number(one, "timeUnixNano") or 0,
                _attributes(one),
            )
            for one in _objects(raw, "events")[:MOST_EVENTS]
        ],
        links=[
            {"trace_id": _text(one, "traceId"), "span_id": _text(one, "spanId")}
            for one in _objects(raw, "links")[:MOST_LINKS]
        ],
    )


def _attributes(holder: JsonObject, key: str = "attributes", depth: int = 0) -> JsonObject:
    pairs = _objects(holder, key)[:MOST_ATTRIBUTES]
    return {
        name: _any(jsonish.mapping(pair, "value"), depth)
        for pair in pairs
        if (name := _text(pair, "key"))
    }


def _any(value: JsonObject, depth: int) -> Any:
    """Read an AnyValue; of several members the first that is known counts."""
    name = next((name for name in value if name in _SCALARS or name in _CONTAINERS), "")
    if name in _SCALARS:
        return _SCALARS[name](value, name)
    held = jsonish.mapping(value, name)
    if not held or depth >= DEPTH:
        return None
    if name == "kvlistValue":
        return _attributes(held, "values", depth + 1)
    return [_any(one, depth + 1) for one in _objects(held, "values")[:MOST_VALUES]]


def _text(obj: JsonObject, key: str) -> str:
    return jsonish.text(obj, key, limit=NAME_CHARS) or ""


def _enum(obj: JsonObject, key: str, names: dict[str, int]) -> int:
    """Read an enum; the standard wants its number, some senders write its name."""
    number = jsonish.integer(obj, key)
    return names.get(_text(obj, key), 0) if number is None else number


def _objects(obj: JsonObject, key: str) -> list[JsonObject]:
    """List the objects under a name; anything else among them is left out."""
    return [one for one in jsonish.sequence(obj, key) if isinstance(one, dict)]


def _number(obj: JsonObject, key: str) -> int | None:
    """Read a whole number of 64 bits; as text it keeps all of its digits."""
    value = obj.get(key)
    if isinstance(value, str) and len(value) <= _DIGITS and value.lstrip("-").isdecimal():
        return int(value)
    return jsonish.integer(obj, key)


def _value_text(obj: JsonObject, key: str) -> str:
    return jsonish.text(obj, key, limit=TEXT_CHARS) or ""


_SCALARS: Final[dict[str, Callable[[JsonObject, str], Any]]] = {
    "stringValue": _value_text,
    "bytesValue": _value_text,
    "boolValue": jsonish.flag,
    "intValue": _number,
    "doubleValue": jsonish.number,
}
