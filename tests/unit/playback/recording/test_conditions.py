"""Tests of the conditions that phone and app were in."""

from app.formats.replay.activity import Breadcrumb
from app.playback.recording.conditions import find_conditions

ZERO_MS = 1_795_000_000_000


def crumb(at_ms: int, category: str, **data: object) -> Breadcrumb:
    """Make a breadcrumb at a time on the replay clock."""
    return Breadcrumb(ZERO_MS + at_ms, category, None, None, data)


def laid_out(*crumbs: Breadcrumb) -> list[tuple[int, int, str]]:
    """Lay conditions out over a minute."""
    conditions = find_conditions(crumbs, zero_ms=ZERO_MS, duration_ms=60_000)
    return [(condition.start_ms, condition.end_ms, condition.text) for condition in conditions]


def test_an_app_is_in_the_background_until_it_comes_back():
    """The last stretch goes on to the end; a word said twice changes nothing."""
    assert laid_out(
        crumb(0, "app.foreground"),
        crumb(5_000, "app.background"),
        crumb(6_000, "app.background"),
        crumb(9_000, "app.foreground"),
        crumb(50_000, "app.background"),
    ) == [(5_000, 9_000, "in background"), (50_000, 60_000, "in background")]


def test_network_and_orientation_have_their_own_stretches():
    """Android says offline, iOS none; stretches of different kinds may overlap."""
    assert laid_out(
        crumb(1_000, "device.connectivity", state="none"),
        crumb(2_000, "device.orientation", position="landscape"),
        crumb(3_000, "device.connectivity", state="wifi"),
        crumb(4_000, "device.orientation", position="portrait"),
    ) == [(1_000, 3_000, "offline"), (2_000, 4_000, "landscape")]


def test_a_battery_is_low_while_it_is_not_charging():
    """A note without a level says nothing, unless that it is charging."""
    assert laid_out(
        crumb(0, "device.battery", level=76.0, charging=False),
        crumb(1_000, "device.battery", level=15, charging=False),
        crumb(2_000, "device.battery"),
        crumb(3_000, "device.battery", charging=True),
        crumb(4_000, "device.battery", level=9, charging=True),
    ) == [(1_000, 3_000, "low battery")]


def test_notes_outside_of_the_replay_are_brought_to_its_edges():
    """A condition that began before the recording lasts from the start of the recording."""
    assert laid_out(
        crumb(-500, "app.background"), crumb(99_000, "app.foreground"), crumb(99_500, "ui.tap")
    ) == [(0, 60_000, "in background")]
