"""Describes the people who have opened a replay."""

from app.playback.visit.model import ReplayViewers
from app.web.replay.panels.rows import ViewerRow


def viewer_rows(viewers: ReplayViewers) -> tuple[ViewerRow, ...]:
    """Name the people who have opened a replay, the last one first."""
    return tuple(
        ViewerRow(viewers.names.get(viewer.person_id, "somebody who has left"), viewer.last_at)
        for viewer in viewers.viewers
    )
