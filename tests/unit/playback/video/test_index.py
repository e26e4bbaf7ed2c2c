"""Tests of the playback index: which frame is due when, and where its bytes lie."""

import dataclasses
from typing import cast

import pytest
from hypothesis import given, settings, strategies as st

from app.core.errors import MalformedInput
from app.playback.video import index as playback, stream
from app.playback.video.index import Gap
from app.replays.model import PlayableSegment
from app.storage.port import ObjectStore
from tests.unit.playback.building import (
    START_MS,
    Frame,
    Objects,
    due_frame,
    gops,
    header_frames,
    segment,
)


def test_replay_without_segments_has_an_empty_index():
    """No video gives an index with no GOPs, which still can be written and read."""
    index = playback.build_index([])
    assert (index.gops, index.gaps, index.duration_ms, index.size_bytes) == ((), (), 0, 0)
    assert index.gop_at(5) == 0
    assert playback.encode_index(index) == b"PHI1\x00\x00\x00"


def test_clock_starts_with_the_earliest_segment():
    """Order of arrival and of ids does not matter; time does."""
    index = playback.build_index([segment(0, 5000, gops(5)), segment(1, 0, gops(5))])
    assert index.started_at_ms == START_MS
    assert [(gop.segment_id, gop.start_ms, gop.cover_ms) for gop in index.gops] == [
        (1, 0, 5000),
        (0, 5000, 5000),
    ]
    assert index.duration_ms == 10_000


def test_segment_is_split_at_its_keyframes():
    """Each GOP covers the time up to the next one's keyframe."""
    index = playback.build_index([segment(0, 0, gops(6, 6, 2))])
    assert [(gop.start_ms, gop.end_ms, gop.sample_count) for gop in index.gops] == [
        (0, 6000, 6),
        (6000, 12_000, 6),
        (12_000, 14_000, 2),
    ]


def test_frames_before_the_first_keyframe_are_left_out():
    """Nothing can decode them."""
    index = playback.build_index([segment(0, 0, [Frame(0), Frame(1000, is_key=True), Frame(2000)])])
    assert [(gop.start_ms, gop.sample_count) for gop in index.gops] == [(1000, 2)]


def test_segment_without_keyframe_gives_nothing():
    """A replay of which nothing can be decoded has no GOPs."""
    assert playback.build_index([segment(0, 0, [Frame(0), Frame(1000)])]).gops == ()


def test_later_segment_ends_the_earlier_one():
    """Hidden frames at the end of a cut GOP are not in the stream, and cover stops at the cut."""
    index = playback.build_index([segment(0, 0, gops(6, 6)), segment(1, 8500, gops(2))])
    assert [(gop.segment_id, gop.start_ms, gop.end_ms) for gop in index.gops] == [
        (0, 0, 6000),
        (0, 6000, 8500),
        (1, 8500, 10_500),
    ]
    assert index.gops[1].sample_count == 3


def test_hidden_frame_that_a_shown_one_needs_is_flagged():
    """A frame beyond the cut is flagged if a frame that is shown needs it, as with B-frames."""
    frames = [Frame(0, is_key=True), Frame(3000), Frame(1000), Frame(2000)]
    index = playback.build_index([segment(0, 0, frames), segment(1, 2000, gops(1))])
    assert header_frames(index.gops[0]) == [(10, 0, False), (10, 3000, True), (10, 1000, False)]


def test_of_segments_with_one_start_the_lower_plays_first():
    """Then what the higher adds: its frames over the lower one's time are decoded and hidden."""
    lower, higher = segment(6, 0, gops(5)), segment(7, 0, gops(7))
    index = playback.build_index([higher, lower])
    assert [(gop.segment_id, gop.start_ms, gop.end_ms) for gop in index.gops] == [
        (6, 0, 5000),
        (7, 5000, 7000),
    ]
    assert header_frames(index.gops[1]) == [
        *((10, at_ms, True) for at_ms in range(0, 5000, 1000)),
        (10, 5000, False),
        (10, 6000, False),
    ]


def test_a_twin_that_adds_nothing_vanishes():
    """A twin is left out if the first twin, or the next segment, covers all its time."""
    twins = [segment(6, 0, gops(5)), segment(7, 0, gops(5))]
    assert [gop.segment_id for gop in playback.build_index(twins).gops] == [6]
    cut = [segment(6, 0, gops(5)), segment(7, 0, gops(9)), segment(8, 4500, gops(2))]
    assert [gop.segment_id for gop in playback.build_index(cut).gops] == [6, 8]


def test_a_twin_goes_on_with_the_frame_that_is_due():
    """A frame that began under the lower twin is shown from where that one ends."""
    index = playback.build_index(
        [segment(6, 0, gops(2), declared_ms=2300), segment(7, 0, gops(2, 3))]
    )
    assert [(gop.segment_id, gop.start_ms) for gop in index.gops] == [
        (6, 0),
        (7, 2300),
    ]
    assert header_frames(index.gops[1]) == [(10, 2300, False), (10, 3000, False), (10, 4000, False)]


def test_a_twin_that_shows_nothing_leaves_all_its_time_to_the_other():
    """If a twin's first frame is due only after the next segment began, the other is shown."""
    twins = [segment(6, 0, [Frame(700, is_key=True)]), segment(7, 0, gops(1))]
    index = playback.build_index([*twins, segment(8, 700, gops(1))])
    assert [(gop.segment_id, gop.start_ms, gop.end_ms) for gop in index.gops] == [
        (7, 0, 700),
        (8, 700, 1700),
    ]


def test_segment_inside_another_cuts_its_rest():
    """The frames of the longer segment after the shorter one are not shown."""
    index = playback.build_index([segment(0, 0, gops(6, 6)), segment(1, 3000, gops(2))])
    assert [gop.segment_id for gop in index.gops] == [0, 1]
    assert index.duration_ms == 5000


@pytest.mark.parametrize(("hole_ms", "expected"), [(1100, ()), (1101, (Gap(5000, 6101),))])
def test_gap_is_a_hole_of_more_than_1100_ms(hole_ms, expected):
    """Shorter holes are closed by holding the last frame."""
    index = playback.build_index([segment(0, 0, gops(5)), segment(1, 5000 + hole_ms, gops(5))])
    assert index.gaps == expected


def test_declared_length_holds_the_last_frame():
    """A file that ends early, for nothing moved, makes no gap before the segment's end."""
    index = playback.build_index(
        [segment(0, 0, gops(1), declared_ms=5000), segment(1, 5000, gops(1))]
    )
    assert index.gaps == ()
    assert index.gops[0].cover_ms == 5000


def test_declared_length_is_not_believed_without_limit():
    """A phone that claims hours for a second of video gets a minute."""
    index = playback.build_index([segment(0, 0, gops(1), declared_ms=9_000_000)])
    assert index.duration_ms == 61_000


def test_frame_without_length_lasts_a_millisecond():
    """A GOP always covers some time."""
    index = playback.build_index([segment(0, 0, [Frame(0, is_key=True, duration_ms=0)])])
    assert index.duration_ms == 1


def test_frames_that_the_file_cuts_off_are_decoded_and_not_shown():
    """Only the last frame before the presentation is shown, from the start of the presentation."""
    frames = [Frame(-2000, is_key=True), Frame(-1000), Frame(-400), Frame(600)]
    index = playback.build_index([segment(0, 0, frames)])
    assert header_frames(index.gops[0]) == [
        (10, 0, True),
        (10, 0, True),
        (10, 0, False),
        (10, 600, False),
    ]


def test_gop_that_shows_nothing_is_left_out():
    """A GOP wholly before the presentation has no record."""
    frames = [Frame(-2000, is_key=True), Frame(-1000), Frame(0, is_key=True)]
    assert len(playback.build_index([segment(0, 0, frames)]).gops) == 1


def test_gop_whose_frames_are_all_cut_is_left_out():
    """A frame that precedes its own keyframe cannot be decoded and does not count."""
    frames = [Frame(-500, is_key=True), Frame(700, is_key=True), Frame(-100)]
    index = playback.build_index([segment(0, 0, frames)])
    assert [gop.start_ms for gop in index.gops] == [700]


def test_rotation_makes_a_second_configuration():
    """GOPs name the configuration they need; equal ones are written once."""
    index = playback.build_index(
        [
            segment(0, 0, gops(1)),
            segment(1, 1000, gops(1), size=(960, 448)),
            segment(2, 2000, gops(1)),
            segment(3, 3000, gops(1), rotation_degrees=90),
        ]
    )
    assert [gop.config for gop in index.gops] == [0, 1, 0, 2]
    assert [config.rotation_degrees for config in index.configs] == [0, 0, 90]


def test_index_is_written_as_the_page_reads_it():
    """The page's own test (`tests/unit/js/index.test.js`) reads these bytes."""
    segments = [
        segment(0, 0, gops(2, 1, every_ms=300)),
        segment(1, 9000, [Frame(0, is_key=True, size_bytes=200)], size=(960, 448)),
    ]
    assert playback.encode_index(playback.build_index(segments)).hex() == (
        "50484931904e020b617663312e343243303146060142c01fffe1c003c007000b"
        "617663312e343243303146060142c01fffe1c007c0030003"
        "00d8041a100002d804e8070d0d0001d041e807cc01cc010101"
    )
    assert playback.build_index(segments).gops[0].header.hex() == "02140014d804"


def test_version_of_an_earlier_state_stays_valid_while_a_replay_grows():
    """The page keeps reading the stream it knows, even if the new segment cuts the last one."""
    known = [segment(0, 0, gops(5)), segment(1, 5000, gops(5))]
    name = playback.make_version(known)
    grown = [segment(2, 9000, gops(5)), *known]
    assert playback.find_segments_of_version(grown, name) == known
    assert playback.make_version(grown) != name


def test_version_stays_valid_when_videos_move_to_another_object():
    """Sealing changes where videos lie, and nothing of the stream that a page reads."""
    known = [segment(0, 0, gops(5)), segment(1, 5000, gops(5))]
    moved = [
        dataclasses.replace(each, object_key="sealed", object_offset=700 * each.segment_id)
        for each in known
    ]
    assert playback.make_version(moved) == playback.make_version(known)
    assert playback.find_segments_of_version(moved, playback.make_version(known)) == moved


def test_version_ends_when_a_segment_arrives_in_the_middle():
    """The segments of the old version are no longer found, so the page fetches the index again."""
    known = [segment(0, 0, gops(5)), segment(2, 10_000, gops(5))]
    name = playback.make_version(known)
    assert playback.find_segments_of_version([*known, segment(1, 5000, gops(5))], name) is None


@pytest.mark.parametrize("name", ["", "1", "-", "x-00", "3-00", "²-00", "9" * 5000 + "-00"])
def test_version_that_names_no_state_is_refused(name):
    """Whatever a request holds, the answer is None."""
    assert playback.find_segments_of_version([segment(0, 0, gops(1))], name) is None


def test_damaged_layout_is_told():
    """A damaged layout in the database raises an error; layouts were checked when written."""
    broken = PlayableSegment(0, START_MS, START_MS, "k", 0, 1, b"\xff")
    with pytest.raises(MalformedInput):
        playback.build_index([broken])


@st.composite
def _gop(draw: st.DrawFn, start_ms: int) -> list[Frame]:
    """Draw a GOP: uneven times, the frames after the keyframe in any decode order."""
    steps = draw(st.lists(st.integers(1, 1500), max_size=5))
    times = [start_ms + sum(steps[: n + 1]) for n in range(len(steps))]
    sizes = st.integers(8, 40)
    holes = st.sampled_from([0, 0, 0, 7, 20_000])
    rest = [Frame(time, False, draw(sizes), draw(holes)) for time in draw(st.permutations(times))]
    return [Frame(start_ms, True, draw(sizes), draw(holes)), *rest]


@st.composite
def _segments(draw: st.DrawFn) -> tuple[list[PlayableSegment], dict[int, list[Frame]], Objects]:
    """Draw a replay: uneven frames, overlaps, equal starts, gaps, turns."""
    objects = Objects()
    segments, drawn = [], {}
    for segment_id in range(draw(st.integers(1, 6))):
        start_ms = draw(st.integers(0, 12)) * 700
        frames: list[Frame] = []
        for _ in range(draw(st.integers(1, 3))):
            last_ms = max((frame.time_ms for frame in frames), default=-1)
            frames += draw(_gop(last_ms + draw(st.integers(1, 900))))
        drawn[segment_id] = frames
        segments.append(
            segment(
                segment_id,
                start_ms,
                frames,
                objects=objects,
                size=draw(st.sampled_from([(448, 960), (960, 448)])),
                object_offset=draw(st.sampled_from([0, 33])),
            )
        )
    return segments, drawn, objects


def _due_by_hand(segments: list[PlayableSegment], drawn: dict[int, list[Frame]], at_ms: int) -> str:
    """Say what is due by looking at every frame of every segment."""
    zero_ms = min(playable.started_at_ms for playable in segments)
    shown: list[tuple[int, str]] = []
    end_ms = 0
    for playable in sorted(
        segments,
        key=lambda playable: (
            playable.started_at_ms,
            playable.segment_id,
        ),
    ):
        start_ms = playable.started_at_ms - zero_ms
        later = [
            o.started_at_ms - zero_ms for o in segments if o.started_at_ms > playable.started_at_ms
        ]
        cut_ms = min(later, default=1 << 60)
        twins = [o for o in segments if o.started_at_ms == playable.started_at_ms]
        is_first = playable.segment_id == min(twin.segment_id for twin in twins)
        from_ms = start_ms if is_first else end_ms
        frames = [
            (start_ms + frame.time_ms, f"{playable.segment_id}/{number}")
            for number, frame in enumerate(drawn[playable.segment_id])
        ]
        begun = max((time_ms for time_ms, _ in frames if time_ms <= from_ms), default=from_ms)
        own_end_ms = max(time_ms for time_ms, _ in frames) + 1000
        visible = [
            (max(time_ms, from_ms), name)
            for time_ms, name in frames
            if begun <= time_ms < cut_ms and from_ms < min(cut_ms, own_end_ms)
        ]
        shown += visible
        lasting_ms = max(
            time_ms + frame.duration_ms
            for (time_ms, _), frame in zip(frames, drawn[playable.segment_id], strict=True)
        )
        # A segment that shows nothing takes no time from its twin.
        end_ms = max(from_ms, min(cut_ms, lasting_ms)) if visible else from_ms
    begun_frames = [frame for frame in shown if frame[0] <= at_ms]
    return max(begun_frames, key=lambda frame: frame[0])[1] if begun_frames else min(shown)[1]


@settings(max_examples=150)
@given(_segments(), st.lists(st.integers(0, 16_000), min_size=3, max_size=12))
async def test_index_agrees_with_a_look_at_every_frame(replay, times_ms):
    """Whatever the segments, the frame the index finds at a time is the one that is due."""
    segments, drawn, objects = replay
    index = playback.build_index(segments)
    store = cast("ObjectStore", objects)
    starts = [gop.start_ms for gop in index.gops]
    assert starts == sorted(set(starts))
    for at_ms in [*times_ms, *starts, index.duration_ms]:
        gop = index.gops[index.gop_at(at_ms)]
        span = (gop.offset, gop.offset + gop.size_bytes)
        record = b"".join([part async for part in stream.read_stream(store, index, *span)])
        assert len(record) == gop.size_bytes
        assert due_frame(gop, record, at_ms) == _due_by_hand(segments, drawn, at_ms)
