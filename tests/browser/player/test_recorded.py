"""Recorded replays in Chromium: the second that is drawn is the second that is due."""

import random

import pytest

from tests.browser.player import truth
from tests.browser.player.conftest import FAMILIES, OTHERS
from tests.browser.player.watching import Watching, find_wrong_refreshes


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Return the name of each recorded family in turn."""
    name: str = request.param
    return name


def test_every_frame_can_be_sought(watching: Watching, engine: str, family: str):
    """Each seek shows the due frame in its size, and no other picture on the way."""
    facts = truth.of_family(family)
    state = watching.open(family)
    assert (state["engine"], state["duration_ms"]) == (engine, facts.duration_ms)
    dice = random.Random(family)
    times = [frame.at_ms + dice.choice([0, 1, 350]) for frame in facts.frames]
    times += [frame.at_ms - 1 for frame in facts.frames[1:]] + [facts.duration_ms]
    dice.shuffle(times)
    previous_colour = facts.at(0).colour
    for at_ms in times[:60]:
        due = facts.at(at_ms)
        colours = watching.look("seek", at_ms, due.at_ms)
        assert colours in ([previous_colour, due.colour], [due.colour]), f"at {at_ms} ms"
        watching.check_picture_size(due.size)
        previous_colour = due.colour


def test_every_other_family_plays_correctly(watching: Watching):
    """Every other family shows the due frames after random seeks and in fast play."""
    for family in OTHERS:
        facts = truth.of_family(family)
        assert watching.open(family)["duration_ms"] == facts.duration_ms
        times = random.Random(family).sample([frame.at_ms + 350 for frame in facts.frames], 5)
        for at_ms in times:
            due = facts.at(at_ms)
            assert watching.look("seek", at_ms, due.at_ms)[-1] == due.colour, (family, at_ms)
        watching.look("seek", 0, 0)
        assert find_wrong_refreshes(watching.look("play", 16, 12_000), facts) == [], family


def test_the_second_of_twin_segments_hides_no_frame():
    """Each second is shown once when two segments start together: the lower one's come first."""
    facts = truth.of_family("android-rotation-a")
    assert [frame.colour for frame in facts.frames] == [
        frame.at_ms // 1000 % 8 for frame in facts.frames
    ]


@pytest.mark.parametrize("rate", [8, 16])
def test_fast_play_shows_the_due_frames(watching: Watching, family: str, rate: int):
    """Fast play shows the due frame on every refresh, and leaves out no long frame."""
    facts = truth.of_family(family)
    watching.open(family)
    refreshes = watching.look("play", rate, facts.duration_ms + 1)
    assert find_wrong_refreshes(refreshes, facts) == []
    shown_times_ms = {shown_ms for _, _, shown_ms, *_ in refreshes}
    lengths = zip(facts.frames, [*facts.frames[1:], None], strict=True)
    long_frames_ms = [a.at_ms for a, b in lengths if b and b.at_ms - a.at_ms >= 150 * rate]
    assert [at_ms for at_ms in long_frames_ms if at_ms not in shown_times_ms] == []
    state = watching.state()
    assert (state["playing"], state["at_ms"]) == (False, facts.duration_ms)


def test_play_at_normal_speed_shows_the_due_frames(watching: Watching):
    """At normal speed one second of the replay takes one second and shows the due frames."""
    facts = truth.of_family("android-vfr-a")
    watching.open("android-vfr-a", 4300)
    refreshes = watching.look("play", 1, 6200)
    assert find_wrong_refreshes(refreshes, facts) == []
    assert {shown_ms for _, _, shown_ms, *_ in refreshes} >= {4500, 5000}


def test_gaps_are_skipped_unless_skipping_is_off(watching: Watching):
    """The clock jumps over a gap, or holds the last frame when skipping is off."""
    facts = truth.of_family("android-gap-a")
    (start_ms, end_ms) = facts.gaps[0]
    state = watching.open("android-gap-a", start_ms - 1500)
    assert state["gaps"] == [{"start_ms": start_ms, "end_ms": end_ms}]
    refreshes = watching.look("play", 4, end_ms + 500)
    assert [at_ms for at_ms, *_ in refreshes if start_ms <= at_ms < end_ms] == []
    watching.request("skip_gaps", on=False)
    watching.look("seek", start_ms - 100, facts.at(start_ms - 100).at_ms)
    refreshes = watching.look("play", 16, end_ms + 500)
    held = [
        (colour, in_gap) for at_ms, colour, *_, in_gap in refreshes if start_ms <= at_ms < end_ms
    ]
    assert len(held) > 10
    assert set(held) == {(facts.at(start_ms).colour, True)}


def test_a_seek_into_a_gap_holds_the_last_frame(watching: Watching):
    """A seek into a gap holds the last frame and reports the gap; play leaves it at once."""
    facts = truth.of_family("android-gap-a")
    (start_ms, end_ms) = facts.gaps[0]
    watching.open("android-gap-a")
    watching.look("seek", start_ms + 4000, facts.at(start_ms).at_ms)
    state = watching.state()
    assert state["in_gap"] == {"start_ms": start_ms, "end_ms": end_ms}
    assert state["at_ms"] == start_ms + 4000
    assert watching.look("colour") == facts.at(start_ms).colour
    refreshes = watching.look("play", 1, end_ms + 300)
    assert all(at_ms >= end_ms or at_ms == start_ms + 4000 for at_ms, *_ in refreshes)


def test_a_page_can_open_in_the_middle(watching: Watching, family: str):
    """The first picture is the one due at the time at which the page was opened."""
    facts = truth.of_family(family)
    at_ms = facts.duration_ms // 2
    state = watching.open(family, at_ms)
    assert (state["status"], state["at_ms"]) == ("ready", at_ms)
    assert watching.look("colour") == facts.at(at_ms).colour


def test_steps_go_frame_by_frame(watching: Watching):
    """Steps go forward and back by frames, also across the borders of segments."""
    facts = truth.of_family("android-rotation-a")
    watching.open("android-rotation-a", 15_000)
    index = facts.frames.index(facts.at(15_000))
    for frames in [1, 1, 1, -1, 4, -1, -1, -3, -3]:
        watching.request("step", frames=frames)
        index += frames
        due = facts.frames[index]
        watching.until(f"s.shown_ms === {due.at_ms}")
        watching.look("frames", 2)
        assert watching.look("colour") == due.colour
