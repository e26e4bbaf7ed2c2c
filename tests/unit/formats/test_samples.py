"""Every reader of this room on recorded traffic: what real SDKs sent, and what attackers might."""

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.core.errors import AuthenticationFailed, MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.replay import activity, recording, replay_event, replay_video
from app.formats.wire import credentials, encoding, envelope, store_body
from tests.support.recorded import samples

MIB = 1024 * 1024
REFUSALS = (MalformedInput, OversizedInput, AuthenticationFailed)
"""All that may escape the readers."""

FRAMED_OTHERWISE = {"feedback", "attachment", "profile_chunk", "sessions"}
"""Not looked into here beyond their size."""


@dataclass
class Segment:
    """The values that the readers return for one replay_video item."""

    parts: replay_video.ReplayVideoParts
    event: replay_event.ReplayEvent
    events: list[jsonish.JsonObject] = field(default_factory=list)
    fault: str | None = None
    """Why the recording cannot be read."""

    @property
    def extent_ms(self) -> tuple[int, int] | None:
        facts = recording.read_declared_video(self.events)
        return recording.find_segment_extent_ms(
            facts, started_ms=self.event.started_ms, ended_ms=self.event.ended_ms
        )


def _split(request: samples.Request) -> envelope.Envelope:
    body = encoding.inflate(
        request.body, request.header("content-encoding"), limit_bytes=LIMITS.inflated_bytes
    )
    if "/store" in request.path:
        return store_body.wrap_store(bytes(body))
    return envelope.split_envelope(body)


def _segment(payload: memoryview) -> Segment:
    parts = replay_video.split_replay_video(payload)
    segment = Segment(
        parts, replay_event.read_replay_event(replay_event.decode_replay_event(parts.event))
    )
    if parts.recording is not None:
        try:
            segment.events = recording.read_recording(parts.recording).events
        except REFUSALS as refused:
            segment.fault = str(refused)
    return segment


def _segments(opened: envelope.Envelope) -> Iterator[Segment]:
    for item in opened.items:
        if item.type == "replay_video":
            yield _segment(item.payload)


# Good traffic


@pytest.mark.parametrize("family", samples.families())
def test_every_item_that_was_sent_is_found(family):
    """Types in their order, nothing damaged, and credentials of the right form."""
    for request in samples.requests(family):
        opened = _split(request)
        assert opened.damage is None, request.name
        wanted = [each["type"] for each in request.expect["items"]]
        assert [item.type for item in opened.items] == wanted, request.name
        sender = credentials.read_credentials(
            auth_headers=request.all_of("x-sentry-auth") + request.all_of("authorization"),
            query=request.query,
        )
        assert sender is not None, request.name
        assert sender.version <= 7


@pytest.mark.parametrize("family", samples.families())
def test_every_mobile_segment_is_read_as_expected(family):
    """Ids, times, screens, user, notes, touches and requests are those the samples list."""
    for request in samples.requests(family):
        wanted = [each for each in request.expect["items"] if each["type"] == "replay_video"]
        for segment, expected in zip(_segments(_split(request)), wanted, strict=True):
            assert _account(segment) == _expected_account(expected), request.name
            assert set(segment.event.trace_ids) >= set(expected["trace_ids"] or ()), request.name
            assert _happenings(segment) == _expected_happenings(expected), request.name


def _account(segment: Segment) -> dict[str, Any]:
    event, facts = segment.event, recording.read_declared_video(segment.events)
    assert facts is not None
    return {
        "replay_id": event.replay_id,
        "segment_id": event.segment_id,
        "replay_type": event.replay_type,
        "extent_ms": segment.extent_ms,
        "declared_ms": facts.duration_ms,
        "size": recording.read_screen_size_px(segment.events),
        "video": None if segment.parts.video is None else len(segment.parts.video),
        "urls": set(event.screens),
        "platform": event.facts.platform,
        "sdk": event.facts.sdk_name,
        "release": event.facts.release,
        "environment": event.facts.environment,
        "user": event.facts.user.id,
    }


def _expected_account(expected: dict[str, Any]) -> dict[str, Any]:
    video = expected["video"]
    same = ("replay_id", "segment_id", "replay_type", "platform", "sdk", "release", "environment")
    return {
        **{name: expected[name] for name in (*same, "user")},
        "extent_ms": (expected["starts_ms"], expected["ends_ms"]),
        "declared_ms": expected["declared"]["duration_ms"],
        "size": tuple(expected["meta_size"]),
        "video": video and video["bytes"],
        "urls": set(expected["urls"]),
    }


def _happenings(segment: Segment) -> dict[str, Any]:
    recorded = activity.read_activity(segment.events)
    touches = Counter(each.kind for each in recorded.touches)
    assert segment.fault is None
    assert recorded.unknown == 0
    return {
        "events": len(segment.events),
        "breadcrumbs": Counter(each.category for each in recorded.breadcrumbs),
        "touch_start": touches["start"],
        "touch_end": touches["end"],
        "move_batches": recorded.move_batches,
        "move_positions": touches["move"],
        "spans": Counter(each.op for each in recorded.spans),
        "network": sorted(
            (each.url, each.method, each.status, (each.ended_ms or each.at_ms) - each.at_ms)
            for each in recorded.spans
            if each.is_request
        ),
        "has_options": recorded.options is not None,
    }


def _expected_happenings(expected: dict[str, Any]) -> dict[str, Any]:
    kinds = ("touch_start", "touch_end", "move_batches", "move_positions")
    return {
        **{kind: expected["touches"].get(kind, 0) for kind in kinds},
        "events": expected["events_total"],
        "breadcrumbs": Counter(expected["breadcrumbs"]),
        "spans": Counter(expected["spans"]),
        "network": sorted(
            (each["url"], each["method"], int(each["status"]), each["ms"])
            for each in expected["network"]
        ),
        "has_options": expected["has_options"],
    }


@pytest.mark.parametrize("family", ["web-session", "web-uncompressed-static"])
def test_every_web_segment_is_read_as_expected(family):
    """The two items of a browser's envelope."""
    for request in samples.requests(family):
        for item, expected in zip(_split(request).items, request.expect["items"], strict=True):
            if item.type == "replay_event":
                event = replay_event.read_replay_event(
                    replay_event.decode_replay_event(item.payload)
                )
                assert event.replay_id == expected["replay_id"]
                assert event.segment_id == expected["segment_id"]
                assert event.replay_type == expected["replay_type"]
                assert list(event.screens) == expected["urls"]
                assert set(event.trace_ids) >= set(expected["trace_ids"])
            elif item.type == "replay_recording":
                _check_web_recording(item.payload, expected)


def _check_web_recording(payload: memoryview, expected: dict[str, Any]) -> None:
    decoded = recording.read_recording(payload)
    assert (decoded.segment_id, len(decoded.events)) == (
        expected["segment_id"],
        expected["events_total"],
    )
    recorded = activity.read_activity(decoded.events)
    assert len(recorded.breadcrumbs) == expected["events"].get("custom:breadcrumb", 0)
    assert len(recorded.spans) == expected["events"].get("custom:performanceSpan", 0)
    assert (recorded.options is not None) == ("custom:options" in expected["events"])


@pytest.mark.parametrize("family", samples.families())
def test_the_header_links_events_to_replays(family):
    """The replay id in the trace header, and the event id, are those the samples list."""
    for request in samples.requests(family):
        opened = _split(request)
        for item, expected in zip(opened.items, request.expect["items"], strict=True):
            if "replay_id_in_trace_header" in expected:
                assert opened.header.trace.replay_id == expected["replay_id_in_trace_header"]
            if item.type in {"event", "transaction"} and "/store" not in request.path:
                assert opened.header.event_id == expected["event_id"], request.name
            if item.type == "attachment":
                assert (item.filename, len(item.payload)) == (
                    expected["filename"],
                    expected["bytes"],
                )
                assert item.content_type == expected["content_type"]
            if item.type in {"log", "span", "trace_metric"}:
                assert item.item_count == expected["count"], request.name
            if item.type not in FRAMED_OTHERWISE | {"replay_video", "replay_recording"}:
                jsonish.decode_object(item.payload, item.type)


# Hostile traffic

NOT_OF_READERS = {"hostile/auth-none", "hostile/auth-wrong-key", "hostile/method-put"}
"""Told by an unknown key, or by the method, not by any body."""


def _cases() -> list[samples.Request]:
    return list(samples.requests(samples.HOSTILE))


def _kept(request: samples.Request) -> list[Segment | envelope.EnvelopeItem]:
    """Return what could be stored: readable segments, and items of other kinds that have a type."""
    try:
        credentials.read_credentials(
            auth_headers=request.all_of("x-sentry-auth"), query=request.query
        )
        opened = _split(request)
    except REFUSALS:
        return []
    kept: list[Segment | envelope.EnvelopeItem] = []
    for item in opened.items:
        if item.type == "replay_video":
            try:
                kept.append(_segment(item.payload))
            except REFUSALS:
                continue
        elif item.type:
            kept.append(item)
    return kept


@pytest.mark.parametrize("request_", _cases(), ids=lambda request: request.name.split("/")[1])
def test_hostile_traffic_is_refused_or_read_as_far_as_it_is_good(request_):
    """No other error escapes; what must be kept is kept, and nothing where nothing may be."""
    kept = _kept(request_)
    result, status = request_.expect["result"], request_.expect["status"]
    for segment in kept:
        if isinstance(segment, Segment):
            activity.read_activity(segment.events)
            assert segment.extent_ms is None or segment.extent_ms[0] <= segment.extent_ms[1]
    if result == "nothing" and request_.name not in NOT_OF_READERS:
        assert kept == []
    if status == ["2xx"] and result in {"segment", "segment-without-video"}:
        assert [type(each) for each in kept] == [Segment]
    if status == ["2xx"] and result == "event":
        assert [each.type for each in kept if isinstance(each, envelope.EnvelopeItem)][-1:] == [
            "event"
        ]


@pytest.mark.parametrize(
    "request_",
    [each for each in _cases() if "bomb" in each.expect["marks"]],
    ids=lambda request: request.name.split("/")[1],
)
def test_bombs_stay_small(request_):
    """Far more than they weigh on the wire, never 300 MB of memory."""
    tracemalloc.start()
    try:
        _kept(request_)
        assert tracemalloc.get_traced_memory()[1] < 250 * MIB
    finally:
        tracemalloc.stop()
