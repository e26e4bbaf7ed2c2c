"""A span as OTLP sends it, whichever form it came in, and the caps on what is kept of one.

Source: opentelemetry-proto 1.x, `trace.proto`, `common.proto`.
"""

from dataclasses import dataclass, field
from typing import Final

from app.formats.jsonish import JsonObject

TEXT_CHARS: Final = 16 * 1024
NAME_CHARS: Final = 2_000
MOST_ATTRIBUTES: Final = 256
"""Of one span, event or resource; SDKs send 128 at most unless told otherwise."""
MOST_EVENTS: Final = 256
MOST_LINKS: Final = 128
MOST_VALUES: Final = 256
"""Of one list or map inside an attribute."""
DEPTH: Final = 6
"""Of lists and maps inside attributes; what is deeper is left out."""


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span: a name, a time and attributes."""

    name: str
    at_ns: int
    attributes: JsonObject


@dataclass(slots=True)
class OtlpSpan:
    """One span as sent; ids are hex, of whatever length came."""

    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    start_ns: int = 0
    end_ns: int = 0
    status: int = 0
    """0 unset, 1 ok, 2 error."""
    status_message: str = ""
    flags: int = 0
    attributes: JsonObject = field(default_factory=dict)
    events: list[SpanEvent] = field(default_factory=list)
    links: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScopedSpan:
    """A span with what stands around it."""

    span: OtlpSpan
    resource: JsonObject
    scope: str
