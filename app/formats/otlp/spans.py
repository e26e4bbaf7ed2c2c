"""A span as OTLP sends it, in protobuf or JSON, and the limits of what is read from one.

Source: opentelemetry-proto 1.x, `trace.proto`, `common.proto`.
"""

from dataclasses import dataclass, field
from typing import Final

from app.formats.jsonish import JsonObject

TEXT_CHARS: Final = 16 * 1024
NAME_CHARS: Final = 2_000
MOST_ATTRIBUTES: Final = 256
"""Most attributes of one span, event or resource. SDKs send at most 128 by default."""
MOST_EVENTS: Final = 256
MOST_LINKS: Final = 128
MOST_VALUES: Final = 256
"""Most values of one list or map inside an attribute."""
MOST_LEVELS: Final = 6
"""Most levels of lists and maps inside attributes; deeper values are left out."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span: a name, a time and attributes."""

    name: str
    at_ns: int
    attributes: JsonObject


@dataclass(slots=True)
class OtlpSpan:
    """One span as sent; its ids are hex of whatever length was sent."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    start_ns: int = 0
    end_ns: int = 0
    status: int = 0
    """The code of the status: 0 for unset, 1 for ok, 2 for error."""
    status_message: str = ""
    flags: int = 0
    attributes: JsonObject = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    links: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScopedSpan:
    """A span with its resource and its scope."""

    span: OtlpSpan
    resource: JsonObject
    """The attributes of the resource, mostly those of the service."""
    scope: str
    """The name of the instrumentation scope, or an empty text."""
