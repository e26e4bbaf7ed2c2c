"""Tests of the words for time without video."""

import pytest

from app.playback.recording.gaps import ExplainedGap, GapCause
from app.web.replay.panels.gap_rows import gap_row


@pytest.mark.parametrize(
    ("cause", "segment_ids", "reason", "short_reason"),
    [
        ("lost_segments", (4, 4), "segment 4 never arrived", "missing"),
        ("lost_segments", (4, 5), "segments 4 to 5 never arrived", "missing"),
        ("background", (None, None), "app in background", "in background"),
        ("offline", (None, None), "offline", "offline"),
        ("no_video", (4, 5), "segment 4 has no video", "no video"),
        ("unknown", (None, None), "not recorded", "not recorded"),
    ],
)
def test_every_cause_has_a_sentence_and_a_label(
    cause: GapCause,
    segment_ids: tuple[int | None, int | None],
    reason: str,
    short_reason: str,
):
    """The player shows both as they come, so it parses neither."""
    row = gap_row(ExplainedGap(5_000, 9_000, cause, *segment_ids))
    assert (row.reason, row.short_reason) == (reason, short_reason)
