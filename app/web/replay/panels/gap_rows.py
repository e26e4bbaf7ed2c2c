"""Puts the gaps of a replay into words, once for the page and its player."""

from app.playback.recording.gaps import ExplainedGap
from app.web.replay.panels.rows import GapRow


def gap_row(gap: ExplainedGap) -> GapRow:
    """Describe a gap with its cause in words."""
    reason, short_reason = _describe_cause(gap)
    return GapRow(gap.start_ms, gap.end_ms, reason, short_reason)


def _describe_cause(gap: ExplainedGap) -> tuple[str, str]:
    """Return the cause of a gap as part of a sentence, and as a label on the timeline."""
    match gap.cause:
        case "lost_segments":
            return f"{_name_segments(gap)} never arrived", "missing"
        case "background":
            return "app in background", "in background"
        case "offline":
            return "offline", "offline"
        case "no_video":
            return f"segment {gap.first_segment_id} has no video", "no video"
        case "unknown":
            return "not recorded", "not recorded"


def _name_segments(gap: ExplainedGap) -> str:
    if gap.first_segment_id == gap.last_segment_id:
        return f"segment {gap.first_segment_id}"
    return f"segments {gap.first_segment_id} to {gap.last_segment_id}"
