"""Ties: traces that something names together with a replay, which may come later."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import any_, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId, TraceId
from app.db.engine import get_driver
from app.db.types import Hex32
from app.replays.tables import replay_traces

TraceLink = tuple[ProjectId, ReplayId, TraceId]
"""The project is that of whatever names both."""

MOST_TRACE_LINKS: Final = 1_000
"""Traces that what one project sends ties to a replay; an app that begins one with each screen and
each tap makes hundreds in an hour. What else belongs to a replay is looked up trace by trace."""
_MOST_READ: Final = 2 * MOST_TRACE_LINKS
"""Of a replay, from all projects."""

_ADD: Final = f"""
    with fresh as (
        select n.*,
               row_number() over (partition by project_id, replay_id order by trace_id) as place
        from unnest($1::bigint[], $2::uuid[], $3::uuid[]) as n (project_id, replay_id, trace_id)
        where not exists (
            select from replay_traces t
            where t.project_id = n.project_id and t.replay_id = n.replay_id
              and t.trace_id = n.trace_id
        )
    ),
    room as (
        select project_id, replay_id, (
            select count(*) from replay_traces t
            where t.project_id = f.project_id and t.replay_id = f.replay_id
        ) as kept
        from fresh f where place = 1
    )
    insert into replay_traces (project_id, replay_id, trace_id)
    select project_id, replay_id, trace_id
    from fresh join room using (project_id, replay_id)
    where place + kept <= {MOST_TRACE_LINKS}
    -- In one order, so that two processes do not wait for one another.
    order by project_id, replay_id, trace_id
    on conflict do nothing
    returning replay_id
"""  # noqa: S608 - joined from constants
_OF_REPLAYS: Final = text(
    f"""
    select r.replay_id, t.trace_id
    from unnest(cast(:replay_ids as uuid[])) as r (replay_id)
    cross join lateral (
        select trace_id from replay_traces t where t.replay_id = r.replay_id
        order by trace_id limit {_MOST_READ}
    ) t
    """  # noqa: S608 - joined from constants
)


async def add_trace_links(connection: AsyncConnection, new: Collection[TraceLink]) -> set[ReplayId]:
    """Keep ties, as far as there is room for them; returns the replays that gained one."""
    if not new:
        return set()
    columns = zip(*new, strict=True)
    driver = await get_driver(connection)
    return {ReplayId(row["replay_id"].hex) for row in await driver.fetch(_ADD, *columns)}


async def find_replays_of_traces(
    connection: AsyncConnection, trace_ids: Collection[TraceId]
) -> set[ReplayId]:
    """Return the replays that some traces are tied to, whether they are here or not."""
    if not trace_ids:
        return set()
    wanted = literal(list(trace_ids), ARRAY(Hex32))
    found = await connection.scalars(
        select(replay_traces.c.replay_id).where(replay_traces.c.trace_id == any_(wanted)).distinct()
    )
    return {ReplayId(replay_id) for replay_id in found}


async def read_traces_of_replays(
    connection: AsyncConnection, replay_ids: Collection[ReplayId]
) -> dict[ReplayId, set[TraceId]]:
    """Return the traces of some replays; those without have no entry."""
    found = await connection.execute(_OF_REPLAYS, {"replay_ids": list(replay_ids)})
    traces: dict[ReplayId, set[TraceId]] = {}
    for row in found:
        traces.setdefault(ReplayId(row.replay_id.hex), set()).add(TraceId(row.trace_id.hex))
    return traces
