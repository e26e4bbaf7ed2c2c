"""The layout of a segment's video: nothing is lost, and little is kept."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput
from app.formats.stored import video_layout
from app.formats.video import mp4
from tests.support.builders.clips import clip
from tests.support.builders.mp4_boxes import edits, mp4_file, runs
from tests.support.examples import SETTINGS


def video(*samples: mp4.VideoSample, **changes: Any) -> mp4.Video:
    """Make a video of given samples."""
    facts: dict[str, Any] = {
        "codec": "avc1.42C01F",
        "config": b"\1B\xc0\x1f",
        "width": 448,
        "height": 960,
        "timescale": 1_000,
        "samples": samples or (mp4.VideoSample(0, 1_000, 500, 48, is_key=True),),
    }
    return mp4.Video(**{**facts, **changes})


def unpacked(data: bytes) -> video_layout.VideoLayout:
    """Read a file and send its layout through the bytes."""
    return video_layout.unpack_layout(video_layout.pack_layout(mp4.read_video(data)))


def test_playback_gets_every_column_back():
    """Every column of a real clip comes back."""
    data = clip(frames=7)
    read, kept = mp4.read_video(data), unpacked(data)
    assert (kept.codec, kept.config) == (read.codec, read.config)
    assert (kept.width, kept.height, kept.rotation_degrees) == (128, 256, 0)
    assert kept.times_ms == (0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000)
    assert kept.durations_ms == (1_000,) * 7
    assert kept.sizes == tuple(sample.size_bytes for sample in read.samples)
    assert kept.offsets == tuple(sample.offset for sample in read.samples)
    assert kept.keys == (True, False, False, False, False, False, True)


def test_a_segment_takes_a_hundred_bytes():
    """The sample has five frames, and half of the bytes are the codec's configuration."""
    assert len(video_layout.pack_layout(mp4.read_video(clip()))) < 100


def test_b_frames_keep_their_order():
    """Columns are in decode order; durations follow the order of display."""
    layout = unpacked(clip(frames=9, b_frames=2))
    assert sorted(layout.times_ms) == [n * 1_000 for n in range(9)]
    assert list(layout.times_ms) != sorted(layout.times_ms)
    assert layout.durations_ms == (1_000,) * 9


def test_times_are_rounded_once():
    """Thirty frames a second do not drift: durations are differences of rounded times."""
    layout = unpacked(mp4_file(stts=runs((4, 33), (1, 40))))
    assert layout.times_ms == (0, 33, 66, 99, 132)
    thirds = video(*(mp4.VideoSample(n, 1, 10, n * 10, is_key=True) for n in range(4)), timescale=3)
    layout = video_layout.unpack_layout(video_layout.pack_layout(thirds))
    assert layout.times_ms == (0, 333, 667, 1_000)
    assert layout.durations_ms == (333, 334, 333, 333)


def test_frames_before_the_beginning_stay_before_it():
    """Frames that the edit list hides have a negative time."""
    assert unpacked(mp4_file(elst=edits((4_000, 1_500, 1)))).times_ms[:2] == (-1_500, -500)


def test_rotation_is_kept():
    """A player may turn the picture as the track header asks."""
    assert (
        video_layout.unpack_layout(
            video_layout.pack_layout(video(rotation_degrees=270))
        ).rotation_degrees
        == 270
    )


def test_a_video_with_a_fault_has_no_layout():
    """A video that cannot be played never reaches the index of a replay."""
    with pytest.raises(MalformedInput, match="does not play: it is HEVC"):
        video_layout.pack_layout(video(fault="it is HEVC"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1\0\0",
        b"\2" + video_layout.pack_layout(video())[1:],
        b"\1\xff\xff\xff",
        b"\1\0\0\0\1\1\0\0",
        b"\1\0\0\0\1\1\0\0\1\0",
        b"\1\0\0\0\1\1\0\0\1\0\x80",
    ],
)
def test_a_cut_layout_is_refused(data):
    """Every part must be there."""
    with pytest.raises(MalformedInput, match="layout is cut"):
        video_layout.unpack_layout(data)


samples = st.lists(
    st.builds(
        mp4.VideoSample,
        at=st.integers(-(2**40), 2**40),
        duration=st.integers(0, 2**32),
        size_bytes=st.integers(1, 2**24),
        offset=st.integers(0, 2**24),
        is_key=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@SETTINGS
@given(samples, st.integers(1, 10**6), st.binary(max_size=4_096), st.sampled_from((0, 90, 180)))
def test_any_video_comes_back(listed, timescale, config, rotation):
    """Sizes, offsets, keyframes and times in ms are the same after packing."""
    original = video(*listed, timescale=timescale, config=config, rotation_degrees=rotation)
    layout = video_layout.unpack_layout(memoryview(video_layout.pack_layout(original)))
    assert (layout.config, layout.rotation_degrees) == (config, rotation)
    assert layout.times_ms == tuple(mp4.round_ms(sample.at, timescale) for sample in listed)
    assert layout.sizes == tuple(sample.size_bytes for sample in listed)
    assert layout.offsets == tuple(sample.offset for sample in listed)
    assert layout.keys == tuple(sample.is_key for sample in listed)
    assert min(layout.durations_ms) >= 0
    ends = zip(layout.times_ms, layout.durations_ms, strict=True)
    assert max(at + length for at, length in ends) == original.duration_ms


@SETTINGS
@given(st.binary(max_size=60))
def test_any_bytes_are_unpacked_or_refused(data):
    """The reader returns a value or refuses the bytes."""
    for text in (data, b"\1\0\0\0" + data):
        try:
            layout = video_layout.unpack_layout(text)
        except MalformedInput:
            continue
        assert (
            len(layout.times_ms) == len(layout.sizes) == len(layout.offsets) == len(layout.keys) > 0
        )
