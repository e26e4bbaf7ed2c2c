"""Tests of the reading of recordings."""

import json
import zlib

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.jsonish import JsonObject
from app.formats.replay import recording
from app.formats.replay.recording import DeclaredVideo
from tests.support import examples
from tests.support.builders import recordings
from tests.support.builders.wire import STARTED_MS, compact

EVENTS = recordings.segment_events(3)
NOTHING = DeclaredVideo(None, None)


@pytest.mark.parametrize("compressed", [False, True])
def test_recordings_are_plain_or_compressed(compressed):
    """Mobile SDKs send plain JSON, and browsers send it compressed with zlib."""
    data = recordings.recording(EVENTS, 3, compressed=compressed)
    decoded = recording.read_recording(memoryview(data))
    assert decoded.segment_id == 3
    assert decoded.events == sorted(EVENTS, key=lambda event: event["timestamp"])


def test_events_are_sorted_and_ties_stay_as_they_came():
    """Events without a time come first, and members that are not objects are dropped."""
    listed = [{"n": 1, "timestamp": 5}, {"n": 2, "timestamp": 3.5}, 7, {"n": 3, "timestamp": 5}]
    decoded = recording.read_recording(
        recordings.recording([*listed, None, {"n": 4}, {"timestamp": "x", "n": 5}])
    )
    assert [event["n"] for event in decoded.events] == [4, 5, 2, 1, 3]


@pytest.mark.parametrize(
    ("data", "segment_id", "count"),
    [
        (b"", None, 0),
        (b'{"segment_id":2}', 2, 0),
        (b'{"segment_id":2}\n', 2, 0),
        (b'{"segment_id":2}\n \r\n', 2, 0),
        (b'{"segment_id":2}\nnull', 2, 0),
        (b'{"segment_id":"2"}\n[{}]', 2, 1),
        (b'{"segment_id":-1}\n[{}]', None, 1),
        (b'{"segment_id":2}[{"timestamp":1}]', 2, 1),
        (b"{}[{}]", None, 1),
        (b"[{},\n{}]", None, 2),
        (b"\n[{}]", None, 1),
        (b'{"segment_id":2,"x":NaN}\r\n[{"a":NaN}]', 2, 1),
    ],
)
def test_odd_recordings_are_read(data, segment_id, count):
    """Empty recordings, null, and headers without a line feed are read."""
    decoded = recording.read_recording(data)
    assert (decoded.segment_id, len(decoded.events)) == (segment_id, count)


@pytest.mark.parametrize(
    "data",
    [
        b'{"segment_id":0}\n{}',
        b'{"segment_id":0}\n"x"',
        b'{"segment_id":0}\n[',
        b'{"segment_id":0}\nx\x9c garbage',
        b"{}\n" + zlib.compress(b"[]")[:-1],
        b"{}\n" + zlib.compress(b"{}"),
        b"nonsense\n[]",
        b"nonsense[]",
        b'{"segment_id":0}\n' + b"[" * 100_000,
    ],
)
def test_anything_but_a_list_of_events_is_malformed(data):
    """Other JSON, cut JSON, cut zlib and endless nesting are refused."""
    with pytest.raises(MalformedInput):
        recording.read_recording(data)


def test_events_are_limited():
    """The most events are read, and one more is too many."""
    at_limit = b"{}\n[" + b"{}," * (LIMITS.recording_events - 1) + b"{}]"
    assert len(recording.read_recording(at_limit).events) == LIMITS.recording_events
    with pytest.raises(OversizedInput, match="50001 events"):
        recording.read_recording(at_limit[:-1] + b",{}]")


@pytest.mark.parametrize("compressed", [False, True])
def test_bytes_are_limited_before_and_after_inflating(compressed):
    """The largest recording is read, and one byte more is too large."""
    head = b"{}\n"
    room = LIMITS.recording_bytes - (0 if compressed else len(head))
    for size, is_fine in ((room, True), (room + 1, False)):
        body = b"[]".ljust(size)
        data = head + (zlib.compress(body) if compressed else body)
        if is_fine:
            assert recording.read_recording(data).events == []
        else:
            with pytest.raises(OversizedInput):
                recording.read_recording(data)


def test_the_video_event_is_found_among_the_others():
    """The first video event counts."""
    later = recordings.video_note(9, STARTED_MS + 9)
    odd: list[JsonObject] = [{"type": 5}, {"type": 5, "data": {"tag": "video"}}]
    assert recording.read_declared_video([*odd, *EVENTS, later]) == DeclaredVideo(
        started_ms=STARTED_MS, duration_ms=5_000
    )
    assert recording.read_declared_video([{}, {"type": 5, "data": []}]) is None


def test_a_video_event_may_be_wrong_in_every_member():
    """Wrong types and negative numbers count as absent; iOS repeats the time in the payload."""
    note = recordings.video_note(0, duration=-5)
    note["timestamp"] = "soon"
    assert recording.read_declared_video([note]) == NOTHING
    note["data"]["payload"]["timestamp"] = STARTED_MS / 1000
    facts = recording.read_declared_video([note])
    assert facts is not None
    assert facts.started_ms == STARTED_MS


def test_the_size_is_that_of_the_first_good_meta_event():
    """Touches are measured in this size."""
    bad = [{"type": 4}, recordings.meta(width=0), {"type": 4, "data": {"width": 5}}, {"type": 5}]
    assert recording.read_screen_size_px([*bad, recordings.meta(width=416, height=896)]) == (
        416,
        896,
    )
    assert recording.read_screen_size_px(bad) is None


@pytest.mark.parametrize(
    ("facts", "started_ms", "ended_ms", "extent"),
    [
        (DeclaredVideo(STARTED_MS, 5_000), 1, 2, (STARTED_MS, STARTED_MS + 5_000)),
        (None, 7, 9, (7, 9)),
        (None, 7, None, (7, 7)),
        (None, 7, 3, (7, 7)),
        (None, None, 9, None),
        (NOTHING, 7, 9, (7, 9)),
        (NOTHING, None, 9, None),
        (DeclaredVideo(5, 0), 7, 9, (5, 9)),
        (DeclaredVideo(None, 4), 7, 9, (7, 11)),
        (DeclaredVideo(5, 10**9), 7, 9, (5, 5 + LIMITS.video_ms)),
    ],
)
def test_a_segment_lasts_from_the_video_event_on(facts, started_ms, ended_ms, extent):
    """The replay event's times are the second choice, and no segment ends before it begins."""
    assert (
        recording.find_segment_extent_ms(facts, started_ms=started_ms, ended_ms=ended_ms) == extent
    )


GOOD = [recordings.recording(EVENTS, 3, compressed=each) for each in (False, True)]


@examples.SETTINGS
@given(
    st.binary(max_size=100) | examples.mutated(GOOD) | st.binary(max_size=60).map(b"{}\n".__add__)
)
def test_any_bytes_give_events_or_are_refused(data):
    """Only MalformedInput and OversizedInput leave the reader, and what was read can be used."""
    try:
        decoded = recording.read_recording(data)
    except (MalformedInput, OversizedInput):
        return
    recording.read_declared_video(decoded.events)
    recording.read_screen_size_px(decoded.events)


@examples.SETTINGS
@given(
    st.lists(
        examples.with_changed_member(EVENTS[1])
        | examples.with_changed_member(EVENTS[0])
        | examples.JSON_VALUES
    )
)
def test_events_of_any_shape_are_read(events):
    """A wrong type costs the event, and not the recording."""
    decoded = recording.read_recording(b"{}\n" + json.dumps(events).encode())
    assert len(decoded.events) == len([event for event in events if isinstance(event, dict)])
    facts = recording.read_declared_video(decoded.events)
    recording.read_screen_size_px(decoded.events)
    extent = recording.find_segment_extent_ms(facts, started_ms=5, ended_ms=9)
    assert extent is not None
    assert extent[0] <= extent[1]


def test_a_recording_that_was_read_can_be_written_again():
    """Half surrogates and NaN are gone."""
    data = b'{}\n[{"a":"\\ud800","b":NaN,"c":"\xff"}]'
    assert (
        compact(recording.read_recording(data).events)
        == '[{"a":"\ufffd","b":null,"c":"\ufffd"}]'.encode()
    )
