"""Describes the rows of the Activity panel, in which everything that happened comes together."""

from collections.abc import Iterable, Sequence

from app.playback.visit.model import ReplayActivity, ReplayFeedback
from app.web.replay.panels.gesture_rows import gesture_rows
from app.web.replay.panels.request_rows import request_activity
from app.web.words.breadcrumb.breadcrumb_rows import breadcrumb_row
from app.web.words.panels.activity import ActivityRow, NetworkRow
from app.web.words.panels.feedback_rows import build_feedback_rows
from app.web.words.panels.problems import ErrorRow


def activity_rows(
    activity: ReplayActivity, requests: Sequence[NetworkRow], errors: Iterable[ErrorRow]
) -> list[ActivityRow]:
    """Describe everything that happened, in the order of time.

    Args:
        activity: The recordings and the feedback.
        requests: The rows of the Network panel.
        errors: The rows of the Errors panel.
    """
    contents = activity.contents
    start_ms = contents.outline.zero_ms
    rows = [breadcrumb_row(crumb, start_ms=start_ms) for crumb in contents.breadcrumbs]
    rows += gesture_rows(contents.gestures, contents.breadcrumbs, rows, start_ms=start_ms)
    rows += [request_activity(request) for request in requests]
    rows += [row for error in errors if (row := error_activity(error)) is not None]
    rows += feedback_rows(activity.feedback)
    return sorted(rows, key=lambda row: row.at_ms)


def feedback_rows(replay_feedback: ReplayFeedback) -> list[ActivityRow]:
    """Describe the feedback on a replay."""
    context = replay_feedback.context
    return build_feedback_rows(
        replay_feedback.feedback,
        context.window,
        project_id=context.key.project_id,
        zero_ms=context.zero_ms,
    )


def error_activity(row: ErrorRow) -> ActivityRow | None:
    """Describe an error as a row of the Activity panel; None if it has no time."""
    if row.at_ms is None:
        return None
    return ActivityRow(
        at_ms=row.at_ms,
        kind="error",
        icon="crash" if row.kind in {"crash", "anr"} else "error",
        category=f"{row.source} {row.kind}",
        title=row.title,
        detail=row.value,
        level="fatal" if row.kind == "crash" else "error",
        target=f"error-{row.event_id}",
        href=row.issue_href,
        source=row.source,
    )
