"""Reads: the replays that a trace runs through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId, TraceId
from app.replays.model import ReplayKey

_MOST: Final = 20

_IN_TRACE: Final = text(
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


async def read_replays_in_trace(
    connection: AsyncConnection,
    trace_id: TraceId,
    project_ids: Sequence[ProjectId],
) -> list[TracedReplay]:
    """Read the replays that name a trace, and those that its items name; the newest 20."""
    parameters = {"trace_id": trace_id, "project_ids": list(project_ids), "most": _MOST}
    return [
        TracedReplay(
            ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex)), row.started_at
        )
        for row in await connection.execute(_IN_TRACE, parameters)
    ]
