"""Tests of the splitting of replay_video items into event, recording and video."""

import struct

import msgspec
import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats.replay import replay_video
from tests.support import examples
from tests.support.builders import envelopes

PARTS = {"replay_event": b"{}", "replay_recording": b'{"segment_id":0}\n[]', "replay_video": b"mp4"}
GOOD = envelopes.pack(PARTS)
DIRECTIONS = {"forward": PARTS, "backward": dict(reversed(PARTS.items()))}


def _expand(payload: bytes) -> tuple[bytes, bytes | None, bytes | None]:
    parts = replay_video.split_replay_video(memoryview(payload))
    recording = None if parts.recording is None else bytes(parts.recording)
    return bytes(parts.event), recording, None if parts.video is None else bytes(parts.video)


WHOLE = (b"{}", b'{"segment_id":0}\n[]', b"mp4")


@pytest.mark.parametrize("order", DIRECTIONS)
def test_keys_come_in_any_order(order):
    """Android writes event, recording and video; iOS writes them in the order of a dictionary."""
    assert _expand(envelopes.pack(DIRECTIONS[order])) == WHOLE


def test_parts_are_views_into_the_payload():
    """The parts are not copied."""
    payload = memoryview(GOOD)
    assert replay_video.split_replay_video(payload).event.obj is GOOD


@pytest.mark.parametrize("missing", ["replay_recording", "replay_video"])
@pytest.mark.parametrize("how", ["absent", "empty", "nil"])
def test_recording_and_video_may_be_missing(missing, how):
    """Absent, empty and nil parts are all the same."""
    if how == "absent":
        payload = envelopes.pack(PARTS | {missing: None})
    elif how == "empty":
        payload = envelopes.pack(PARTS | {missing: b""})
    else:
        payload = msgspec.msgpack.encode(PARTS | {missing: None})
    parts = replay_video.split_replay_video(memoryview(payload))
    assert (parts.recording is None) == (missing == "replay_recording")
    assert (parts.video is None) == (missing == "replay_video")


@pytest.mark.parametrize("marker", ["bin8", "bin16", "bin32", "str8", "str16", "str32", "fixstr"])
@pytest.mark.parametrize("header", [b"\x83", b"\xde\x00\x03", b"\xdf\x00\x00\x00\x03"])
def test_every_legal_encoding_of_the_map_is_read(marker, header):
    """Other encoders choose other sizes and kinds for keys and values."""
    written = header + b"".join(
        _blob(marker, key.encode()) + _blob(marker, value) for key, value in PARTS.items()
    )
    assert _expand(written) == WHOLE


def _blob(marker: str, value: bytes) -> bytes:
    if marker == "fixstr":
        return bytes([0xA0 | len(value)]) + value
    code, shape = {
        "bin8": (0xC4, ">BB"),
        "bin16": (0xC5, ">BH"),
        "bin32": (0xC6, ">BI"),
        "str8": (0xD9, ">BB"),
        "str16": (0xDA, ">BH"),
        "str32": (0xDB, ">BI"),
    }[marker]
    return struct.pack(shape, code, len(value)) + value


UNKNOWN: list[object] = [
    *(None, True, False, 0, -1, 127, 200, 70_000, 2**40, -100, -200, -70_000, -(2**40), 1.5),
    *("", "text", "x" * 40, b"x" * 300, [1, [2, {"a": [3]}]], {"a": {"b": []}}, list(range(20))),
    {str(n): n for n in range(20)},
    msgspec.msgpack.Ext(5, b"x"),
    msgspec.msgpack.Ext(5, b"xx"),
    msgspec.msgpack.Ext(5, b"x" * 4),
    msgspec.msgpack.Ext(5, b"x" * 8),
    msgspec.msgpack.Ext(5, b"x" * 16),
    msgspec.msgpack.Ext(5, b"x" * 3),
    msgspec.msgpack.Ext(5, b"x" * 300),
    msgspec.msgpack.Ext(5, b"x" * 70_000),
]


@pytest.mark.parametrize("value", UNKNOWN, ids=lambda value: repr(value)[:20])
def test_values_under_unknown_keys_are_stepped_over(value):
    """Values of every kind may stand before and between the known ones."""
    written = msgspec.msgpack.encode({"new": value, **PARTS, "newer": value})
    assert _expand(written) == WHOLE


def test_single_floats_and_wide_containers_are_stepped_over():
    """The encoder of this test never chooses these encodings by itself."""
    for value in (
        b"\xca\x3f\x80\x00\x00",
        b"\xdd\x00\x00\x00\x01\x01",
        b"\xdf\x00\x00\x00\x01\x01\x02",
    ):
        written = b"\x82\xa1n" + value + b"\xac" + b"replay_event" + b"\xc4\x02{}"
        assert _expand(written) == (b"{}", None, None)


def test_the_last_of_repeated_keys_counts():
    """Bytes after the map do no harm."""
    twice = b"\x82" + (envelopes.pack({"replay_event": b"a"})[1:] * 2)[:-1] + b"b"
    assert _expand(twice + b"trailing") == (b"b", None, None)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "claims 1 bytes, 0 are left"),
        (b"\x80", "has no replay_event"),
        (b"\xc0", "byte 0xc0, expected a MessagePack map"),
        (b"\x93\x01\x02\x03", "expected a MessagePack map"),
        (b"{}", "expected a MessagePack map"),
        (b"\xdf\xff\xff\xff\xff", "claims 4294967295 entries"),
        (b"\x81\x01\xc0", "a key that is not text"),
        (b"\x81\xa1n\xc1", "0xc1, which MessagePack never uses"),
        (b"\x81\xa1n\xdd\xff\xff\xff\xff", "0 are left"),
        (b"\x81\xa1n\xc9\xff\xff\xff\xff", "claims 4294967296 bytes"),
        (envelopes.pack(PARTS | {"replay_event": None}), "has no replay_event"),
        (envelopes.pack(PARTS | {"replay_event": b""}), "has no replay_event"),
        (b"\x81\xacreplay_event\xc6\xff\xff\xff\xff{}", "claims 4294967295 bytes, 2 are left"),
    ],
)
def test_anything_but_such_a_map_is_malformed(payload, reason):
    """The message says where the fault is, and what was expected."""
    with pytest.raises(MalformedInput, match=reason):
        replay_video.split_replay_video(payload)


def test_a_cut_payload_is_malformed_wherever_it_is_cut():
    """No part comes out shorter than it was sent."""
    for end in range(len(GOOD)):
        with pytest.raises(MalformedInput):
            replay_video.split_replay_video(GOOD[:end])


def test_entries_are_limited():
    """A map of 32 entries is read, and one of 33 is malformed."""
    fields = {f"x{n}": b"" for n in range(31)} | {"replay_event": b"{}"}
    assert _expand(msgspec.msgpack.encode(fields)) == (b"{}", None, None)
    with pytest.raises(MalformedInput, match="claims 33 entries"):
        replay_video.split_replay_video(msgspec.msgpack.encode(fields | {"y": b""}))


@pytest.mark.parametrize("nested", [False, True])
def test_unknown_values_are_limited_together(nested):
    """A thousand values are stepped over, deep or wide, and one more is malformed."""
    for count, is_fine in ((1_000, True), (1_001, False)):
        value = (
            b"\x91" * count + b"\xc0"
            if nested
            else b"\xdc" + struct.pack(">H", count) + bytes(count)
        )
        written = b"\x82\xa1n" + value + GOOD[1:]
        if is_fine:
            assert _expand(written) == (b"{}", None, None) or _expand(written)[0] == b"{}"
        else:
            with pytest.raises(MalformedInput, match="more than 1000 values"):
                replay_video.split_replay_video(written)


def test_the_payload_is_limited():
    """The largest payload is read, and one byte more is too large."""
    room = LIMITS.replay_video_bytes - len(
        envelopes.pack({"replay_event": b"{}", "replay_video": b""})
    )
    at_limit = envelopes.pack({"replay_event": b"{}", "replay_video": bytes(room)})
    assert len(at_limit) == LIMITS.replay_video_bytes
    assert replay_video.split_replay_video(at_limit).video is not None
    with pytest.raises(OversizedInput, match="replay_video has"):
        replay_video.split_replay_video(at_limit + b"\0")


@examples.SETTINGS
@given(
    st.binary(max_size=200)
    | examples.mutated([GOOD, msgspec.msgpack.encode({"new": [1, {"a": None}], **PARTS})])
    | st.binary(max_size=60).map(b"\x83\xa1n".__add__)
)
def test_any_bytes_give_parts_or_are_malformed(payload):
    """Only MalformedInput leaves the reader, and the parts lie in the payload."""
    try:
        parts = replay_video.split_replay_video(memoryview(payload))
    except MalformedInput:
        return
    for part in (parts.event, parts.recording, parts.video):
        assert part is None or bytes(part) in payload


PACKABLE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@examples.SETTINGS
@given(st.dictionaries(st.text(max_size=6), PACKABLE, max_size=3))
def test_any_unknown_values_are_stepped_over(unknown):
    """The known parts are found after any MessagePack."""
    assert _expand(msgspec.msgpack.encode(unknown | PARTS)) == WHOLE
