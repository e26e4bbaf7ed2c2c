"""Segments cover the take as a phone's do, and show what was on the screen."""

import io
from itertools import pairwise

import av
import pytest
from av.container import InputContainer
from PIL import Image, ImageChops, ImageStat

from app.demo import segments, story
from app.demo.phone import Dice
from app.demo.segments import Camera
from app.demo.shop import PEOPLE
from app.demo.usage_log import UsageLog

ENDED_MS = 1_795_480_000_000


@pytest.fixture(scope="module")
def usage() -> UsageLog:
    """Return one played story."""
    return story.play_story(Dice(3), PEOPLE[0])


def test_segments_follow_without_a_gap_except_in_the_background(usage: UsageLog):
    """Each begins where the last ended; the one gap is the time the app was away."""
    windows = segments.cut_windows(usage)
    gaps = [(before.ended_ms, after.started_ms) for before, after in pairwise(windows)
            if before.ended_ms != after.started_ms]  # fmt: skip
    ((left_ms, back_ms),) = usage.away_ms
    assert gaps == [(43_000, back_ms)]
    assert 0 <= 43_000 - left_ms < 1_000
    assert [window.segment_id for window in windows] == list(range(len(windows)))


def test_segments_last_five_seconds_unless_something_ends_them(usage: UsageLog):
    """Rotation, background and crash make short ones."""
    short = [(w.started_ms, w.frames) for w in segments.cut_windows(usage) if w.frames != 5]
    assert short == [(20_000, 4), (29_000, 3), (42_000, 1), (92_600, 2)]


def test_a_segment_has_one_size(usage: UsageLog):
    """Around a rotation, every frame of a segment has the orientation of its first."""
    for window in segments.cut_windows(usage):
        assert len({usage.state_at(at_ms).is_wide for at_ms in window.frame_times}) == 1


def test_only_the_last_segment_is_recovered(usage: UsageLog):
    """The crash leaves one segment for the next launch, and it holds the moment of the crash."""
    *others, last = segments.cut_windows(usage)
    assert last.is_recovered
    assert not any(window.is_recovered for window in others)
    assert last.started_ms <= usage.ended_ms <= last.ended_ms


@pytest.mark.parametrize("segment_id", [0, 5, 10, 13])
def test_every_frame_shows_the_second_it_stands_for(usage: UsageLog, segment_id: int):
    """Decoded, each frame is the picture of its moment and no other of the segment."""
    window = segments.cut_windows(usage)[segment_id]
    camera = Camera(usage, ENDED_MS - usage.ended_ms)
    wanted = [camera.take_frame(at_ms) for at_ms in window.frame_times]
    decoded = _decoded(camera.film(window).data)
    assert len(decoded) == len(wanted)
    for at, picture in enumerate(decoded):
        distances = [_distance(picture, other) for other in wanted]
        assert distances[at] == min(distances)
        assert distances[at] < 4


def _decoded(data: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(data)) as container:
        assert isinstance(container, InputContainer)
        return [frame.to_image() for frame in container.decode(video=0)]  # type: ignore[no-untyped-call]  # PyAV


def _distance(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def test_what_does_not_change_is_painted_once(usage: UsageLog):
    """A held frame is the very same picture."""
    camera = Camera(usage, ENDED_MS - usage.ended_ms)
    assert camera.take_frame(11_000) is camera.take_frame(12_000)
    assert camera.take_frame(13_000) is not camera.take_frame(12_000)
