"""Turns exceptions that OpenTelemetry recorded on spans into events like those of SDKs.

    span event `exception`     exception.type, exception.message, exception.stacktrace (text)

An exception is recorded on every span that it leaves. Its event id is made of trace, service, type,
message and the ten seconds into which it falls, so that all of these records are one event.

Source: OpenTelemetry semantic conventions, "Exceptions on spans".
"""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from app.core import ids
from app.formats.events import stack_text
from app.formats.jsonish import JsonObject
from app.formats.otlp.spans import OtlpSpan, ScopedSpan, SpanEvent

_NS_A_SECOND: Final = 1_000_000_000
_SAME_EVENT_NS: Final = 10 * _NS_A_SECOND
_MOST_STACK_CHARS: Final = 16 * 1024
_PLATFORMS: Final = {
    "nodejs": "node", "webjs": "javascript", "dotnet": "csharp", "cpp": "native",
    "erlang": "elixir", "swift": "cocoa",
}  # fmt: skip
"""Platforms of languages that OpenTelemetry names in another way."""
_LANGUAGES: Final = frozenset({"python", "java", "go", "ruby", "php", "rust"})


def write_exception_events(scoped: ScopedSpan, release: str | None) -> Iterator[JsonObject]:
    """Write an event for each exception that a span recorded."""
    for span_event in scoped.span.events:
        if span_event.name == "exception":
            yield _write_event(scoped, span_event, release)


def _write_event(scoped: ScopedSpan, span_event: SpanEvent, release: str | None) -> JsonObject:
    span, resource = scoped.span, scoped.resource
    at_ns = span_event.at_ns or span.end_ns
    event: JsonObject = {
        "event_id": _make_event_id(scoped, span_event, at_ns),
        "timestamp": at_ns / _NS_A_SECOND,
        "platform": _find_platform(resource),
        "level": "error",
        "transaction": _read_text(span.attributes.get("http.route")) or span.name or None,
        "release": release,
        "environment": resource.get("deployment.environment.name")
        or resource.get("deployment.environment"),
        "server_name": _read_text(resource.get("host.name")),
        "exception": {"values": [_write_exception(span_event)]},
        "contexts": {"trace": _write_trace_context(span)},
        "tags": _write_tags(scoped),
        "request": _write_request(span),
        "sdk": {
            "name": f"opentelemetry.{resource.get('telemetry.sdk.language') or 'unknown'}",
            "version": _read_text(resource.get("telemetry.sdk.version")) or "",
        },
    }
    return {name: value for name, value in event.items() if value}


def _make_event_id(scoped: ScopedSpan, span_event: SpanEvent, at_ns: int) -> str:
    attributes = span_event.attributes
    parts = (
        scoped.span.trace_id,
        str(scoped.resource.get("service.name")),
        str(attributes.get("exception.type")),
        str(attributes.get("exception.message")),
        str(at_ns // _SAME_EVENT_NS),
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _write_exception(span_event: SpanEvent) -> JsonObject:
    attributes = span_event.attributes
    stack = _read_text(attributes.get("exception.stacktrace")) or ""
    frames = stack_text.read_stack_text(stack)
    escaped = attributes.get("exception.escaped")
    exception: JsonObject = {
        "type": _read_text(attributes.get("exception.type")) or "Error",
        "value": _read_text(attributes.get("exception.message")) or "",
        "mechanism": {"type": "otlp"},
    }
    if escaped is True or (isinstance(escaped, str) and escaped.lower() == "true"):
        exception["mechanism"]["handled"] = False
    if frames:
        exception["stacktrace"] = {"frames": frames}
    elif stack:
        exception["mechanism"]["data"] = {"stacktrace": stack[:_MOST_STACK_CHARS]}
    return exception


def _write_trace_context(span: OtlpSpan) -> JsonObject:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": ids.read_hex16(span.parent_span_id),
    }


def _write_tags(scoped: ScopedSpan) -> dict[str, str]:
    tags = {
        "service": _read_text(scoped.resource.get("service.name")),
        "otel.scope": scoped.scope,
    }
    return {name: value for name, value in tags.items() if value}


def _write_request(span: OtlpSpan) -> JsonObject:
    attributes = span.attributes
    method = _read_text(attributes.get("http.request.method") or attributes.get("http.method"))
    url = _read_text(
        attributes.get("url.full") or attributes.get("http.url") or attributes.get("url.path")
    )
    return {"method": method, "url": url} if method and url else {}


def _find_platform(resource: JsonObject) -> str:
    language = str(resource.get("telemetry.sdk.language") or "").lower()
    return language if language in _LANGUAGES else _PLATFORMS.get(language, "other")


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
