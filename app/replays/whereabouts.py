"""Reads: which replays of some are here, and which are a project's newest."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.replays.model import Replay
from app.replays.queries import to_replay
from app.replays.tables import replays

_HERE: Final = text(
    """
    select distinct replay_id from replays
    where replay_id = any(cast(:replay_ids as uuid[])) and project_id = any(:project_ids)
    """
)


async def find_present_replays(
    connection: AsyncConnection,
    replay_ids: Collection[ReplayId],
    project_ids: Sequence[ProjectId],
) -> set[ReplayId]:
    """Return those of some replays that are here."""
    if not replay_ids:
        return set()
    found = await connection.scalars(
        _HERE, {"replay_ids": sorted(replay_ids), "project_ids": list(project_ids)}
    )
    return {ReplayId(replay_id.hex) for replay_id in found}


async def read_newest_replays(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[Replay]:
    """Return the replays of a project whose first segment came last, the newest first."""
    found = await connection.execute(
        select(replays)
        .where(replays.c.project_id == project_id)
        .order_by(replays.c.first_received_at.desc(), replays.c.replay_id.desc())
        .limit(limit)
    )
    return [to_replay(row) for row in found]
