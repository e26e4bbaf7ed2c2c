"""Turns exceptions that OpenTelemetry recorded on a span into events like those of SDKs.

    span event `exception`     exception.type, exception.message, exception.stacktrace (text)

An exception on its way out is recorded on every span that it leaves. Its event id is made of trace,
service, type, message and the ten seconds it fell into, so that all of them are one event.

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
_SAME_NS: Final = 10 * _NS_A_SECOND
_MOST_STACK_CHARS: Final = 16 * 1024
_PLATFORMS: Final = {
    "nodejs": "node", "webjs": "javascript", "dotnet": "csharp", "cpp": "native",
    "erlang": "elixir", "swift": "cocoa",
}  # fmt: skip
"""Where OpenTelemetry's name of a language is not ours."""
_LANGUAGES: Final = frozenset({"python", "java", "go", "ruby", "php", "rust"})


def write_exception_events(scoped: ScopedSpan, release: str | None) -> Iterator[JsonObject]:
    """Write an event for each exception that a span recorded."""
    for moment in scoped.span.events:
        if moment.name == "exception":
            yield _event(scoped, moment, release)


def _event(scoped: ScopedSpan, moment: SpanEvent, release: str | None) -> JsonObject:
    span, resource = scoped.span, scoped.resource
    at_ns = moment.at_ns or span.end_ns
    event: JsonObject = {
        "event_id": _event_id(scoped, moment, at_ns),
        "timestamp": at_ns / _NS_A_SECOND,
        "platform": _platform(resource),
        "level": "error",
        "transaction": _text(span.attributes.get("http.route")) or span.name or None,
        "release": release,
        "environment": resource.get("deployment.environment.name")
        or resource.get("deployment.environment"),
        "server_name": _text(resource.get("host.name")),
        "exception": {"values": [_exception(moment)]},
        "contexts": {"trace": _trace(span)},
        "tags": _tags(scoped),
        "request": _request(span),
        "sdk": {
            "name": f"opentelemetry.{resource.get('telemetry.sdk.language') or 'unknown'}",
            "version": _text(resource.get("telemetry.sdk.version")) or "",
        },
    }
    return {name: value for name, value in event.items() if value}


def _event_id(scoped: ScopedSpan, moment: SpanEvent, at_ns: int) -> str:
    of = moment.attributes
    parts = (
        scoped.span.trace_id,
        str(scoped.resource.get("service.name")),
        str(of.get("exception.type")),
        str(of.get("exception.message")),
        str(at_ns // _SAME_NS),
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _exception(moment: SpanEvent) -> JsonObject:
    of = moment.attributes
    stack = _text(of.get("exception.stacktrace")) or ""
    frames = stack_text.read_stack_text(stack)
    escaped = of.get("exception.escaped")
    exception: JsonObject = {
        "type": _text(of.get("exception.type")) or "Error",
        "value": _text(of.get("exception.message")) or "",
        "mechanism": {"type": "otlp"},
    }
    if escaped is True or (isinstance(escaped, str) and escaped.lower() == "true"):
        exception["mechanism"]["handled"] = False
    if frames:
        exception["stacktrace"] = {"frames": frames}
    elif stack:
        exception["mechanism"]["data"] = {"stacktrace": stack[:_MOST_STACK_CHARS]}
    return exception


def _trace(span: OtlpSpan) -> JsonObject:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": ids.read_hex16(span.parent_span_id),
    }


def _tags(scoped: ScopedSpan) -> dict[str, str]:
    named = {
        "service": _text(scoped.resource.get("service.name")),
        "otel.scope": scoped.scope,
    }
    return {name: value for name, value in named.items() if value}


def _request(span: OtlpSpan) -> JsonObject:
    of = span.attributes
    method = _text(of.get("http.request.method") or of.get("http.method"))
    url = _text(of.get("url.full") or of.get("http.url") or of.get("url.path"))
    return {"method": method, "url": url} if method and url else {}


def _platform(resource: JsonObject) -> str:
    language = str(resource.get("telemetry.sdk.language") or "").lower()
    return language if language in _LANGUAGES else _PLATFORMS.get(language, "other")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
