"""Spans: alone and streamed, and any shape at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.spans import span as spans
from app.formats.wire.envelope import EnvelopeHeader, TraceHeader
from tests.support.builders.payloads import span
from tests.support.builders.wire import (
    MISSING,
    REPLAY_ID,
    SPAN_ID,
    STARTED_MS,
    TRACE_ID,
    changed,
    compact,
)
from tests.support.examples import JSON_VALUES, SETTINGS, mutated, with_changed_member
from tests.support.recorded import contents, samples

NOTHING = EnvelopeHeader()
OTHER_ID = "c" * 32
STARTED_AT = datetime(2026, 8, 6, 7, 6, 40, tzinfo=UTC)
V1 = span("ui.webvital.lcp", "main > img", STARTED_MS)
V2 = {
    "trace_id": TRACE_ID,
    "span_id": "7f3c2a1b5d6e8f91",
    "parent_span_id": SPAN_ID,
    "name": "GET /v1/cart",
    "status": "ok",
    "is_segment": False,
    "start_timestamp": STARTED_MS / 1000,
    "end_timestamp": STARTED_MS / 1000 + 0.25,
    "attributes": {
        "sentry.op": {"type": "string", "value": "http.server"},
        "sentry.origin": {"type": "string", "value": "auto.http"},
        "sentry.release": {"type": "string", "value": "api@2.9.1"},
        "sentry.environment": {"type": "string", "value": "qa"},
        "sentry.segment.name": {"type": "string", "value": "cart"},
        "sentry.sdk.name": {"type": "string", "value": "sentry.python"},
        "sentry.replay_id": {"type": "string", "value": REPLAY_ID},
        "service.name": {"type": "string", "value": "api"},
        "http.response.status_code": {"type": "integer", "value": 200},
    },
}


def decode_lone_span(data: bytes, header: EnvelopeHeader = NOTHING) -> spans.Span:
    """Decode and read a lone span."""
    spans.check_span_size(data)
    return spans.read_lone_span(jsonish.decode_object(data, "span"), header)


def decode_container(
    data: bytes | memoryview, header: EnvelopeHeader = NOTHING
) -> spans.SpanContainer:
    """Decode and read a container of streamed spans."""
    return spans.read_span_container(jsonish.decode_object(data, "span container"), header)


def read_v1(header: EnvelopeHeader = NOTHING, **changes: Any) -> spans.Span:
    """Read a lone span with some members changed."""
    return decode_lone_span(compact(changed(V1, changes)), header)


def read_v2(header: EnvelopeHeader = NOTHING, **changes: Any) -> spans.Span:
    """Read a container of one span with some members changed."""
    (streamed,) = decode_container(compact({"items": [changed(V2, changes)]}), header).spans
    return streamed


def test_a_lone_span_is_read():
    """Every fact of it is read."""
    span = read_v1(
        data={"url": "/a", "service.name": "shop", "sentry.sdk.name": "sentry.x"},
        tags={"url": "/tag", "plan": "pro"},
        measurements={"lcp": {"value": 4}},
    )
    assert (span.trace_id, span.parent_span_id) == (TRACE_ID, SPAN_ID)
    assert (span.op, span.description) == ("ui.webvital.lcp", "main > img")
    assert (span.status, span.origin) == ("ok", "manual")
    assert (span.started_at, span.ended_at) == (
        STARTED_AT,
        STARTED_AT + timedelta(milliseconds=80),
    )
    assert (span.is_segment, span.segment_name) == (False, None)
    assert (span.service, span.sdk_name) == ("shop", "sentry.x")
    assert span.data["url"] == "/a"
    assert span.data["plan"] == "pro"
    assert span.data["measurements"] == {"lcp": {"value": 4}}


def test_a_lone_segment_names_itself():
    """The description of a lone span names its segment."""
    assert read_v1(is_segment=True).segment_name == "main > img"


def test_the_envelope_stands_in_for_a_lone_span():
    """Trace, replay and SDK that a lone span does not name come from its envelope."""
    header = EnvelopeHeader(
        sdk_name="sentry.y", trace=TraceHeader(trace_id=OTHER_ID, replay_id=REPLAY_ID)
    )
    span = read_v1(header, trace_id=MISSING)
    assert (span.trace_id, span.replay_id, span.sdk_name) == (OTHER_ID, REPLAY_ID, "sentry.y")


@pytest.mark.parametrize(
    "changes", [{"trace_id": "x"}, {"span_id": "0" * 16}, {"start_timestamp": "1e400"}]
)
def test_a_span_needs_ids_and_a_start(changes):
    """A lone span without ids or a start is refused, and one in a container is left out."""
    with pytest.raises(MalformedInput, match="span lacks an id or a start"):
        read_v1(**changes)
    container = decode_container(compact({"items": [V2 | changes]}))
    assert (container.spans, container.skipped) == ((), 1)


@pytest.mark.parametrize(("read", "end"), [(read_v1, "timestamp"), (read_v2, "end_timestamp")])
def test_a_span_never_ends_before_it_starts(read, end):
    """An end before the start becomes the start; a span without an end is not finished."""
    assert read(**{end: STARTED_MS / 1000 - 5}).ended_at == STARTED_AT
    assert read(**{end: None}).ended_at is None
    assert read(**{end: "2026-08-06T07:06:41Z"}).ended_at == STARTED_AT + timedelta(seconds=1)


@pytest.mark.parametrize(("read", "source"), [(read_v1, V1), (read_v2, V2)])
def test_a_span_is_never_its_own_parent(read, source):
    """A span that names itself as parent has none."""
    assert read(parent_span_id=source["span_id"]).parent_span_id is None


def test_a_streamed_span_is_read():
    """Typed attributes of a streamed span become plain values."""
    span = read_v2()
    assert (span.op, span.description, span.status) == ("http.server", "GET /v1/cart", "ok")
    assert (span.started_at, span.ended_at) == (
        STARTED_AT,
        STARTED_AT + timedelta(milliseconds=250),
    )
    assert (span.origin, span.service) == ("auto.http", "api")
    assert (span.is_segment, span.segment_name) == (False, "cart")
    assert (span.release, span.environment) == ("api@2.9.1", "qa")
    assert (span.replay_id, span.sdk_name) == (REPLAY_ID, "sentry.python")
    assert span.data["http.response.status_code"] == 200
    assert "links" not in span.data


def test_the_envelope_stands_in_for_a_streamed_span():
    """Replay and SDK come from the envelope; bare attributes are read, and links are kept."""
    header = EnvelopeHeader(sdk_name="sentry.y", trace=TraceHeader(replay_id=OTHER_ID))
    span = read_v2(header, attributes={"sentry.op": "db"}, links=[{"span_id": SPAN_ID}])
    assert (span.op, span.replay_id, span.sdk_name) == ("db", OTHER_ID, "sentry.y")
    assert span.data["links"] == [{"span_id": SPAN_ID}]


@pytest.mark.parametrize(
    ("changes", "is_segment"),
    [
        ({"is_segment": True}, True),
        ({"is_segment": MISSING, "is_remote": True}, True),
        ({"is_segment": MISSING, "is_remote": False, "parent_span_id": None}, False),
        ({"is_segment": MISSING, "parent_span_id": None}, True),
        ({"is_segment": MISSING}, False),
    ],
)
def test_segments_of_every_draft_are_recognised(changes, is_segment):
    """`is_segment` decides, then `is_remote`, and then whether there is a parent."""
    span = read_v2(**changes, attributes={})
    assert span.is_segment is is_segment
    assert span.segment_name == ("GET /v1/cart" if is_segment else None)


def test_a_bad_span_is_left_out_and_counted():
    """The others of its container are read."""
    container = decode_container(compact({"items": [V2, 7, None, {}, V2 | {"span_id": 5}, V2]}))
    assert (len(container.spans), container.skipped) == (2, 4)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"items":{}}', b'{"items":null}', b"x"])
def test_a_container_needs_items(data):
    """Anything else is refused."""
    with pytest.raises(MalformedInput):
        decode_container(data)


def test_spans_of_a_container_are_limited():
    """1,000 spans are read, and one more is refused."""
    most = decode_container(compact({"items": [V2] * LIMITS.spans}))
    assert len(most.spans) == LIMITS.spans
    with pytest.raises(OversizedInput, match="1001 spans"):
        decode_container(compact({"items": [V2] * (LIMITS.spans + 1)}))


def test_a_lone_span_is_limited():
    """The largest lone span is read, and one byte more is refused."""
    assert decode_lone_span(compact(V1).ljust(LIMITS.event_bytes)).op == V1["op"]
    with pytest.raises(OversizedInput, match="span has 1048577 bytes"):
        decode_lone_span(compact(V1).ljust(LIMITS.event_bytes + 1))


@pytest.mark.parametrize("family", samples.families())
def test_recorded_spans_are_read(family):
    """Every streamed span of every SDK has op, name and times."""
    for request in contents.requests(family):
        envelope = contents.envelope_of(request)
        for item in envelope.items:
            if item.type == "span":
                container = decode_container(item.payload, envelope.header)
                assert (len(container.spans), container.skipped) == (item.item_count, 0)
                for span in container.spans:
                    assert span.op
                    assert span.description
                    assert span.ended_at is not None
                    assert span.segment_name
                    assert span.release
                    assert span.replay_id == envelope.header.trace.replay_id


@SETTINGS
@given(with_changed_member(V1), with_changed_member(V2), JSON_VALUES)
def test_spans_of_any_shape_are_read_or_refused(lone, streamed, anything):
    """A span is read or refused, and a container always read."""
    attributes = streamed | {"attributes": {"sentry.op": anything, "sentry.replay_id": anything}}
    container = decode_container(compact({"items": [streamed, attributes, anything]}))
    assert len(container.spans) + container.skipped == 3
    for source in (lone, lone | {"data": anything, "tags": anything}):
        try:
            read = decode_lone_span(compact(source))
        except (MalformedInput, OversizedInput):
            continue
        assert read.ended_at is None or read.ended_at >= read.started_at


@SETTINGS
@given(st.binary(max_size=60) | mutated([compact(V1), compact({"items": [V2, V2]})]))
def test_any_bytes_are_read_or_refused(data):
    """A reader returns a value or refuses the bytes."""
    for read in (decode_lone_span, decode_container):
        try:
            read(data)
        except (MalformedInput, OversizedInput):
            continue
