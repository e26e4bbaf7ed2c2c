"""The feedback of a replay: by its id, by an error that names it, or by trace and time."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.core.replay.replay_window import ReplayWindow
from app.db import windows as sql_windows
from app.feedback.model import FeedbackRecord
from app.feedback.queries import FEEDBACK_COLUMNS, to_feedback

PART_FEEDBACK: Final = 1_000
"""Feedback of one replay that is read at once."""

# Beyond what links errors: feedback that names nothing but an error belongs to that error's replay.
_KEYS: Final = f"""
    with {sql_windows.WINDOWS},
    keys as (
        select f.project_id, f.event_id
        from windows w join feedback f on f.replay_id = w.replay_id
        where f.project_id = any(:project_ids)
        union
        select f.project_id, f.event_id
        from windows w
        join events e on e.replay_id = w.replay_id and {sql_windows.SINCE.format("e")}
        join feedback f on f.project_id = e.project_id and f.associated_event_id = e.event_id
        where f.replay_id is null and f.project_id = any(:project_ids)
        union
        select project_id, event_id
        from ({sql_windows.traced_rows("feedback", "x.project_id, x.event_id", lasts=False)}) t
    )
"""  # noqa: S608 - joined from constants
_FEEDBACK: Final = sql_windows.make_window_statement(
    f"""
    {_KEYS}
    select {FEEDBACK_COLUMNS}
    from keys join feedback f using (project_id, event_id)
    order by f.at, f.event_id
    offset :first limit :most
    """  # noqa: S608 - joined from constants
)
_COUNT: Final = sql_windows.make_window_statement(
    f"{_KEYS} select count(*) from keys"  # noqa: S608 - joined from constants
)


async def read_feedback(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    first: int = 0,
) -> list[FeedbackRecord]:
    """Read the feedback of one replay in the order of its time.

    Args:
        connection: The connection to read with.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        first: Number of pieces of feedback to skip.
    """
    parameters = sql_windows.make_window_parameters([window], project_ids)
    found = await connection.execute(
        _FEEDBACK, {**parameters, "first": first, "most": PART_FEEDBACK}
    )
    return [to_feedback(row) for row in found]


async def count_feedback(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> int:
    """Count the feedback of one replay."""
    quantity = await connection.scalar(
        _COUNT, sql_windows.make_window_parameters([window], project_ids)
    )
    return quantity or 0
