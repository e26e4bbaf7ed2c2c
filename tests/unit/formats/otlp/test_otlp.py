"""OTLP traces: both forms come out as what SDKs would have sent, and any bytes at all."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import event
from app.formats.otlp import export_request, protobuf_body
from app.formats.spans import span as spans
from app.formats.wire.envelope import Envelope, EnvelopeHeader, EnvelopeItem
from tests.support.builders import otlp as made
from tests.support.examples import SETTINGS, mutated

FULL = made.request(
    made.span(
        1,
        attributes={
            "http.request.method": "GET",
            "http.route": "/cart",
            "n": 3,
            "deep": {"a": [1]},
        },
        events=[made.exception("java.lang.IllegalStateException", "no card", made.JAVA_STACK)],
    ),
    made.span(
        2,
        parent_span_id=(1).to_bytes(8, "big"),
        name="select",
        kind=Span.SPAN_KIND_CLIENT,
        attributes={"db.system": "postgresql", "db.query.text": "select 1", "ok": True, "f": 0.5},
        status=Status(code=Status.STATUS_CODE_ERROR, message="timed out"),
        links=[Span.Link(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)],
    ),
    resource={
        "service.name": "shop-api",
        "service.version": "2.9.1",
        "deployment.environment.name": "qa",
        "telemetry.sdk.language": "java",
    },
)


def wrapped(request: Any, *, is_json: bool = False) -> Envelope:
    """Read a request in one of its forms."""
    body = made.as_json(request) if is_json else request.SerializeToString()
    return export_request.read_export_request(body, is_json=is_json)


def read_container(item: EnvelopeItem) -> spans.SpanContainer:
    """Read the spans of an item."""
    raw = jsonish.decode_object(item.payload, "span container")
    return spans.read_span_container(raw, EnvelopeHeader())


def read_spans(envelope: Envelope) -> list[spans.Span]:
    """Read the spans as digest does."""
    return [
        span
        for item in envelope.items
        if item.type == "span"
        for span in read_container(item).spans
    ]


@pytest.mark.parametrize("is_json", [False, True])
def test_spans_come_out_as_streamed_ones(is_json):
    """Every fact is the same in both forms."""
    server, query = read_spans(wrapped(FULL, is_json=is_json))
    assert (server.trace_id, server.span_id) == (made.TRACE_ID, "0000000000000001")
    assert (server.op, server.description, server.status) == ("http.server", "GET /cart", "ok")
    assert (server.service, server.release, server.environment) == (
        "shop-api", "shop-api@2.9.1", "qa",
    )  # fmt: skip
    assert server.is_segment
    assert server.ended_at is not None
    assert (server.ended_at - server.started_at).total_seconds() == 0.25
    assert (server.data["n"], server.data["deep"]) == (3, {"a": [1]})
    assert (query.op, query.description, query.status) == ("db", "select 1", "error")
    assert (query.parent_span_id, query.is_segment) == ("0000000000000001", False)
    assert (query.data["ok"], query.data["f"], query.data["otel.status_message"]) == (
        True, 0.5, "timed out",
    )  # fmt: skip
    assert query.data["links"] == [{"trace_id": "01" * 16, "span_id": "02" * 8}]


def test_both_forms_give_the_same_items():
    """The items are the same byte for byte."""
    binary_envelope, json_envelope = wrapped(FULL), wrapped(FULL, is_json=True)
    assert [bytes(item.payload) for item in binary_envelope.items] == [
        bytes(item.payload) for item in json_envelope.items
    ]


def test_a_recorded_exception_is_an_event_of_its_span():
    """The event has the frames of the exception that was thrown, with the app's own marked."""
    item = next(item for item in wrapped(FULL).items if item.type == "event")
    raw = event.decode_event(item.payload, "event")
    decoded_event, problem = event.read_event(raw, EnvelopeHeader()), event.read_problem(raw)
    assert problem.exception_type == "java.lang.IllegalStateException"
    assert (decoded_event.platform, decoded_event.release, decoded_event.environment) == (
        "java",
        "shop-api@2.9.1",
        "qa",
    )
    assert (decoded_event.trace_id, decoded_event.span_id) == (made.TRACE_ID, "0000000000000001")
    frames = raw["exception"]["values"][0]["stacktrace"]["frames"]
    assert [(frame["function"], frame["in_app"]) for frame in frames] == [
        ("service", False), ("charge", True),
    ]  # fmt: skip
    assert problem.culprit == "/cart"


def test_an_exception_on_its_way_out_is_one_event():
    """The innermost record counts, wherever it stands in the request."""
    inner = made.exception("ValueError", "no card", at_ns=made.STARTED_NS)
    outer = made.exception("ValueError", "no card", at_ns=made.STARTED_NS + 1_000_000)
    request = made.request(made.span(1, events=[outer]), made.span(2, events=[inner]))
    (item,) = [item for item in wrapped(request).items if item.type == "event"]
    assert json.loads(bytes(item.payload))["contexts"]["trace"]["span_id"] == "0000000000000002"


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": b""},
        {"trace_id": bytes(16)},
        {"span_id": b"\x01"},
        {"start_time_unix_nano": 0},
        {"end_time_unix_nano": made.STARTED_NS - 1},
    ],
)
def test_a_span_without_id_or_time_is_counted(change):
    """Such a span stays in its container, where it is counted as refused."""
    envelope = wrapped(made.request(made.span(1), made.span(2, **change)))
    assert envelope.left_out == 1
    (item,) = envelope.items
    assert read_container(item).skipped == 1


@pytest.mark.parametrize(
    ("kind", "attributes", "op"),
    [
        (Span.SPAN_KIND_CLIENT, {"http.method": "GET"}, "http.client"),
        (Span.SPAN_KIND_PRODUCER, {"messaging.system": "kafka"}, "queue.publish"),
        (Span.SPAN_KIND_CONSUMER, {"messaging.system": "kafka"}, "queue.process"),
        (Span.SPAN_KIND_SERVER, {"rpc.system": "grpc"}, "rpc.server"),
        (Span.SPAN_KIND_INTERNAL, {}, "function"),
        (Span.SPAN_KIND_SERVER, {}, "server"),
    ],
)
def test_the_operation_has_the_name_that_sdks_give_it(kind, attributes, op):
    """The attributes of the span decide it."""
    (span,) = read_spans(wrapped(made.request(made.span(kind=kind, attributes=attributes))))
    assert span.op == op


@pytest.mark.parametrize(
    ("flags", "kind", "is_segment"),
    [
        (0x300, Span.SPAN_KIND_INTERNAL, True),
        (0x100, Span.SPAN_KIND_SERVER, False),
        (0, Span.SPAN_KIND_SERVER, True),
        (0, Span.SPAN_KIND_CLIENT, False),
    ],
)
def test_the_first_span_of_a_service_is_recognised(flags, kind, is_segment):
    """The flags decide, or else the kind of the span."""
    request = made.request(made.span(flags=flags, kind=kind, parent_span_id=b"\x09" * 8))
    (span,) = read_spans(wrapped(request))
    assert span.is_segment is is_segment


@pytest.mark.parametrize("name", ["sentry.replay_id", "sentry-replay_id"])
def test_a_replay_id_that_was_passed_on_links_the_span(name):
    """The replay id may be in an attribute of Sentry's name or of that in baggage."""
    (span,) = read_spans(wrapped(made.request(made.span(attributes={name: "b" * 32}))))
    assert span.replay_id == "b" * 32


def test_many_spans_fill_several_containers():
    """Each is as large as an SDK may send it."""
    request = made.request(*(made.span(number + 1) for number in range(LIMITS.spans + 1)))
    envelope = wrapped(request)
    assert [item.item_count for item in envelope.items] == [LIMITS.spans, 1]
    assert len(read_spans(envelope)) == LIMITS.spans + 1


def test_spans_and_bytes_are_limited():
    """Too many spans are refused in a body of two bytes each, and so is too large a body."""
    empty = b"\x12\x00" * (LIMITS.otlp_spans + 1)
    scope = b"\x12" + varint(len(empty)) + empty
    with pytest.raises(OversizedInput, match="more than 20000 spans"):
        export_request.read_export_request(b"\x0a" + varint(len(scope)) + scope, is_json=False)
    with pytest.raises(OversizedInput, match="bytes"):
        export_request.read_export_request(bytes(LIMITS.otlp_bytes + 1), is_json=False)


def test_fields_are_limited(monkeypatch):
    """The most fields are read, and one more is refused. Two million would take seconds here."""
    most = 100
    assert most < LIMITS.otlp_fields
    monkeypatch.setattr(protobuf_body, "LIMITS", replace(LIMITS, otlp_fields=most))
    number = b"\x10\x01"
    assert list(protobuf_body.read_protobuf_body(number * most)) == []
    with pytest.raises(OversizedInput, match="more than 100 fields"):
        list(protobuf_body.read_protobuf_body(number * (most + 1)))


def test_levels_of_values_are_limited():
    """Deeper values are left out in both forms."""
    deep: Any = "bottom"
    for _ in range(40):
        deep = [deep]
    request = made.request(made.span(attributes={"deep": deep}))
    (span,) = read_spans(wrapped(request))
    assert span.data["deep"] == [[[[[[None]]]]]]


def part(number: int, data: bytes) -> bytes:
    """Write one field that is text, bytes or a message."""
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def around(span: bytes, resource: bytes = b"") -> bytes:
    """Put the bytes of a span and of a resource into a request."""
    return part(1, part(1, resource) + part(2, part(2, span)))


def test_deeper_values_than_the_library_reads_are_left_out():
    """A span is not lost for one of its attributes."""
    value = part(1, b"bottom")
    for _ in range(500):
        value = part(5, part(1, value))
    deep = part(9, part(1, b"deep") + part(2, value))
    (span,) = read_spans(
        export_request.read_export_request(
            around(made.span().SerializeToString() + deep), is_json=False
        )
    )
    assert span.data["deep"] == [[[[[[None]]]]]]


def test_text_that_is_not_utf8_is_mended():
    """Bad UTF-8 in names, attributes, events or the resource leaves the rest unchanged."""
    sent = made.request(
        made.span(
            name="GET /caf~",
            attributes={"http.route": "/caf~", "n": -3, "f": 0.5, "deep": {"caf~": ["~", True]}},
            events=[made.exception("E", "no caf~", made.JAVA_STACK)],
            flags=0x300,
        ),
        resource={"service.name": "caf~", "service.version": "1"},
    )
    envelope = export_request.read_export_request(
        sent.SerializeToString().replace(b"~", b"\xe9"), is_json=False
    )
    mended = sent.FromString(sent.SerializeToString())
    other = export_request.read_export_request(
        made.as_json(mended).replace(b"~", "\ufffd".encode()), is_json=True
    )
    assert [bytes(item.payload) for item in envelope.items] == [
        bytes(item.payload) for item in other.items
    ]
    (span,) = read_spans(envelope)
    assert (span.data["http.route"], span.service) == ("/caf\ufffd", "caf\ufffd")


def filled(data: bytes, size_bytes: int) -> bytes:
    """Make a message as long as that with a field that nobody knows."""
    padded = data + part(14, b"x" * (size_bytes - len(data) - 4))
    assert len(padded) == size_bytes
    return padded


def test_a_span_is_read_up_to_its_limit():
    """A larger one is counted as one that cannot be kept, and the next one is read."""
    good = made.span().SerializeToString()
    fits = around(filled(good, LIMITS.otlp_span_bytes))
    assert export_request.read_export_request(fits, is_json=False).left_out == 0
    past = around(filled(good, LIMITS.otlp_span_bytes + 1))
    envelope = export_request.read_export_request(past + around(good), is_json=False)
    assert (envelope.left_out, len(read_spans(envelope))) == (1, 1)


def test_a_resource_is_read_up_to_its_limit():
    """A request with a larger resource is refused, since every span would carry it."""
    good = made.span().SerializeToString()
    fits = filled(b"", LIMITS.otlp_span_bytes)
    assert (
        len(read_spans(export_request.read_export_request(around(good, fits), is_json=False))) == 1
    )
    with pytest.raises(OversizedInput, match="Resource has 1048577 bytes"):
        export_request.read_export_request(around(good, fits + b"\x00"), is_json=False)


@given(st.binary(max_size=300))
@SETTINGS
def test_any_bytes_give_an_envelope_or_a_refusal(data):
    """This holds for both forms."""
    for is_json in (False, True):
        try:
            export_request.read_export_request(data, is_json=is_json)
        except RequestRefused:
            continue


@given(mutated([FULL.SerializeToString()]))
@SETTINGS
def test_a_damaged_request_gives_an_envelope_or_is_malformed(data):
    """Digest can read what comes out."""
    try:
        envelope = export_request.read_export_request(data, is_json=False)
    except MalformedInput:
        return
    for item in envelope.items:
        if item.type == "span":
            read_container(item)
        else:
            event.read_event(event.decode_event(item.payload, "event"), EnvelopeHeader())


def varint(value: int) -> bytes:
    """Write a number of seven bits a byte."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
