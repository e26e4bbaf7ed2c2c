"""The gist of a recording: both ways to it say the same, and what is kept is what was read."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.formats.replay import recording, recording_summary
from app.formats.stored.packed_json import pack_text, unpack_json
from tests.support.recorded import contents, samples

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


def check(text: bytes) -> bool:
    """Compare both ways; tell whether the quick one went."""
    skimmed = recording_summary.try_read_recording(text)
    if skimmed is None:
        return False
    read = recording.read_recording(b'{"segment_id":0}\n' + text).events
    assert skimmed.summary == recording_summary.summarize_recording(read)
    assert unpack_json(pack_text(skimmed.text)) == read
    return True


@given(st.lists(events(), max_size=8))
def test_both_ways_say_the_same(listed):
    """Whatever the events, a recording that is skimmed has the gist and the events of reading."""
    check(json.dumps(listed, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.lists(events(), max_size=8), st.data())
def test_damage_is_left_to_reading(listed, data):
    """Bytes changed anywhere: no error, and still the same where it is skimmed at all."""
    text = bytearray(json.dumps(listed).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    skimmed = recording_summary.try_read_recording(bytes(text))
    if skimmed is not None and len(set(_names(bytes(text)))) == len(_names(bytes(text))):
        check(bytes(text))


def _names(text: bytes) -> list[bytes]:
    """Return what may be names; readers differ on which of two equal ones counts."""
    return [one for one in text.split(b'"')[1::2] if one]


@pytest.mark.parametrize("family", samples.families())
def test_recorded_segments_are_skimmed(family):
    """Every recording a real mobile SDK sent is read the quick way, and the same way."""
    texts = [
        text
        for request in contents.requests(family)
        for data in contents.recordings_of(request)
        if (text := recording.find_event_list(data)) is not None
    ]
    for text in texts:
        assert check(text)


@pytest.mark.parametrize("name", ["data", "timestamp", "type"])
def test_what_a_repeated_name_hides_is_looked_at(name):
    """Of a name that stands twice readers take the last; scrubbing must see both."""
    hidden = '"secret"' if name == "data" else '1, "x": "secret"'
    data = '{"tag": "options", "payload": {}}'
    event = f'"{name}": {hidden}, "type": 5, "timestamp": {T_MS}, "data": {data}'
    skimmed = recording_summary.try_read_recording(f"[{{{event}}}]".encode())
    assert skimmed is None or b"secret" in skimmed.spoken
