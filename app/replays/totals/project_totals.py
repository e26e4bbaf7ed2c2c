"""Counts the replays of projects, for pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId

MOST_COUNTED: Final = 10_000
"""Counting stops here, since nobody needs a greater number exactly."""

_TOTALS: Final = text(
    """
    select p.id, c.replays, n.last_received_at
    from unnest(:project_ids) as p (id)
    cross join lateral (
        select count(*) as replays from (
            select 1 from replays where project_id = p.id limit :most
        ) as counted
    ) as c
    cross join lateral (
        select last_received_at from replays where project_id = p.id
        order by first_received_at desc, replay_id desc limit 1
    ) as n
    """
).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))

_MASKS: Final = text(
    """
    select facts->>'sdk_name', facts->>'sdk_version', facts->>'mask_text', facts->>'mask_images',
           count(*), max(last_received_at)
    from (
        select facts, last_received_at from replays
        where project_id = :project and first_received_at > now() - make_interval(days => :days)
        order by first_received_at desc, replay_id desc
        limit 20000
    ) as newest
    group by 1, 2, 3, 4
    order by 5 desc, 1, 2, 3, 4
    limit 100
    """
)


@dataclass(frozen=True, slots=True)
class ReplayTotals:
    """Number of replays of a project, at most `MOST_COUNTED`, and when the newest was added to."""

    replays: int
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class MaskCount:
    """Number of replays of one SDK with the same masks; None where the SDK does not say."""

    sdk_name: str | None
    sdk_version: str | None
    text: str | None
    """`on` or `off`, as in the query of the list."""
    images: str | None
    replays: int
    last_received_at: datetime


async def count_masks(
    connection: AsyncConnection, project_id: ProjectId, *, days: int
) -> list[MaskCount]:
    """Count the replays that came in the last days by SDK and masks, the newest 20,000 at most.

    Returns:
        The most frequent first, and a hundred at most.
    """
    rows = await connection.execute(_MASKS, {"project": project_id, "days": days})
    return [MaskCount(*row) for row in rows]


async def count_replays(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, ReplayTotals]:
    """Count the replays of some projects; those without any are left out."""
    rows = await connection.execute(
        _TOTALS, {"project_ids": list(project_ids), "most": MOST_COUNTED}
    )
    return {ProjectId(row.id): ReplayTotals(row.replays, row.last_received_at) for row in rows}
