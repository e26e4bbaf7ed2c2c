"""Reads: which replays of some are here, and which were deleted."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.replays.model import Tombstone
from app.replays.queries import to_tombstone
from app.replays.tables import tombstones

_HERE: Final = text(
    """
    select distinct replay_id from replays
    where replay_id = any(cast(:replay_ids as uuid[])) and project_id = any(:project_ids)
    """
)


async def here(
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


async def tombstones_of(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[Tombstone]:
    """Return the marks that the deletion of a replay left, one for each project it was in."""
    found = await connection.execute(
        select(tombstones)
        .where(tombstones.c.replay_id == replay_id, tombstones.c.project_id.in_(project_ids))
        .order_by(tombstones.c.project_id)
    )
    return [to_tombstone(row) for row in found]
