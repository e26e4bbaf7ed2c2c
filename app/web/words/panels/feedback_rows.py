"""Feedback as rows of a replay's activity."""

from collections.abc import Iterable

from app.core.ids import ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.feedback.model import FeedbackRecord
from app.playback.links import replay_clock
from app.web.words.panels.activity import ActivityRow, DataRow


def build_feedback_rows(
    entries: Iterable[FeedbackRecord],
    window: ReplayWindow,
    *,
    project_id: ProjectId,
    zero_ms: int,
) -> list[ActivityRow]:
    """Describe the feedback of a replay as rows of its activity.

    Args:
        entries: The feedback.
        window: The reach of the replay.
        project_id: The project of the replay.
        zero_ms: The time from the start of the replay to the zero of the page.
    """
    return [
        ActivityRow(
            at_ms=_find_at_ms(feedback, window, project_id=project_id) - zero_ms,
            kind="other",
            icon="note",
            category="feedback",
            title=feedback.message,
            detail=", ".join(part for part in (feedback.name, feedback.email) if part) or None,
            data=tuple(
                DataRow(name, value)
                for name, value in (
                    ("name", feedback.name),
                    ("email", feedback.email),
                    ("url", feedback.url),
                )
                if value
            ),
        )
        for feedback in entries
    ]


def _find_at_ms(feedback: FeedbackRecord, window: ReplayWindow, *, project_id: ProjectId) -> int:
    made_by = replay_clock.find_side(project_id, feedback.project_id, feedback.platform)
    return replay_clock.find_offset_ms(window, feedback.at, feedback.drift_ms, made_by=made_by)
