"""Links of replays and traces: which traces something names together with a replay.

A segment, an event, a transaction or a span may name both, in the project of the replay or in
another one, and before the replay itself arrives.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import any_, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId, TraceId
from app.db.engine import get_driver
from app.db.types import Hex32
from app.replays.model import ReplayKey
from app.replays.tables import replay_traces

TraceLink = tuple[ProjectId, ReplayId, TraceId]
"""A link, with the project of whatever names the replay and the trace."""

MOST_TRACE_LINKS: Final = 1_000
"""Traces that what one project sends can link to a replay. An app that begins a trace with each
screen and each tap makes hundreds in an hour. Whatever else belongs to a replay is looked up trace
by trace, so this number bounds what a page costs."""
_MOST_READ: Final = 2 * MOST_TRACE_LINKS
"""Traces of a replay that are read, whichever projects linked them."""
_MOST_REPLAYS: Final = 20

_ADD_LINKS: Final = f"""
    with fresh as (
        select n.*,
               row_number() over (partition by project_id, replay_id order by trace_id) as place
        from unnest($1::bigint[], $2::uuid[], $3::uuid[]) as n (project_id, replay_id, trace_id)
        -- Fenced off, so that each is looked up by its key, and not among all links at once.
        where not exists (
            select from replay_traces t
            where t.project_id = n.project_id and t.replay_id = n.replay_id
              and t.trace_id = n.trace_id
            offset 0
        )
    ),
    -- Materialized, so that the links of a replay are counted once, and not for each fresh one.
    room as materialized (
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
_TRACES_OF_REPLAYS: Final = text(
    f"""
    select r.replay_id, t.trace_id
    from unnest(cast(:replay_ids as uuid[])) as r (replay_id)
    cross join lateral (
        select trace_id from replay_traces t where t.replay_id = r.replay_id
        order by trace_id limit {_MOST_READ}
    ) t
    """  # noqa: S608 - joined from constants
)
_REPLAYS_IN_TRACE: Final = text(
    """
    select r.project_id, r.replay_id, r.started_at
    from replays r
    where r.project_id = any(:project_ids)
      and r.replay_id in (
          select t.replay_id from replay_traces t where t.trace_id = cast(:trace_id as uuid)
      )
    order by r.started_at desc, r.replay_id
    limit :most
    """
)


@dataclass(frozen=True, slots=True)
class TracedReplay:
    """A replay of a trace."""

    key: ReplayKey
    started_at: datetime


async def add_trace_links(
    connection: AsyncConnection, links: Collection[TraceLink]
) -> set[ReplayId]:
    """Add links, as far as there is room for them, and return the replays that gained one."""
    if not links:
        return set()
    driver = await get_driver(connection)
    rows = await driver.fetch(_ADD_LINKS, *zip(*links, strict=True))
    return {ReplayId(row["replay_id"].hex) for row in rows}


async def find_replays_of_traces(
    connection: AsyncConnection, trace_ids: Collection[TraceId]
) -> set[ReplayId]:
    """Find the replays that some traces are linked to, whether they are here or not."""
    if not trace_ids:
        return set()
    is_among = replay_traces.c.trace_id == any_(literal(list(trace_ids), ARRAY(Hex32)))
    replay_ids = await connection.scalars(
        select(replay_traces.c.replay_id).where(is_among).distinct()
    )
    return {ReplayId(replay_id) for replay_id in replay_ids}


async def read_traces_of_replays(
    connection: AsyncConnection, replay_ids: Collection[ReplayId]
) -> dict[ReplayId, set[TraceId]]:
    """Read the traces of some replays; those without a trace have no entry."""
    rows = await connection.execute(_TRACES_OF_REPLAYS, {"replay_ids": list(replay_ids)})
    traces: dict[ReplayId, set[TraceId]] = {}
    for row in rows:
        traces.setdefault(ReplayId(row.replay_id.hex), set()).add(TraceId(row.trace_id.hex))
    return traces


async def read_replays_in_trace(
    connection: AsyncConnection, trace_id: TraceId, project_ids: Sequence[ProjectId]
) -> list[TracedReplay]:
    """Read the 20 newest replays that a trace is linked to, in some projects."""
    parameters = {
        "trace_id": trace_id,
        "project_ids": list(project_ids),
        "most": _MOST_REPLAYS,
    }
    rows = await connection.execute(_REPLAYS_IN_TRACE, parameters)
    return [
        TracedReplay(
            ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex)), row.started_at
        )
        for row in rows
    ]
