"""Ties: traces that something names together with a replay, which may come later."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId, TraceId
from app.db.engine import driver_of
from app.db.types import Hex32
from app.replays.tables import replay_traces

Tie = tuple[ProjectId, ReplayId, TraceId]
"""The project is that of whatever names both."""

_ADD: Final = """
    insert into replay_traces (project_id, replay_id, trace_id)
    select * from unnest($1::bigint[], $2::uuid[], $3::uuid[])
    on conflict do nothing
    returning replay_id
"""


async def add(connection: AsyncConnection, new: Collection[Tie]) -> set[ReplayId]:
    """Keep ties; returns the replays that gained one."""
    if not new:
        return set()
    # Sorted, so that two processes lock rows in the same order.
    columns = zip(*sorted(new), strict=True)
    driver = await driver_of(connection)
    return {ReplayId(row["replay_id"].hex) for row in await driver.fetch(_ADD, *columns)}


async def replays_of(connection: AsyncConnection, trace_ids: Collection[TraceId]) -> set[ReplayId]:
    """Return the replays that some traces are tied to, whether they are here or not."""
    if not trace_ids:
        return set()
    wanted = literal(list(trace_ids), ARRAY(Hex32))
    found = await connection.scalars(
        select(replay_traces.c.replay_id).where(replay_traces.c.trace_id == any_(wanted)).distinct()
    )
    return {ReplayId(replay_id) for replay_id in found}


async def traces_of(
    connection: AsyncConnection, replay_ids: Collection[ReplayId]
) -> dict[ReplayId, set[TraceId]]:
    """Return the traces of some replays; those without have no entry."""
    wanted = literal(list(replay_ids), ARRAY(Hex32))
    found = await connection.execute(
        select(replay_traces.c.replay_id, replay_traces.c.trace_id).where(
            replay_traces.c.replay_id == any_(wanted)
        )
    )
    traces: dict[ReplayId, set[TraceId]] = {}
    for row in found:
        traces.setdefault(ReplayId(row.replay_id), set()).add(TraceId(row.trace_id))
    return traces
