"""Reads where replays lie and how much they take: what plans of retention go by."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Date, TextClause, bindparam, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY
from app.core.ids import ProjectId, ReplayId
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays


@dataclass(frozen=True, slots=True)
class ReplaySize:
    """A replay, where it lies, and how much it takes."""

    key: ReplayKey
    day: date
    retention_class: int
    first_received_at: datetime
    size_bytes: int
    segments: int = 0
    video_bytes: int = 0
    """The part of `size_bytes` that is video; the rest is recordings."""


@dataclass(frozen=True, slots=True)
class ReplayCount:
    """The number of replays of a project on a day and in a retention class."""

    project_id: ProjectId
    day: date
    retention_class: int
    replays: int


_SIZED: Final = """
    select r.project_id, r.replay_id, r.day, r.retention_class, r.first_received_at,
        coalesce(t.video_bytes, 0)::bigint as video_bytes,
        coalesce(t.video_bytes + t.recording_bytes, 0)::bigint as size_bytes,
        t.segments
    from chosen r cross join lateral (
        select sum(s.object_bytes) as video_bytes, count(*) as segments,
            sum(coalesce(s.recording_bytes, octet_length(s.recording), 0)) as recording_bytes
        from segments s
        where s.day = r.day and s.project_id = r.project_id and s.replay_id = r.replay_id
    ) as t
    order by r.first_received_at, r.replay_id
    """
_SOME: Final = text(
    f"""
    with chosen as materialized (
        select r.* from replays r
        join unnest(:project_ids, :replay_ids) as k (project_id, replay_id)
            using (project_id, replay_id)
    )
    {_SIZED}
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
_EXEMPT_KEYS: Final = """
    exempt as (
        select project_id, replay_id from replay_pins
        union
        select project_id, replay_id from replay_holds where expires_at > now()
    )
    """
_OLDEST: Final = text(
    f"""
    with {_EXEMPT_KEYS},
    chosen as materialized (
        select r.* from replays r
        where r.project_id = :project_id and not exists (
            select from exempt e where e.project_id = r.project_id and e.replay_id = r.replay_id
        )
        order by r.first_received_at, r.replay_id limit :most
    )
    {_SIZED}
    """  # noqa: S608 - joined from constants
)
_EXEMPT: Final = text(
    f"""
    with {_EXEMPT_KEYS},
    chosen as materialized (
        select r.* from replays r join exempt using (project_id, replay_id)
    )
    {_SIZED}
    """  # noqa: S608 - joined from constants
)
_ON_DAYS: Final = text(
    """
    select r.project_id, r.day, r.retention_class, count(*) as replays from replays r
    where r.day = any(:days) group by 1, 2, 3 order by 2, 3, 1
    """
).bindparams(bindparam("days", type_=ARRAY(Date)))
_UNTIL: Final = text(
    """
    select r.project_id, r.day, r.retention_class, count(*) as replays
    from unnest(:project_ids, :last_days) as k (project_id, last_day)
    join replays r on r.project_id = k.project_id and r.day <= k.last_day
    where r.day > :old_day group by 1, 2, 3 order by 2, 3, 1
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("last_days", type_=ARRAY(Date)),
)


_ORPHANS: Final = text(
    """
    select s.project_id, count(*) as segments from segments s
    where s.day = :day and s.retention_class = :retention_class
      and s.project_id = any(:project_ids)
      and not exists (
        select from replays r where r.project_id = s.project_id and r.replay_id = s.replay_id
      )
    group by s.project_id
    """
).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))


async def read_replay_sizes(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> list[ReplaySize]:
    """Return where some replays lie and what they take, the oldest first."""
    return await _read_sizes(connection, _SOME, to_key_arrays(keys)) if keys else []


async def read_oldest_replays(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[ReplaySize]:
    """Return the replays of a project that were received first, but for those that must stay."""
    return await _read_sizes(connection, _OLDEST, {"project_id": project_id, "most": limit})


async def read_exempt_replays(connection: AsyncConnection) -> list[ReplaySize]:
    """Return all replays that are pinned or under a legal hold."""
    return await _read_sizes(connection, _EXEMPT, {})


async def count_replays_on_days(
    connection: AsyncConnection, days: Collection[date]
) -> list[ReplayCount]:
    """Count the replays of all projects on some days."""
    rows = await connection.execute(_ON_DAYS, {"days": sorted(days)})
    return [_to_count(row) for row in rows]


async def count_replays_by_day(
    connection: AsyncConnection, project_id: ProjectId
) -> dict[date, int]:
    """Count the replays of a project by day. This looks at each of them: call it seldom."""
    rows = await connection.execute(
        text(
            "select day, count(*) as replays from replays where project_id = :project_id group by 1"
        ),
        {"project_id": project_id},
    )
    return {row.day: row.replays for row in rows}


async def count_replays_until(
    connection: AsyncConnection, last_days: Mapping[ProjectId, date]
) -> list[ReplayCount]:
    """Count the replays of some projects up to a day of each; `OLD_DAY` is left out."""
    parameters = {
        "project_ids": list(last_days),
        "last_days": list(last_days.values()),
        "old_day": OLD_DAY,
    }
    return [_to_count(row) for row in await connection.execute(_UNTIL, parameters)]


async def count_orphaned_segments(
    connection: AsyncConnection, day: date, retention_class: int, project_ids: Collection[ProjectId]
) -> dict[ProjectId, int]:
    """Count segments whose replay has ended already: a run was interrupted before they went."""
    rows = await connection.execute(
        _ORPHANS,
        {"day": day, "retention_class": retention_class, "project_ids": list(project_ids)},
    )
    return {ProjectId(row.project_id): row.segments for row in rows}


async def _read_sizes(
    connection: AsyncConnection, statement: TextClause, parameters: Mapping[str, Any]
) -> list[ReplaySize]:
    return [
        ReplaySize(
            ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex)),
            row.day,
            row.retention_class,
            row.first_received_at,
            row.size_bytes,
            row.segments,
            row.video_bytes,
        )
        for row in await connection.execute(statement, parameters)
    ]


def _to_count(row: Row[Any]) -> ReplayCount:
    return ReplayCount(ProjectId(row.project_id), row.day, row.retention_class, row.replays)
