"""Finds the replays that an erasure is about: those of a person, of a time, of a project."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.tables import replays

_SUM: Final = text(
    """
    select count(*) as replays, coalesce(sum(r.segments), 0)::bigint as segments,
        coalesce(sum(r.video_bytes), 0)::bigint as video_bytes
    from replays r join unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
        using (project_id, replay_id)
    """
).bindparams(*KEY_ARRAYS)


def is_of_user(names: Sequence[Mapping[str, str]]) -> ColumnElement[bool]:
    """Return the condition that the recorded user has one of some names, such as `{"id": "42"}`."""
    return or_(*(replays.c.recorded_user.contains(dict(name)) for name in names))


def has_user_folded(names: Sequence[Mapping[str, str]]) -> ColumnElement[bool]:
    """Return the same condition whatever the case of letters; no index answers it."""
    return or_(
        *(
            func.lower(replays.c.recorded_user[kind].astext) == value.lower()
            for name in names
            for kind, value in name.items()
        )
    )


def is_received_within(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Return the condition that the first segment was received in a time, its end excluded."""
    return (replays.c.first_received_at >= since) & (replays.c.first_received_at < until)


async def list_replay_keys(
    connection: AsyncConnection,
    project_id: ProjectId,
    condition: ColumnElement[bool] | None,
    *,
    after: ReplayKey | None = None,
    limit: int,
) -> list[ReplayKey]:
    """Return replays of a project that meet a condition, in the order of their ids."""
    query = select(replays.c.replay_id).where(replays.c.project_id == project_id)
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(replays.c.replay_id > after.replay_id)
    found = await connection.scalars(query.order_by(replays.c.replay_id).limit(limit))
    return [ReplayKey(project_id, ReplayId(replay_id)) for replay_id in found]


async def list_named_users(
    connection: AsyncConnection,
    project_id: ProjectId,
    condition: ColumnElement[bool],
    *,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the users of the newest replays that meet a condition, each combination once."""
    newest = (
        select(replays.c.recorded_user)
        .where(replays.c.project_id == project_id, condition)
        .order_by(replays.c.first_received_at.desc())
        .limit(limit)
        .subquery()
    )
    rows = await connection.scalars(select(newest.c.recorded_user).distinct())
    return list(rows)


async def sum_replays(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> tuple[int, int, int]:
    """Return how many of some replays there are, with their segments and bytes of video."""
    if not keys:
        return 0, 0, 0
    row = (await connection.execute(_SUM, to_key_arrays(keys))).one()
    return row.replays, row.segments, row.video_bytes
