"""Tests of the reasons for time without video."""

from app.formats.replay.activity import Breadcrumb
from app.playback.recording import gaps
from app.playback.recording.gaps import ExplainedGap, GapCause
from app.playback.video.index import Gap
from tests.unit.playback import building
from tests.unit.playback.building import START_MS

BEFORE = building.segment(3, 0, building.gops(5))
AFTER = building.segment(6, 60_000, building.gops(5))
GAP = Gap(5_000, 60_000)


def crumb(at_ms: int, category: str, **data: object) -> Breadcrumb:
    """Make a breadcrumb at a time on the replay clock."""
    return Breadcrumb(START_MS + at_ms, category, None, None, data)


def explain(*crumbs: Breadcrumb, stored: set[int], gap: Gap = GAP) -> ExplainedGap:
    """Explain one gap between segments 3 and 6."""
    (explained,) = gaps.explain_gaps(
        [gap],
        playable=[BEFORE, AFTER],
        stored_ids=stored,
        breadcrumbs=crumbs,
        zero_ms=START_MS,
    )
    assert (explained.start_ms, explained.end_ms) == (gap.start_ms, gap.end_ms)
    return explained


def cause(*crumbs: Breadcrumb, stored: set[int]) -> GapCause:
    """Return the cause of the gap between segments 3 and 6."""
    return explain(*crumbs, stored=stored).cause


def test_missing_segments_are_named():
    """Ids that never arrived are the surest reason, whatever the app was doing."""
    away = crumb(5_000, "app.background")
    assert explain(away, stored={3, 5, 6}) == ExplainedGap(5_000, 60_000, "lost_segments", 4, 4)
    assert explain(away, stored={3, 6}) == ExplainedGap(5_000, 60_000, "lost_segments", 4, 5)


def test_an_app_in_the_background_is_not_recorded():
    """The note may come up to two seconds before the gap, or inside it."""
    for at_ms in (3_000, 5_500):
        assert cause(crumb(at_ms, "app.background"), stored={3, 4, 5, 6}) == "background"


def test_a_note_far_away_explains_nothing():
    """Leaving the app long before or after the gap does not explain it."""
    far = (crumb(2_999, "app.background"), crumb(60_001, "app.background"))
    gap = explain(*far, stored={3, 6, 4, 5})
    assert gap == ExplainedGap(5_000, 60_000, "no_video", 4, 5)


def test_no_network_pauses_a_recording():
    """Android says offline, iOS none; a network that comes back ends the gap, whose cause stays."""
    for state in ("offline", "none"):
        lost = crumb(1_000, "device.connectivity", state=state)
        back = crumb(59_000, "device.connectivity", state="wifi")
        assert cause(lost, back, stored={3, 4, 5, 6}) == "offline"


def test_a_network_that_was_back_in_time_explains_nothing():
    """The last state before the gap counts, and an odd state is ignored."""
    lost = crumb(1_000, "device.connectivity", state="offline")
    back = crumb(2_000, "device.connectivity", state="wifi")
    odd = crumb(2_500, "device.connectivity", state=["offline"])
    assert cause(lost, back, odd, stored={3, 4, 5, 6}) == "no_video"


def test_consecutive_segments_without_a_note_were_not_recorded():
    """Nothing is missing and nothing is known: the page does not guess."""
    following = building.segment(4, 60_000, building.gops(5))
    (explained,) = gaps.explain_gaps(
        [GAP], playable=[BEFORE, following], stored_ids={3, 4}, breadcrumbs=(), zero_ms=START_MS
    )
    assert explained.cause == "unknown"


def test_the_gap_after_the_last_picture_is_explained_too():
    """The gap names the segments after the last one with video."""
    end = Gap(65_000, 70_000)
    explained = explain(stored={3, 6, 7}, gap=end)
    assert explained == ExplainedGap(65_000, 70_000, "no_video", 7, 7)


def test_missing_ids_count_from_zero():
    """A replay that begins with segment 2 misses 0 and 1; none stored misses none."""
    assert gaps.find_missing_ids({2, 3, 5}) == [0, 1, 4]
    assert gaps.find_missing_ids(set()) == []
