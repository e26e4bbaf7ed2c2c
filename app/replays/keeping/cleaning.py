"""Deletes pins, expired holds and waiting checks of replays that are deleted."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.replays.keeping.tables import keep_checks, replay_holds, replay_pins
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays

_FORGET: Final = tuple(
    text(
        f"""
        delete from {table.name} t
        using unnest(:project_ids, :replay_ids) as gone (project_id, replay_id)
        where t.project_id = gone.project_id and t.replay_id = gone.replay_id
        """  # noqa: S608 - the names of our tables
    ).bindparams(*KEY_ARRAYS)
    for table in (replay_pins, replay_holds, keep_checks)
)


async def forget_replays(connection: AsyncConnection, keys: Sequence[ReplayKey]) -> None:
    """Delete the pins, expired holds and waiting checks of replays that are deleted."""
    if keys:
        for statement in _FORGET:
            await connection.execute(statement, to_key_arrays(keys))
