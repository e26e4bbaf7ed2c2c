"""Ends feedback by age; the caller commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId

_DELETE: Final = text(
    """
    delete from feedback where ctid = any(array(
        select ctid from feedback
        where project_id = :project_id and received_at < :before
          and (replay_id is null or replay_id <> all(cast(:spared as uuid[])))
        limit :most
    ))
    """
)


async def expire_feedback(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    before: datetime,
    spared: Sequence[str],
    limit: int,
) -> int:
    """Delete feedback of a project that was received before a time; returns how much it was.

    Args:
        connection: The transaction of the caller.
        project_id: The project.
        before: The end of the last day that has expired.
        spared: Replays that are pinned or held, whose feedback stays.
        limit: Feedback at most.
    """
    parameters = {"project_id": project_id, "before": before, "spared": list(spared), "most": limit}
    return (await connection.execute(_DELETE, parameters)).rowcount
