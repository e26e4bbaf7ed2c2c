"""OTLP requests in both forms, made with OpenTelemetry's own protobuf classes."""

import json
from typing import Any, Final

from google.protobuf.json_format import (  # type: ignore[import-untyped]  # no stubs in the wheel
    MessageToDict,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE_ID: Final = "0af76519b9174b2d8c6e4f1029384756"
_FIELDS: Final = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
    str: "string_value",
}
STARTED_NS: Final = 1_786_000_000_000_000_000
JAVA_STACK: Final = (
    "java.lang.IllegalStateException: card declined\n"
    "\tat net.shop.Cart.charge(Cart.java:12)\n"
    "\tat org.springframework.web.Servlet.service(Servlet.java:99)\n"
    "Caused by: java.io.IOException: reset\n"
    "\tat net.shop.Bank.call(Bank.java:7)\n"
)


def any_value(value: Any) -> AnyValue:
    """Wrap a plain value."""
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(member) for member in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
    return AnyValue(**{_FIELDS[type(value)]: value})


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    """Wrap plain attributes."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def span(number: int = 1, **changes: Any) -> Span:
    """Make one server span of a quarter of a second; `attributes` is a plain mapping."""
    values: dict[str, Any] = {
        "trace_id": bytes.fromhex(TRACE_ID),
        "span_id": number.to_bytes(8, "big"),
        "name": "GET /cart",
        "kind": Span.SPAN_KIND_SERVER,
        "start_time_unix_nano": STARTED_NS,
        "end_time_unix_nano": STARTED_NS + 250_000_000,
        **changes,
    }
    if "attributes" in values:
        values["attributes"] = pairs(values["attributes"])
    return Span(**values)


def exception(
    error_type: str, message: str, stack: str = "", at_ns: int = STARTED_NS
) -> Span.Event:
    """Make the event that records an exception on a span."""
    of = {
        "exception.type": error_type,
        "exception.message": message,
        "exception.stacktrace": stack,
    }
    return Span.Event(name="exception", time_unix_nano=at_ns, attributes=pairs(of))


def request(*spans: Span, resource: dict[str, Any] | None = None) -> ExportTraceServiceRequest:
    """Put spans of one service into a request."""
    export = ExportTraceServiceRequest()
    of_resource = export.resource_spans.add()
    named = {"service.name": "shop-api", "service.version": "2.9.1"}
    of_resource.resource.attributes.extend(pairs(named if resource is None else resource))
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "shop.web"
    of_scope.spans.extend(spans)
    return export


def as_json(export: ExportTraceServiceRequest) -> bytes:
    """Write a request in OTLP's JSON: as protobuf's, but ids are hex and enums are numbers."""
    tree = MessageToDict(export, use_integers_for_enums=True)
    for of_resource, plain in zip(export.resource_spans, tree["resourceSpans"], strict=True):
        for of_scope, plain_scope in zip(of_resource.scope_spans, plain["scopeSpans"], strict=True):
            for span, plain_span in zip(of_scope.spans, plain_scope.get("spans", []), strict=True):
                _write_ids(span, plain_span)
                for link, plain_link in zip(span.links, plain_span.get("links", []), strict=True):
                    _write_ids(link, plain_link)
    return json.dumps(tree).encode()


def _write_ids(message: Any, plain: dict[str, Any]) -> None:
    for name, key in (("trace_id", "traceId"), ("span_id", "spanId")):
        plain[key] = getattr(message, name).hex()
    if getattr(message, "parent_span_id", b""):
        plain["parentSpanId"] = message.parent_span_id.hex()
