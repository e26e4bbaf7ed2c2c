"""Tests of when replays are drawn, and which of their pictures are decoded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.ids import ProjectId, ReplayId
from app.formats.replay.recording_summary import RecordingCounts
from app.formats.stored import video_layout
from app.formats.video import mp4
from app.media import wire
from app.playback.pictures import draw, schedule
from app.playback.video import index, records, stored_records, stream
from app.replays.model import PlayableSegment, Replay, ReplayKey
from app.replays.pictures import DrawnPictures, PictureSizes, PictureTask
from tests.support.builders.clips import clip

BEGAN = datetime(2026, 8, 6, 7, 0, tzinfo=UTC)
KEY = ReplayKey(ProjectId(1), ReplayId("a" * 32))
MADE = DrawnPictures("p/1/r/x/pictures-1", 12, None, PictureSizes(1, 1, 1, 1, 1, 1, 1, 1, 1, (1,)))
TASK = PictureTask(KEY, BEGAN, 1, BEGAN, None, None)


def at(seconds: float) -> datetime:
    """Return the time `seconds` after the replay began to arrive."""
    return BEGAN + timedelta(seconds=seconds)


def replay(*, last_s: float, video_segments: int = 12) -> Replay:
    """Make a replay whose last segment came `last_s` seconds after its start."""
    return Replay(
        key=KEY,
        first_received_at=BEGAN,
        last_received_at=at(last_s),
        started_at=BEGAN,
        ended_at=at(last_s),
        drift_ms=0,
        replay_type=None,
        facts={},
        user={},
        screens=(),
        background_at=None,
        foreground_at=None,
        segments=12,
        video_segments=video_segments,
        video_ms=0,
        video_bytes=0,
        frames=0,
        counts=RecordingCounts(),
    )


@pytest.mark.parametrize(
    ("last_s", "error_ms", "now_s", "due_s"),
    [
        (10, None, 11, 25),  # it may go on: wait until it has been quiet
        (10, None, 40, 40),  # quiet for long: now
        (58, None, 59, 60),  # never quiet: after a minute
        (10, 5_000, 11, 11),  # with an error people look at once
        (0, 0, 1, 3),
    ],
)
def test_a_new_replay_is_drawn_when_it_is_quiet_or_has_an_error(last_s, error_ms, now_s, due_s):
    """Fifteen seconds after its last segment, a minute after its first, at an error at once."""
    due_at = schedule.find_due_time(replay(last_s=last_s), TASK, error_ms, now=at(now_s))
    assert due_at == at(due_s)


@pytest.mark.parametrize(
    ("made_s", "last_s", "due_s"),
    [
        (60, 61, 76),  # it has ended
        (60, 119, 120),  # it goes on: a minute later
        (600, 899, 900),  # half as long again
        (600, 880, 895),
    ],
)
def test_a_replay_that_grows_is_drawn_when_it_is_quiet_or_half_as_long_again(made_s, last_s, due_s):
    """All drawings of a replay together cost no more than three times the last one."""
    task = replace(TASK, made_at=at(made_s), made=replace(MADE, video_segments=11))
    assert schedule.find_due_time(replay(last_s=last_s), task, None, now=at(made_s)) == at(due_s)


def test_right_pictures_are_left_alone():
    """Nothing new: nothing to do. A new first error: at once. No video: nothing to draw."""
    task = replace(TASK, made_at=at(100), made=MADE)
    whole = replay(last_s=60)
    assert schedule.find_due_time(whole, task, None, now=at(200)) is None
    assert schedule.find_due_time(whole, task, 5_000, now=at(200)) == at(200)
    assert (
        schedule.find_due_time(replay(last_s=1, video_segments=0), TASK, None, now=at(200)) is None
    )


def test_failures_end_after_the_third():
    """Drawing is tried again after one minute and after ten minutes, and then not again."""
    assert schedule.find_retry_time(1, now=BEGAN) == at(60)
    assert schedule.find_retry_time(2, now=BEGAN) == at(600)
    assert schedule.find_retry_time(3, now=BEGAN) is None


def _built(count: int, **changes: int) -> index.PlaybackIndex:
    video = clip(**changes)
    packed = video_layout.pack_layout(mp4.read_video(memoryview(video)))
    segments = [
        PlayableSegment(n, n * 5000, n * 5000 + 5000, f"p/{n // 2}", 0, len(video), packed)
        for n in range(count)
    ]
    return index.build_index(segments)


def test_headers_of_records_are_read_back():
    """Times, sizes and what is shown come out of a record's header as they went in."""
    video = mp4.read_video(memoryview(clip(frames=8, b_frames=2)))
    [gop, *_] = _built(1, frames=8, b_frames=2).gops
    samples = records.read_coded_pictures(gop)
    assert [sample.size_bytes for sample in samples] == [
        sample.size_bytes for sample in video.samples[: len(samples)]
    ]
    assert (
        sorted(sample.at_ms for sample in samples if sample.is_shown)
        == [n * 1000 for n in range(len(samples)) if n * 1000 < gop.end_ms][
            : sum(sample.is_shown for sample in samples)
        ]
    )
    assert sum(sample.size_bytes for sample in samples) == sum(span.length for span in gop.spans)


def test_runs_stay_within_an_object_and_a_read(monkeypatch):
    """GOPs that lie together are read together, up to the size of a read."""
    gops = _built(6).gops
    assert [len(run) for run in stored_records.split_into_runs(gops)] == [2, 2, 2]
    monkeypatch.setattr(stream, "READ_BYTES", 100)
    assert [len(run) for run in stored_records.split_into_runs(gops)] == [1] * 6


def test_of_a_replay_with_too_many_frames_keyframes_are_looked_at():
    """Then a group is its keyframe alone, marked as the poster where it stands for its moment."""
    built = _built(1)
    record = memoryview(bytes(built.size_bytes))
    whole = draw._make_group(built, built.gops[0], record, poster_ms=2_500, is_whole=True)
    assert [sample.marks for sample in whole.samples] == [1, 1, 3, 1, 1]
    short = draw._make_group(built, built.gops[0], record, poster_ms=2_500, is_whole=False)
    assert [sample.marks for sample in short.samples] == [wire.WANTED | wire.POSTER]
