"""The recorded envelopes, read by the same readers as a phone's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest

from app.core import units
from app.core.ids import PublicKey
from app.demo import record
from app.demo.record import Delivery
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import activity, recording, replay_event, replay_video
from app.formats.replay.activity import Activity
from app.formats.replay.recording import DeclaredVideo
from app.formats.replay.replay_event import ReplayEvent
from app.formats.video import mp4
from app.formats.video.mp4 import Video
from app.formats.wire import envelope
from app.formats.wire.envelope import Envelope, EnvelopeItem

SEED = 5
ENDED_MS = 1_795_480_000_000
APP_KEY = PublicKey("9d3f5c7e1b2a4866a0c4e2f8d6b19375")


@dataclass
class Segment:
    """One `replay_video`, taken apart."""

    event: ReplayEvent
    finished: list[str]
    """The trace ids it lists itself, without that of its context."""
    activity: Activity
    facts: DeclaredVideo
    declared: JsonObject
    """The facts that the recording states about its video."""
    video: Video

    @property
    def started_ms(self) -> int:
        return self.facts.started_ms or 0

    @property
    def ended_ms(self) -> int:
        return self.started_ms + (self.facts.duration_ms or 0)


def _opened(deliveries: list[Delivery], project: str) -> Iterator[tuple[Envelope, EnvelopeItem]]:
    for delivery in deliveries:
        opened = envelope.split_envelope(delivery.envelope)
        assert opened.damage is None
        for item in opened.items:
            if delivery.project == project:
                yield opened, item


def _payloads(deliveries: list[Delivery], project: str, kind: str) -> list[JsonObject]:
    pairs = _opened(deliveries, project)
    return [jsonish.decode_object(i.payload, kind) for _, i in pairs if i.type == kind]


@pytest.fixture(scope="module")
def segments(deliveries: list[Delivery]) -> list[Segment]:
    """Return all segments, taken apart."""
    opened_segments = []
    for _, item in _opened(deliveries, "app"):
        if item.type == "replay_video":
            parts = replay_video.split_replay_video(item.payload)
            assert parts.recording is not None
            assert parts.video is not None
            events = recording.read_recording(parts.recording).events
            facts = recording.read_declared_video(events)
            assert facts is not None
            opened_segments.append(
                Segment(
                    replay_event.read_replay_event(replay_event.decode_replay_event(parts.event)),
                    jsonish.decode_object(parts.event, "replay_event").get("trace_ids", []),
                    activity.read_activity(events),
                    facts,
                    next(e["data"]["payload"] for e in events if e["data"].get("tag") == "video"),
                    mp4.read_video(parts.video),
                )
            )
    return opened_segments


def test_the_same_seed_gives_the_same_bytes(deliveries: list[Delivery]):
    """Seed, end and key decide every byte."""
    assert record.record_demo(SEED, ENDED_MS, app_key=APP_KEY) == deliveries


def test_segments_come_in_order_and_the_recovered_one_last(
    segments: list[Segment], deliveries: list[Delivery]
):
    """Ids count up from 0, and nothing is sent after the next launch's segment."""
    assert [s.event.segment_id for s in segments] == list(range(17))
    last = envelope.split_envelope(deliveries[-1].envelope)
    assert last.items[0].type == "replay_video"
    assert last.header.trace.trace_id is None


def test_all_segments_belong_to_one_replay(segments: list[Segment], deliveries: list[Delivery]):
    """The replay events and the headers of their envelopes all have the same id."""
    (replay_id,) = {segment.event.replay_id for segment in segments}
    assert {delivery.replay_id for delivery in deliveries} == {replay_id}
    for opened, item in _opened(deliveries, "app"):
        if item.type == "replay_video":
            assert opened.header.event_id == replay_id


def test_times_are_gapless_but_for_the_background(segments: list[Segment]):
    """Segment ends meet starts, as sent in both time forms; one hole of about 20 s."""
    for segment in segments:
        assert segment.event.started_ms == segment.started_ms
        assert segment.event.ended_ms == segment.ended_ms
    holes = [after.started_ms - before.ended_ms for before, after in pairwise(segments)]
    (gap,) = [hole for hole in holes if hole]
    assert 19_000 < gap < 20_000


def test_what_is_declared_is_what_the_file_holds(segments: list[Segment]):
    """Width, height, frames, length and bytes agree; every video is playable."""
    for segment in segments:
        facts, video = segment.facts, segment.video
        assert video.is_playable
        declared = segment.declared
        assert (declared["width"], declared["height"]) == (video.width, video.height)
        assert declared["frameCount"] == len(video.samples)
        assert facts.duration_ms == video.duration_ms
    assert {(s.video.width, s.video.height) for s in segments} == {(416, 912), (912, 416)}


def test_touches_lie_inside_the_video(segments: list[Segment]):
    """Coordinates are in the pixels of their own segment."""
    touches = [(t, s) for s in segments for t in s.activity.touches]
    assert {touch.kind for touch, _ in touches} == {"start", "move", "end"}
    for touch, segment in touches:
        assert 0 <= touch.x < segment.video.width
        assert 0 <= touch.y < segment.video.height


def test_every_kind_of_breadcrumb_is_there(segments: list[Segment]):
    """A newcomer sees each kind that the Android SDK sends."""
    categories = {crumb.category for s in segments for crumb in s.activity.breadcrumbs}
    assert categories == {
        "app.background", "app.foreground", "checkout", "device.battery", "device.connectivity",
        "device.orientation", "navigation", "ui.swipe", "ui.tap",
    }  # fmt: skip
    assert sum(s.activity.unknown for s in segments) == 0


def test_the_failing_request_shows_both_sides(segments: list[Segment]):
    """The 500 has method, times, headers and bodies."""
    spans = [span for s in segments for span in s.activity.spans]
    (failed,) = [span for span in spans if span.status == 500]
    assert (failed.method, failed.url) == ("POST", "https://api.verdant.example/v1/payments")
    assert failed.ended_ms is not None
    assert failed.ended_ms - failed.at_ms > 2_000
    assert failed.data["response"]["body"]["error"] == "internal_error"
    assert failed.data["request"]["headers"]["Content-Type"] == "application/json"


def test_options_come_once_with_the_first_segment(segments: list[Segment]):
    """Only the first segment has the SDK's options, as in a recording of the SDK."""
    assert [s.event.segment_id for s in segments if s.activity.options] == [0]


def test_the_recovered_segment_knows_less(segments: list[Segment]):
    """No release, environment, tags or SDK; the phone is still known."""
    *others, last = [segment.event for segment in segments]
    assert (last.facts.release, last.facts.environment, last.facts.sdk_name, last.facts.tags) == (
        None,
        None,
        None,
        {},
    )
    assert last.trace_ids == ()
    assert (last.facts.os_name, last.facts.device_model) == ("Android", "Pixel 8")
    assert {event.facts.release for event in others} == {"com.example.verdant@5.2.0+520"}


def test_trace_ids_are_listed_when_their_screen_is_left(
    segments: list[Segment], deliveries: list[Delivery]
):
    """A trace is named by the segment in which its transaction ended, not where it began."""
    ended = {
        t["contexts"]["trace"]["trace_id"]: round(t["timestamp"] * 1000)
        for t in _payloads(deliveries, "app", "transaction")
    }
    for segment in segments[:-1]:
        for trace_id in segment.finished:
            assert segment.started_ms < ended[trace_id] <= segment.ended_ms
    listed = [trace_id for s in segments for trace_id in s.finished]
    assert sorted(listed) == sorted(t for t, at_ms in ended.items() if at_ms < ENDED_MS)


def test_everything_of_the_app_names_the_replay_in_its_header(deliveries: list[Delivery]):
    """Errors and transactions link by the trace header only, which also has the app's key."""
    for opened, item in _opened(deliveries, "app"):
        if item.type in ("event", "transaction"):
            assert opened.header.trace.replay_id == deliveries[0].replay_id
            event = jsonish.decode_object(item.payload, "event")
            assert event["event_id"] == opened.header.event_id
            assert event["contexts"]["trace"]["trace_id"] == opened.header.trace.trace_id
            assert "replay" not in event["contexts"]
    lines = [
        delivery.envelope.partition(b"\n")[0]
        for delivery in deliveries
        if delivery.project == "app"
    ]
    headers = [jsonish.decode_object(line, "header") for line in lines]
    assert {header["trace"]["public_key"] for header in headers if "trace" in header} == {APP_KEY}


def test_the_backend_continues_the_traces_of_the_app(deliveries: list[Delivery]):
    """Each backend transaction is the child of a request of the app, within its time."""
    requests = {
        span["span_id"]: span
        for t in _payloads(deliveries, "app", "transaction")
        for span in t["spans"]
        if span["op"] == "http.client"
    }
    served = _payloads(deliveries, "backend", "transaction")
    assert len(served) > 5
    for transaction in served:
        trace = transaction["contexts"]["trace"]
        request = requests[trace["parent_span_id"]]
        assert trace["trace_id"] == request["trace_id"]
        started = timestamps.read_ms(transaction["start_timestamp"])
        assert started is not None
        assert started > request["start_timestamp"] * 1000
        for span in transaction["spans"]:
            assert span["parent_span_id"] == trace["span_id"]
            assert transaction["start_timestamp"] <= span["start_timestamp"] <= span["timestamp"]
            assert span["timestamp"] <= transaction["timestamp"]
    assert {span["op"] for t in served for span in t["spans"]} == {
        "db", "cache.get", "cache.put", "http.client", "queue.publish",
    }  # fmt: skip


def test_the_backend_error_is_on_the_trace_of_the_failing_request(deliveries: list[Delivery]):
    """The backend error has Python frames with context, and names the replay in its header."""
    ((opened, item),) = [pair for pair in _opened(deliveries, "backend") if pair[1].type == "event"]
    error = jsonish.decode_object(item.payload, "event")
    (handled,) = [e for e in _payloads(deliveries, "app", "event") if "level" not in e]
    trace_id = handled["contexts"]["trace"]["trace_id"]
    assert error["contexts"]["trace"]["trace_id"] == trace_id
    assert opened.header.trace.replay_id == deliveries[0].replay_id
    frames = error["exception"]["values"][-1]["stacktrace"]["frames"]
    assert "raise GatewayTimeout" in frames[-1]["context_line"]
    assert frames[-1]["pre_context"]
    assert [frame["in_app"] for frame in frames] == [False, True, True]


def test_the_crash_ends_the_replay(deliveries: list[Delivery], segments: list[Segment]):
    """Fatal, unhandled, at the end time asked for, within the recovered segment."""
    events = _payloads(deliveries, "app", "event")
    (crash,) = [event for event in events if event.get("level") == "fatal"]
    assert crash["timestamp"] == units.at_from_ms(ENDED_MS).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    (value,) = crash["exception"]["values"]
    assert value["mechanism"]["type"] == "UncaughtExceptionHandler"
    assert value["mechanism"]["handled"] is False
    assert segments[-1].started_ms <= ENDED_MS <= segments[-1].ended_ms
    sessions = _payloads(deliveries, "app", "session")
    assert [session["status"] for session in sessions] == ["ok", "crashed"]


def test_every_host_is_made_up(deliveries: list[Delivery]):
    """Requests go to hosts that are reserved for examples."""
    whole = b"".join(delivery.envelope for delivery in deliveries)
    hosts = set(re.findall(rb"https?://([a-z0-9.-]+)", whole))
    assert b"api.verdant.example" in hosts
    hosts -= {b"www.videolan.org"}  # x264 signs its work inside the video
    assert all(host.endswith(b".example") for host in hosts)
