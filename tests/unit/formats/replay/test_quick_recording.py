"""Tests of the quick reader of recordings, against the plain reader."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.limits import LIMITS
from app.formats.replay import quick_recording, recording, recording_summary
from app.formats.replay.recording_summary import RecordingSummary
from app.formats.stored.packed_json import pack_text, unpack_json
from tests.support.quick_readers import assert_quick_equals_plain
from tests.support.recorded import contents, samples

HEADER = b'{"segment_id":0}\n'
T_MS = 1_786_000_000_000
CATEGORIES = [
    "ui.tap", "ui.multiClick", "app.background", "app.foreground", "app.inactive", "app.active",
    "navigation", "", None, 7,
]  # fmt: skip
OPERATIONS = ["resource.http", "paint", "", None]
STATUSES = [200, 404, 500.0, 404.5, "503", 1_000, -1, None]
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Make one event: mostly as SDKs do, sometimes of any shape."""
    at_ms: Any = T_MS + draw(st.integers(0, 9_000))
    if draw(st.integers(0, 15)) == 0:
        at_ms = draw(st.one_of(anything, st.just(0)))
    data: Any = draw(
        st.one_of(
            st.fixed_dictionaries({"source": st.just(2), "x": st.floats(0, 400)}),
            st.fixed_dictionaries({"width": st.integers(-1, 999), "height": st.integers(0, 999)}),
            st.builds(_crumb, st.sampled_from(CATEGORIES)),
            st.builds(_span, st.sampled_from(OPERATIONS), st.sampled_from(STATUSES)),
            st.builds(_video, st.integers(-5, 9_000)),
            st.builds(lambda payload: {"tag": "options", "payload": payload}, anything),
            anything,
        )
    )
    kind = draw(st.sampled_from([2, 3, 4, 5, 5, 5, 6, "5", None]))
    return {"type": kind, "timestamp": at_ms, "data": data}


def _crumb(category: object) -> dict[str, Any]:
    return {"tag": "breadcrumb", "payload": {"category": category, "timestamp": T_MS / 1000}}


def _span(op: object, status: object) -> dict[str, Any]:
    return {"tag": "performanceSpan", "payload": {"op": op, "data": {"statusCode": status}}}


def _video(duration: int) -> dict[str, Any]:
    return {"tag": "video", "payload": {"duration": duration, "width": 416, "height": 896}}


def _read_quickly(text: bytes) -> tuple[RecordingSummary, list[Any]] | None:
    raw = quick_recording.try_read_recording(HEADER + text)
    return None if raw is None else (raw.summary, unpack_json(pack_text(raw.events_json)))


def _read_plainly(text: bytes) -> tuple[RecordingSummary, list[Any]]:
    events = recording.read_recording(HEADER + text).events
    return recording_summary.summarize_recording(events), events


def _is_read_quickly(text: bytes) -> bool:
    return assert_quick_equals_plain(text, quick=_read_quickly, plain=_read_plainly)


@given(st.lists(events(), max_size=8))
def test_a_recording_of_any_shape_is_read_as_by_the_plain_reader(listed):
    """Whatever the events are, the summary and the events are those of the plain reader."""
    _is_read_quickly(json.dumps(listed, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.lists(events(), max_size=8), st.data())
def test_damage_is_left_to_the_plain_reader(listed, data):
    """Bytes changed anywhere raise no error, and what is read quickly all the same is equal."""
    text = bytearray(json.dumps(listed).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    names = _names(bytes(text))
    if len(set(names)) == len(names):
        _is_read_quickly(bytes(text))
    else:
        quick_recording.try_read_recording(HEADER + bytes(text))


def _names(text: bytes) -> list[bytes]:
    """Return what may be names; readers differ on which of two equal names counts."""
    return [name for name in text.split(b'"')[1::2] if name]


@pytest.mark.parametrize("family", samples.families())
def test_recorded_segments_are_read_quickly(family):
    """Every recording that a real mobile SDK sent is read the quick way."""
    for request in contents.requests(family):
        for data in contents.recordings_of(request):
            header_line, text = recording.open_recording(data)
            assert header_line.startswith(b'{"segment_id"')
            assert _is_read_quickly(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"segment_id":0}\n',
        b'{"segment_id":0,"x":1}\n[]',
        b'{"segment_id":0}\n{}',
        b'{"segment_id":0}\nx\x9c',
        b" " * (LIMITS.recording_bytes + 1),
        HEADER + b'[{"type":5,"timestamp":1,"data":{"tag":"options"}}]',
        HEADER + b'[{"type":5,"timestamp":1,"data":{"tag":"someday","payload":{}}}]',
        HEADER + b'[{"type":5,"timestamp":1,"data":{"tag":"options","payload":{"op":"\\ud800"}}}]',
        HEADER + b'[{"type":5,"timestamp":1,"data":{}},{"type":4,"timestamp":2e12,"data":{}}]',
        HEADER + b"[%b{}]" % (b"{}," * LIMITS.recording_events),
    ],
)
def test_unusual_recordings_are_left_to_the_plain_reader(data):
    """Odd headers, payloads, tags, clocks and surrogates are left alone, and so is too much."""
    assert quick_recording.try_read_recording(data) is None


@pytest.mark.parametrize("name", ["data", "timestamp", "type"])
def test_both_values_of_a_repeated_name_are_scrubbed(name):
    """Readers take the last value of a repeated name, and scrubbing must see both."""
    hidden = '"secret"' if name == "data" else '1, "x": "secret"'
    data = '{"tag": "options", "payload": {}}'
    event = f'"{name}": {hidden}, "type": 5, "timestamp": {T_MS}, "data": {data}'
    raw = quick_recording.try_read_recording(HEADER + f"[{{{event}}}]".encode())
    assert raw is None or b"secret" in raw.events_with_text
