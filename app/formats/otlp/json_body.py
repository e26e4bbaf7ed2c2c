"""Reads OTLP traces in JSON, where ids are hex, 64-bit numbers are text, and enums are numbers.

Source: OTLP specification, "JSON Protobuf Encoding".
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
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

_CONTAINERS: Final = ("arrayValue", "kvlistValue")
_DIGITS: Final = 20
_KINDS: Final = {f"SPAN_KIND_{name}": number for number, name in enumerate(
    ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
)}  # fmt: skip
_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def read_json_body(body: bytes) -> Iterator[ScopedSpan]:
    """Read the spans of one request.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It has more than `LIMITS.json_marks` brackets and commas.
    """
    for resource_spans in _list_objects(
        jsonish.decode_object(body, "OTLP request"), "resourceSpans"
    ):
        resource = _read_attributes(jsonish.mapping(resource_spans, "resource"))
        for scope_spans in _list_objects(resource_spans, "scopeSpans"):
            scope = _read_text(jsonish.mapping(scope_spans, "scope"), "name")
            for span in _list_objects(scope_spans, "spans"):
                yield ScopedSpan(_read_span(span), resource, scope)


def _read_span(raw: JsonObject) -> OtlpSpan:
    status = jsonish.mapping(raw, "status")
    return OtlpSpan(
        trace_id=_read_text(raw, "traceId"),
        span_id=_read_text(raw, "spanId"),
        parent_span_id=_read_text(raw, "parentSpanId"),
        name=_read_text(raw, "name"),
        kind=_read_enum(raw, "kind", _KINDS),
        start_ns=_read_number(raw, "startTimeUnixNano") or 0,
        end_ns=_read_number(raw, "endTimeUnixNano") or 0,
        status=_read_enum(status, "code", _CODES),
        status_message=_read_text(status, "message"),
        flags=jsonish.integer(raw, "flags") or 0,
        attributes=_read_attributes(raw),
        events=[
            SpanEvent(
                _read_text(event, "name"),
                _read_number(event, "timeUnixNano") or 0,
                _read_attributes(event),
            )
            for event in _list_objects(raw, "events")[:MOST_EVENTS]
        ],
        links=[
            {"trace_id": _read_text(link, "traceId"), "span_id": _read_text(link, "spanId")}
            for link in _list_objects(raw, "links")[:MOST_LINKS]
        ],
    )


def _read_attributes(holder: JsonObject, key: str = "attributes", depth: int = 0) -> JsonObject:
    pairs = _list_objects(holder, key)[:MOST_ATTRIBUTES]
    return {
        name: _read_value(jsonish.mapping(pair, "value"), depth)
        for pair in pairs
        if (name := _read_text(pair, "key"))
    }


def _read_value(value: JsonObject, depth: int) -> Any:
    """Read an AnyValue, of which the first known member counts."""
    name = next((name for name in value if name in _SCALARS or name in _CONTAINERS), "")
    if name in _SCALARS:
        return _SCALARS[name](value, name)
    container = jsonish.mapping(value, name)
    if not container or depth >= MOST_LEVELS:
        return None
    if name == "kvlistValue":
        return _read_attributes(container, "values", depth + 1)
    return [
        _read_value(member, depth + 1)
        for member in _list_objects(container, "values")[:MOST_VALUES]
    ]


def _read_text(obj: JsonObject, key: str) -> str:
    return jsonish.text(obj, key, limit=NAME_CHARS) or ""


def _read_enum(obj: JsonObject, key: str, names: dict[str, int]) -> int:
    """Read an enum by its number, which the standard wants, or by its name, which some send."""
    number = jsonish.integer(obj, key)
    return names.get(_read_text(obj, key), 0) if number is None else number


def _list_objects(obj: JsonObject, key: str) -> list[JsonObject]:
    """List the objects under a name, leaving out anything else."""
    return [member for member in jsonish.sequence(obj, key) if isinstance(member, dict)]


def _read_number(obj: JsonObject, key: str) -> int | None:
    """Read a whole number of 64 bits, which is sent as text so that it keeps all of its digits."""
    value = obj.get(key)
    if isinstance(value, str) and len(value) <= _DIGITS and value.lstrip("-").isdecimal():
        return int(value)
    return jsonish.integer(obj, key)


def _read_value_text(obj: JsonObject, key: str) -> str:
    return jsonish.text(obj, key, limit=TEXT_CHARS) or ""


_SCALARS: Final[dict[str, Callable[[JsonObject, str], Any]]] = {
    "stringValue": _read_value_text,
    "bytesValue": _read_value_text,
    "boolValue": jsonish.flag,
    "intValue": _read_number,
    "doubleValue": jsonish.number,
}
