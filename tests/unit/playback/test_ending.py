"""Tests of how a replay ended."""

from datetime import timedelta
from typing import Any

import pytest

from app.core import units
from app.core.ids import ProjectId
from app.core.replay.replay_window import ClockStep
from app.formats.events import event
from app.issues.events.replay_events import LinkedCount, LinkedCounts
from app.playback import ending
from app.playback.links import linked_errors
from tests.unit.playback.stored import START, replay

APP = ProjectId(1)


def ended(
    kind: str | None = None, *, at_s: float = 0, last_ms: int | None = 2_000, **changes: Any
) -> str:
    """Infer the end of a replay of one minute, with an event of the app if a kind is given."""
    at = START + timedelta(seconds=at_s)
    by_kind = (LinkedCount(APP, "java", kind, 1, at),) if kind else ()
    counts = LinkedCounts(by_kind, is_at_least=False)
    return ending.infer_ending(
        replay(**changes), linked_errors.add_up_errors(APP, counts), last_ms=last_ms
    )


@pytest.mark.parametrize("kind", sorted(event.CRASHES))
def test_a_crash_at_the_end_ends_a_replay(kind: str):
    """A crash counts seconds before the end of the last segment, and after it."""
    assert ended(kind, at_s=46) == "crashed"
    assert ended(kind, at_s=90) == "crashed"


def test_a_crash_long_before_the_end_did_not_end_it():
    """A crash that the replay outlived belongs to another run."""
    assert ended("crash", at_s=20) == "closed"


@pytest.mark.parametrize("kind", sorted(event.HANGS))
def test_a_hang_at_the_end_ends_a_replay(kind: str):
    """ANRs and app hangs alike; one that the app got over did not."""
    assert ended(kind, at_s=58) == "not_responding"
    assert ended(kind, at_s=30) == "closed"


def test_an_error_does_not_end_a_replay():
    """Handled errors are everyday."""
    assert ended("error", at_s=59) == "closed"


def test_an_app_that_left_last_is_in_the_background():
    """Only if it did not come back, and the end followed at once."""
    end = START + timedelta(minutes=1)
    left = end - timedelta(seconds=2)
    assert ended(background_at=left, foreground_at=START) == "in_background"
    assert ended(background_at=left, foreground_at=end) == "closed"
    assert ended(background_at=START + timedelta(seconds=20)) == "closed"
    assert ended("crash", at_s=59, background_at=left) == "crashed"


def test_an_hour_is_the_limit_of_the_sdks():
    """A replay of nearly an hour met the SDKs' limit, unless the app crashed at that moment."""
    hour = START + timedelta(minutes=59, seconds=55)
    assert ended(ended_at=hour) == "60-minute_limit"
    assert ended("crash", at_s=3_595, ended_at=hour) == "crashed"
    assert ended("anr", at_s=3_595, ended_at=hour) == "60-minute_limit"


def test_a_recording_that_ends_with_a_whole_segment_was_cut():
    """An SDK that is stopped sends the segment it has begun; every other sign goes first."""
    end = START + timedelta(minutes=1)
    assert ended(last_ms=4_899, video_segments=9) == "closed"
    assert ended(last_ms=4_900, video_segments=9) == "cut"
    assert ended(last_ms=None, video_segments=9) == "closed"
    assert ended(last_ms=5_000, video_segments=0) == "closed"
    assert ended("crash", at_s=59, last_ms=5_000, video_segments=9) == "crashed"
    assert ended(last_ms=5_000, video_segments=9, background_at=end) == "in_background"


def test_an_ending_follows_a_clock_that_was_set():
    """The last crash, and the last change to the background, count by the replay's clock."""
    half, hour = timedelta(seconds=30), timedelta(hours=1)
    start_ms = units.ms_from_at(START)
    steps = (
        ClockStep(0, 0, 40, start_ms, start_ms + 30_000),
        ClockStep(6, 3_600_000, 3_600_040, start_ms - 3_570_000, start_ms - 3_540_000),
    )
    crash_s = (half * 2 - hour).total_seconds() - 1
    assert ended("crash", at_s=crash_s, clock_steps=steps) == "crashed"
    left = START + half * 2 - hour - timedelta(seconds=2)
    assert ended(background_at=left, clock_steps=steps) == "in_background"
    assert ended(background_at=START + half, clock_steps=steps) == "closed"
