"""Turns an OTLP request for traces into the items that Sentry's SDKs would have sent.

    spans                              → `span` items of streamed spans (v2)
    events of spans named `exception`  → `event` items

Scrubbing, limits, outcomes, storing and grouping are therefore the same for both protocols.

The attributes of a resource are copied to each of its spans: `service.name` is the service,
`service.name@service.version` the release, `deployment.environment.name` the environment. A service
that passes a replay id on does so in the attribute `sentry.replay_id`, or in `sentry-replay_id`,
which is its name in baggage.

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
    """Read a request into an envelope.

    Args:
        body: The body without its Content-Encoding.
        is_json: True for the JSON form, False for protobuf.

    Returns:
        An envelope that holds all spans, also those without an id or a time: they become outcomes.
        `left_out` counts them.

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
    read_body = json_body.read_json_body if is_json else protobuf_body.read_protobuf_body
    for scoped in read_body(body):
        if len(spans) >= LIMITS.otlp_spans:
            raise OversizedInput(f"OTLP request has more than {LIMITS.otlp_spans} spans")
        item = _write_span(scoped)
        left_out += not item
        spans.append(msgspec.json.encode(item))
        made_bytes = _add_bytes(made_bytes, spans[-1])
        if not item:
            continue
        release = name_release(scoped.resource)
        for event in exception_events.write_exception_events(scoped, release):
            encoded = msgspec.json.encode(event)
            made_bytes = _add_bytes(made_bytes, encoded)
            # Every span that an exception leaves records it. Keep the first record.
            earlier = errors.get(event["event_id"])
            if earlier is None or event["timestamp"] < earlier[0]:
                errors[event["event_id"]] = event["timestamp"], encoded
    events = (EnvelopeItem("event", memoryview(encoded)) for _, encoded in errors.values())
    items = (*_pack_containers(spans), *events)
    return Envelope(EnvelopeHeader(), items, left_out=left_out, made_bytes=made_bytes)


def _add_bytes(made_bytes: int, encoded: bytes) -> int:
    """Return the bytes of all items so far, which may be many times those of the body.

    A small body may have a large resource, which is copied to each of many spans.

    Raises:
        OversizedInput: They are over `LIMITS.otlp_made_bytes`.
    """
    made_bytes += len(encoded)
    if made_bytes > LIMITS.otlp_made_bytes:
        raise OversizedInput(
            "OTLP request repeats too large a resource with every span: "
            f"{LIMITS.otlp_made_bytes} bytes of spans and errors are allowed"
        )
    return made_bytes


def name_release(resource: JsonObject) -> str | None:
    """Name the release of a service in the form of mobile releases: `shop-api@2.9.1`."""
    version = resource.get("service.version")
    name = resource.get("service.name")
    return f"{name}@{version}" if name and version else version or None


def read_environment(resource: JsonObject) -> str | None:
    """Read the environment from its attribute, or from the one that older versions write."""
    environment = resource.get("deployment.environment.name")
    return environment or resource.get("deployment.environment") or None


def _write_span(scoped: ScopedSpan) -> JsonObject:
    """Write a span as SDKs stream it, or an empty object if it lacks an id or a time."""
    span, resource = scoped.span, scoped.resource
    trace_id, span_id = ids.read_hex32(span.trace_id), ids.read_hex16(span.span_id)
    if trace_id is None or span_id is None or not 0 < span.start_ns <= span.end_ns:
        return {}
    parent_id = ids.read_hex16(span.parent_span_id)
    own = span.attributes
    attributes = {
        **resource,
        **own,
        "sentry.replay_id": own.get("sentry.replay_id") or own.get("sentry-replay_id"),
        "sentry.op": own.get("sentry.op") or _name_operation(span),
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
        "name": _describe_span(span),
        "status": "error" if span.status == _ERROR else "ok",
        "is_segment": _is_segment(span, parent_id),
        "start_timestamp": span.start_ns / _NS_A_SECOND,
        "end_timestamp": span.end_ns / _NS_A_SECOND,
        "attributes": {
            name: {"value": value} for name, value in attributes.items() if value is not None
        },
        "links": span.links,
    }


def _name_operation(span: OtlpSpan) -> str:
    """Name the operation as SDKs do, by the attributes of the span."""
    names = span.attributes.keys()
    kind = _KIND_WORDS[span.kind] if span.kind < len(_KIND_WORDS) else ""
    if names & {"http.request.method", "http.method"}:
        return "http.server" if span.kind == _SERVER else "http.client"
    if names & {"db.system", "db.system.name"}:
        return "db"
    if names & {"messaging.system"}:
        return "queue.process" if kind == "consumer" else "queue.publish"
    if names & {"rpc.system", "rpc.system.name"}:
        return f"rpc.{kind}" if kind in ("server", "client") else "rpc"
    return "function" if kind in ("internal", "") else kind


def _describe_span(span: OtlpSpan) -> str:
    """Describe a span by its query or its request, which tell more than its name."""
    attributes = span.attributes
    query = attributes.get("db.query.text") or attributes.get("db.statement")
    address = attributes.get("url.full") or attributes.get("http.url")
    method = attributes.get("http.request.method") or attributes.get("http.method")
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


def _pack_containers(spans: list[bytes]) -> Iterator[EnvelopeItem]:
    """Put the spans into as few containers as their limits allow."""
    part: list[bytes] = []
    size_bytes = 0
    for span in spans:
        if part and (len(part) >= LIMITS.spans or size_bytes + len(span) > _CONTAINER_BYTES):
            yield _pack_container(part)
            part, size_bytes = [], 0
        part.append(span)
        size_bytes += len(span)
    if part:
        yield _pack_container(part)


def _pack_container(spans: list[bytes]) -> EnvelopeItem:
    payload = memoryview(b'{"items":[' + b",".join(spans) + b"]}")
    return EnvelopeItem("span", payload, content_type=SPANS_V2, item_count=len(spans))
