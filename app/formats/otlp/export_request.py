"""Turns an OTLP request for traces into the items that SDKs of our own protocol would have sent.

    spans                              → `span` items of streamed spans (v2)
    events of spans named `exception`  → `event` items

So everything behind the door is one way: scrubbing, limits, outcomes, storing, grouping.

Attributes of the resource stand with every span of it: `service.name` is the service,
`service.name@service.version` the release, `deployment.environment.name` the environment. A replay
id, where a service passes it on, is the attribute `sentry.replay_id`, or `sentry-replay_id` as
baggage calls it.

Source: OTLP specification; OpenTelemetry semantic conventions for http, db, messaging, exceptions.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from app.core import ids
from app.core.errors import OversizedInput
from app.core.limits import LIMITS
from app.formats.jsonish import JsonObject
from app.formats.otlp import exception_events, json_body, protobuf_body
from app.formats.otlp.spans import OtlpSpan, ScopedSpan
from app.formats.wire.envelope import Envelope, EnvelopeHeader, EnvelopeItem

SPANS_V2: Final = "application/vnd.sentry.items.span.v2+json"
_CONTAINER_BYTES: Final = 2 * 1024 * 1024
_NS_A_SECOND: Final = 1_000_000_000
_SERVER: Final = 2
_KIND_WORDS: Final = ("", "internal", "server", "client", "producer", "consumer")
_ERROR: Final = 2
_REMOTE_KNOWN: Final = 0x100
_IS_REMOTE: Final = 0x200


def read_export_request(body: bytes, *, is_json: bool) -> Envelope:
    """Read a request into an envelope; spans that lack an id or a time stay in it, and count.

    Args:
        body: As it was before its Content-Encoding.
        is_json: The JSON form; else protobuf.

    Returns:
        `left_out` says how many spans cannot be kept.

    Raises:
        MalformedInput: It does not follow its format.
        OversizedInput: It is over `LIMITS.otlp_bytes`, `otlp_spans`, `otlp_made_bytes` or
            `otlp_fields`.
    """
    if len(body) > LIMITS.otlp_bytes:
        raise OversizedInput(f"OTLP request has {len(body)} bytes, {LIMITS.otlp_bytes} are allowed")
    spans: list[bytes] = []
    errors: dict[str, tuple[float, bytes]] = {}
    left_out = made_bytes = 0
    for scoped in (
        json_body.read_json_body(body) if is_json else protobuf_body.read_protobuf_body(body)
    ):
        if len(spans) >= LIMITS.otlp_spans:
            raise OversizedInput(f"OTLP request has more than {LIMITS.otlp_spans} spans")
        item = _span(scoped)
        left_out += not item
        spans.append(msgspec.json.encode(item))
        made_bytes = _add_bytes(made_bytes, spans[-1])
        for event in (
            exception_events.write_exception_events(scoped, name_release(scoped.resource))
            if item
            else ()
        ):
            encoded = msgspec.json.encode(event)
            made_bytes = _add_bytes(made_bytes, encoded)
            # Passing through several spans, an exception is recorded on each: innermost first.
            known = errors.get(event["event_id"])
            if known is None or event["timestamp"] < known[0]:
                errors[event["event_id"]] = event["timestamp"], encoded
    events = (EnvelopeItem("event", memoryview(encoded)) for _, encoded in errors.values())
    items = (*_containers(spans), *events)
    return Envelope(EnvelopeHeader(), items, left_out=left_out, made_bytes=made_bytes)


def _add_bytes(made_bytes: int, encoded: bytes) -> int:
    """Count what was made so far: a small body may name a large resource and many spans."""
    made_bytes += len(encoded)
    if made_bytes > LIMITS.otlp_made_bytes:
        raise OversizedInput(
            "OTLP request repeats too large a resource with every span: "
            f"{LIMITS.otlp_made_bytes} bytes of spans and errors are allowed"
        )
    return made_bytes


def name_release(resource: JsonObject) -> str | None:
    """Name the release of a service, as mobile releases are named: `shop-api@2.9.1`."""
    version = resource.get("service.version")
    name = resource.get("service.name")
    return f"{name}@{version}" if name and version else version or None


def read_environment(resource: JsonObject) -> str | None:
    """Return the environment, under its name of today or the one before."""
    today = resource.get("deployment.environment.name")
    return today or resource.get("deployment.environment") or None


def _span(scoped: ScopedSpan) -> JsonObject:
    """Write a span in our streamed form; empty if it lacks an id or a time."""
    span, resource = scoped.span, scoped.resource
    trace_id, span_id = ids.read_hex32(span.trace_id), ids.read_hex16(span.span_id)
    if trace_id is None or span_id is None or not 0 < span.start_ns <= span.end_ns:
        return {}
    parent_id = ids.read_hex16(span.parent_span_id)
    of = span.attributes
    attributes = {
        **resource,
        **of,
        "sentry.replay_id": of.get("sentry.replay_id") or of.get("sentry-replay_id"),
        "sentry.op": of.get("sentry.op") or _op(span),
        "sentry.origin": "auto.otlp",
        "sentry.release": name_release(resource),
        "sentry.environment": read_environment(resource),
        "sentry.sdk.name": f"opentelemetry.{resource.get('telemetry.sdk.language') or 'unknown'}",
        "otel.scope.name": scoped.scope or None,
        "otel.kind": _KIND_WORDS[span.kind] if span.kind < len(_KIND_WORDS) else None,
        "otel.status_message": span.status_message or None,
    }
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent_id,
        "name": _description(span),
        "status": "error" if span.status == _ERROR else "ok",
        "is_segment": _is_segment(span, parent_id),
        "start_timestamp": span.start_ns / _NS_A_SECOND,
        "end_timestamp": span.end_ns / _NS_A_SECOND,
        "attributes": {name: {"value": one} for name, one in attributes.items() if one is not None},
        "links": span.links,
    }


def _op(span: OtlpSpan) -> str:
    """Name the operation as SDKs do, by what the span says of itself."""
    has = span.attributes.keys()
    kind = _KIND_WORDS[span.kind] if span.kind < len(_KIND_WORDS) else ""
    if has & {"http.request.method", "http.method"}:
        return "http.server" if span.kind == _SERVER else "http.client"
    if has & {"db.system", "db.system.name"}:
        return "db"
    if has & {"messaging.system"}:
        return "queue.process" if kind == "consumer" else "queue.publish"
    if has & {"rpc.system", "rpc.system.name"}:
        return f"rpc.{kind}" if kind in ("server", "client") else "rpc"
    return "function" if kind in ("internal", "") else kind


def _description(span: OtlpSpan) -> str:
    """Say what was done: a query's text and a request's address tell more than a span's name."""
    of = span.attributes
    query = of.get("db.query.text") or of.get("db.statement")
    address = of.get("url.full") or of.get("http.url")
    method = of.get("http.request.method") or of.get("http.method")
    if query:
        return str(query)
    if address and method and span.kind != _SERVER:
        return f"{method} {address}"
    return span.name or "unnamed"


def _is_segment(span: OtlpSpan, parent_id: str | None) -> bool:
    """Tell whether the span is the first of its service in the trace."""
    if parent_id is None:
        return True
    if span.flags & _REMOTE_KNOWN:
        return bool(span.flags & _IS_REMOTE)
    return _KIND_WORDS[span.kind] in ("server", "consumer") if span.kind in range(6) else False


def _containers(spans: list[bytes]) -> Iterator[EnvelopeItem]:
    """Lay spans into as many containers as their limits ask for."""
    part: list[bytes] = []
    size_bytes = 0
    for span in spans:
        if part and (len(part) >= LIMITS.spans or size_bytes + len(span) > _CONTAINER_BYTES):
            yield _container(part)
            part, size_bytes = [], 0
        part.append(span)
        size_bytes += len(span)
    if part:
        yield _container(part)


def _container(spans: list[bytes]) -> EnvelopeItem:
    payload = memoryview(b'{"items":[' + b",".join(spans) + b"]}")
    return EnvelopeItem("span", payload, content_type=SPANS_V2, item_count=len(spans))
