"""Tests of which pictures a clip shows from when on."""

import itertools

import pytest

from app.core.errors import InvalidInput
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.playback.clips import marks, timeline
from app.playback.clips.captions import CaptionEvent, ClipCaptions
from app.playback.clips.timeline import ClipTimeline, ShownPicture, list_shown_pictures, plan_clip
from app.playback.recording.gestures import Gesture, TouchPoint
from app.playback.video.index import PlaybackIndex, build_index
from tests.unit.playback.building import START_MS, gops, segment


def build(*starts_s: float, frames: int = 5, every_ms: int = 1_000) -> PlaybackIndex:
    """Make an index of segments of five seconds that begin at some times."""
    length_ms = frames * every_ms
    return build_index(
        [
            segment(
                number,
                START_MS + round(start_s * 1_000),
                gops(frames, every_ms=every_ms),
                declared_ms=length_ms,
            )
            for number, start_s in enumerate(starts_s)
        ]
    )


def plan(index: PlaybackIndex, wanted: ReplayRange, **changes: object) -> ClipTimeline:
    """Plan an MP4 of a range."""
    pictures = list_shown_pictures(index, wanted)
    return plan_clip(index, pictures, ClipFormat.MP4, **changes)  # type: ignore[arg-type]


def list_times(planned: ClipTimeline) -> list[int]:
    """List the times of all shots, which must grow."""
    times = [shot.at_ms for shots in planned.shots.values() for shot in shots]
    assert all(before < after for before, after in itertools.pairwise(times))
    return times


def tap(at_ms: int) -> Gesture:
    """Make a tap."""
    return Gesture("tap", 0, (448, 960), (TouchPoint(at_ms, 9, 9),))


def test_the_picture_that_is_on_the_screen_begins_the_clip():
    """A range within a picture begins with it, at 0, and ends within another one."""
    planned = plan(build(0, 5), ReplayRange(2_400, 6_500))
    assert list_times(planned) == [0, 600, 1_600, 2_600, 3_600]
    assert [shot.sample for shot in planned.shots[0]] == [2, 3, 4]
    assert planned.duration_ms == 4_100
    assert planned.last_ms == 500


def test_a_gap_is_a_second_that_says_how_long_it_was():
    """The picture before it stays; the next one follows at once."""
    planned = plan(build(0, 95), ReplayRange(3_000, 97_000))
    assert list_times(planned) == [0, 1_000, 2_000, 3_000, 4_000]
    assert [shot.notice for shot in planned.shots[0]] == ["", "", "1:30 without video"]
    assert planned.duration_ms == 2_000 + 1_000 + 2_000
    short = plan(build(0, 8), ReplayRange(4_000, 9_000))
    assert [shot.notice for shot in short.shots[0]] == ["", "3 s without video"]


def test_a_short_hole_is_no_gap():
    """Phones leave some hundred milliseconds between segments: the picture stays."""
    planned = plan(build(0, 5.9), ReplayRange(0, 10_000))
    assert planned.duration_ms == 10_000
    assert not any(shot.notice for shots in planned.shots.values() for shot in shots)


def test_a_range_that_begins_or_ends_in_a_gap_is_cut_to_its_pictures():
    """There is nothing to show before the first picture, nor after the last."""
    planned = plan(build(0, 60), ReplayRange(20_000, 62_000))
    assert planned.duration_ms == 2_000
    planned = plan(build(0, 60), ReplayRange(3_000, 40_000))
    assert planned.duration_ms == 2_000


def test_a_range_without_video_is_refused():
    """The message names the range as people read it."""
    with pytest.raises(InvalidInput, match="no video from 0:10 to 0:20"):
        list_shown_pictures(build(0, 60), ReplayRange(10_000, 20_000))
    with pytest.raises(InvalidInput, match="no video"):
        list_shown_pictures(build_index([]), ReplayRange(0, 1_000))


def test_ten_pictures_a_second_show_a_tap():
    """For as long as it is to be seen, and one more without it."""
    planned = plan(build(0, frames=1, every_ms=5_000), ReplayRange(0, 5_000), gestures=[tap(1_000)])
    assert list_times(planned) == [0, 1_000, 1_100, 1_200, 1_300, 1_400, 1_500]
    assert [len(shot.marks) for shot in planned.shots[0]] == [0, 1, 1, 1, 1, 1, 0]


def test_a_tap_on_the_phone_as_it_was_held_before_is_left_out():
    """A mark of an upright screen is not put on one that lies."""
    lying = Gesture("tap", 0, (960, 448), (TouchPoint(1_000, 9, 9),))
    planned = plan(build(0), ReplayRange(0, 5_000), gestures=[lying])
    assert not any(shot.marks for shots in planned.shots.values() for shot in shots)


def test_captions_change_when_their_words_do():
    """A new screen, a failure and its end are pictures of their own; the clock goes on."""
    captions = ClipCaptions(((0, "Cart"), (2_500, "Pay")), (CaptionEvent(700, "GET /a 500", True),))
    planned = plan(build(0, frames=1, every_ms=5_000), ReplayRange(0, 5_000), captions=captions)
    told = {
        shot.at_ms: (shot.caption.screen, shot.caption.clock, shot.caption.event)
        for shot in planned.shots[0]
        if shot.caption
    }
    assert told == {
        0: ("Cart", "0:00", ""),
        700: ("Cart", "0:00", "GET /a 500"),
        1_000: ("Cart", "0:01", "GET /a 500"),
        2_000: ("Cart", "0:02", "GET /a 500"),
        2_500: ("Pay", "0:02", "GET /a 500"),
        3_000: ("Pay", "0:03", "GET /a 500"),
        4_000: ("Pay", "0:04", "GET /a 500"),
        4_700: ("Pay", "0:04", ""),
    }


def test_a_long_clip_has_fewer_pictures_instead_of_being_refused(monkeypatch):
    """First gestures move less smoothly; then pictures follow one another more slowly."""
    index = build(*range(0, 100, 5))
    taps = [tap(at_ms) for at_ms in range(250, 100_000, 5_000)]
    monkeypatch.setitem(timeline.MOST_SHOTS, ClipFormat.MP4, 190)
    planned = plan(index, ReplayRange(0, 100_000), gestures=taps)
    assert 100 <= len(list_times(planned)) <= 190
    monkeypatch.setitem(timeline.MOST_SHOTS, ClipFormat.MP4, 40)
    planned = plan(index, ReplayRange(0, 100_000), gestures=taps)
    assert 20 <= len(list_times(planned)) <= 40
    assert planned.duration_ms == 100_000


def test_pictures_that_follow_too_soon_are_put_off():
    """A picture that follows within 20 ms is shown after them, and none is lost."""
    index = build(0, frames=10, every_ms=9)
    planned = plan(index, ReplayRange(0, 90))
    assert list_times(planned) == [0, 20, 40, 60, 80]
    assert [shot.sample for shot in planned.shots[0]] == [0, 2, 4, 6, 8]


def test_a_group_that_cannot_be_decoded_is_a_gap():
    """Its time is cut out, as if it had never come."""
    index = build(0, 5, 10)
    pictures = list_shown_pictures(index, ReplayRange(0, 15_000), without=[5_000])
    assert pictures[4] == ShownPicture(0, 4, 4_000, 5_000, gap_ms=5_000)
    assert {picture.gop for picture in pictures} == {0, 2}


def test_a_finger_that_stays_for_years_is_drawn_in_the_pictures_of_the_clip():
    """An app may say so; only the time of pictures is gone through, in as many steps as shots."""
    years = Gesture("press", 0, (448, 960), (TouchPoint(1_000, 9, 9), TouchPoint(2**41, 9, 9)))
    index = build(0, 60)
    pictures = list_shown_pictures(index, ReplayRange(0, 70_000))
    stretches = timeline._find_drawn_stretches([years, tap(2_000)], pictures)
    assert stretches == [(1_000, 5_000), (60_000, 65_000)]
    assert len(list(timeline._list_ticks([(0, 2**41)], 100, 1_000))) <= 1_000
    planned = plan(index, ReplayRange(0, 70_000), gestures=[years])
    assert all(
        shot.marks for shots in planned.shots.values() for shot in shots if shot.at_ms >= 1e4
    )


def test_thousands_of_fingers_at_once_do_not_multiply():
    """A picture shows the latest ten, and a group of pictures a few thousand at most."""
    fingers = [
        Gesture("swipe", at_ms, (448, 960), (TouchPoint(at_ms, 9, 9), TouchPoint(5_000, 400, 9)))
        for at_ms in range(4_000)
    ]
    planned = plan(build(0), ReplayRange(0, 5_000), gestures=fingers)
    drawn = planned.draw_shots(0)
    assert {len(shot.marks) for shot in drawn[1:]} == {10}
    assert max(mark.finger for mark in drawn[-1].marks) == 3_999


def test_a_trail_of_many_points_has_few_corners():
    """Points that a sender crowds into 700 ms are thinned."""
    crowd = tuple(TouchPoint(1_000 + number // 20, number / 40, 9) for number in range(12_000))
    [mark] = marks.draw_marks([Gesture("swipe", 0, (448, 960), crowd)], 1_600, (448, 960))
    assert 30 < len(mark.points) < 100
