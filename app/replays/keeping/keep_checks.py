"""The list of closed replays that a keep rule has yet to judge; the caller commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.replays.keeping.tables import keep_checks, replay_holds, replay_pins
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.tables import replays

_ADD: Final = text(
    """
    insert into keep_checks (project_id, replay_id, closed_at)
    values (:project_id, cast(:replay_id as uuid), :closed_at)
    on conflict (project_id, replay_id) do update set
        closed_at = greatest(keep_checks.closed_at, excluded.closed_at)
    """
)
_ADD_ALL: Final = text(
    """
    insert into keep_checks (project_id, replay_id, closed_at)
    select project_id, replay_id, closed_at from replays
    where project_id = :project_id and closed_at is not null
    on conflict do nothing
    """
)
_FINISH: Final = text(
    """
    delete from keep_checks c using unnest(:project_ids, :replay_ids) as k (project_id, replay_id)
    where c.project_id = k.project_id and c.replay_id = k.replay_id and c.closed_at <= :until
    """
).bindparams(*KEY_ARRAYS, bindparam("until"))


async def add_keep_check(
    connection: AsyncConnection, key: ReplayKey, *, closed_at: datetime
) -> None:
    """List a replay for judgement once its time is up; closing it again postpones that."""
    await connection.execute(
        _ADD,
        {"project_id": key.project_id, "replay_id": key.replay_id, "closed_at": closed_at},
    )


async def add_all_keep_checks(connection: AsyncConnection, project_id: ProjectId) -> int:
    """List every closed replay of a project for judgement, because its rules have changed."""
    return (await connection.execute(_ADD_ALL, {"project_id": project_id})).rowcount


async def find_due_checks(
    connection: AsyncConnection, project_id: ProjectId, *, closed_before: datetime, limit: int
) -> list[ReplayKey]:
    """Return replays of a project that closed before a time and are not judged yet.

    Pinned and held replays are skipped; they are judged when nothing keeps them any more.
    """
    rows = await connection.execute(
        select(keep_checks.c.replay_id)
        .where(
            keep_checks.c.project_id == project_id,
            keep_checks.c.closed_at <= closed_before,
            *(
                ~exists().where(
                    table.c.project_id == keep_checks.c.project_id,
                    table.c.replay_id == keep_checks.c.replay_id,
                )
                for table in (replay_pins, replay_holds)
            ),
        )
        .order_by(keep_checks.c.closed_at, keep_checks.c.replay_id)
        .limit(limit)
    )
    return [ReplayKey(project_id, ReplayId(row.replay_id)) for row in rows]


async def finish_checks(
    connection: AsyncConnection, keys: Sequence[ReplayKey], *, closed_before: datetime
) -> None:
    """Take judged replays off the list, except those that closed again meanwhile."""
    if keys:
        await connection.execute(_FINISH, to_key_arrays(keys) | {"until": closed_before})


async def list_unkept(
    connection: AsyncConnection,
    project_id: ProjectId,
    *,
    limit: int,
    closed_before: datetime | None = None,
) -> list[ReplayKey]:
    """Return replays that no pin and no hold keeps, the newest first.

    Args:
        connection: The connection to read with.
        project_id: The project.
        limit: Replays at most.
        closed_before: If given, only replays that closed before this time.
    """
    has_closed = () if closed_before is None else (replays.c.closed_at <= closed_before,)
    rows = await connection.execute(
        select(replays.c.replay_id)
        .where(
            replays.c.project_id == project_id,
            *has_closed,
            *(
                ~exists().where(
                    table.c.project_id == replays.c.project_id,
                    table.c.replay_id == replays.c.replay_id,
                )
                for table in (replay_pins, replay_holds)
            ),
        )
        .order_by(replays.c.first_received_at.desc(), replays.c.replay_id.desc())
        .limit(limit)
    )
    return [ReplayKey(project_id, ReplayId(row.replay_id)) for row in rows]
