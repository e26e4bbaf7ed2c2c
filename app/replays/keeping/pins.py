"""Reads and writes pins, which keep replays from retention; the caller commits."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId, ReplayId
from app.replays import locks
from app.replays.keeping import holds
from app.replays.keeping.model import ReplayKeeping, ReplayPin
from app.replays.keeping.tables import replay_pins
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays

_PIN: Final = text(
    """
    insert into replay_pins (project_id, replay_id, pinned_by)
    select project_id, replay_id, :person_id
    from unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
    order by 1, 2
    on conflict do nothing
    """
).bindparams(*KEY_ARRAYS)
_UNPIN: Final = text(
    """
    delete from replay_pins p
    using unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
    where p.project_id = wanted.project_id and p.replay_id = wanted.replay_id
    """
).bindparams(*KEY_ARRAYS)
_PINS: Final = (
    text(
        """
        select p.* from replay_pins p
        join unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
            using (project_id, replay_id)
        """
    )
    .bindparams(*KEY_ARRAYS)
    .columns(*replay_pins.c)
)


async def pin_replays(
    connection: AsyncConnection, keys: Sequence[ReplayKey], *, person_id: PersonId | None
) -> list[ReplayKey]:
    """Pin replays; one that is pinned already keeps its first pin.

    Returns:
        The replays that are pinned now; those that are deleted are left out.
    """
    # The lock waits for a deletion under way, whose tombstone is then visible.
    present = sorted(set(keys) - await locks.lock_for_adding(connection, keys))
    if present:
        await connection.execute(_PIN, to_key_arrays(present) | {"person_id": person_id})
    return present


async def unpin_replays(connection: AsyncConnection, keys: Sequence[ReplayKey]) -> int:
    """Remove the pins of replays, and return how many had one."""
    return (await connection.execute(_UNPIN, to_key_arrays(keys))).rowcount if keys else 0


async def find_pins(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, ReplayPin]:
    """Return the pins of some replays; those without one are left out."""
    if not keys:
        return {}
    pins = [_to_pin(row) for row in await connection.execute(_PINS, to_key_arrays(keys))]
    return {pin.key: pin for pin in pins}


async def find_keeping(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, ReplayKeeping]:
    """Return the pins and holds of some replays; replays without any are left out."""
    pinned = await find_pins(connection, keys)
    held = await holds.find_holds(connection, keys)
    return {
        key: ReplayKeeping(pinned.get(key), held.get(key, ()))
        for key in pinned.keys() | held.keys()
    }


async def list_pins(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, limit: int
) -> list[ReplayPin]:
    """Return the pins in some projects, the newest first."""
    rows = await connection.execute(
        select(replay_pins)
        .where(replay_pins.c.project_id.in_(project_ids))
        .order_by(replay_pins.c.pinned_at.desc(), replay_pins.c.replay_id)
        .limit(limit)
    )
    return [_to_pin(row) for row in rows]


async def count_pins(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, int]:
    """Count the pinned replays of some projects; projects without any are left out."""
    rows = await connection.execute(
        select(replay_pins.c.project_id, func.count().label("replays"))
        .where(replay_pins.c.project_id.in_(project_ids))
        .group_by(replay_pins.c.project_id)
    )
    return {ProjectId(row.project_id): row.replays for row in rows}


def _to_pin(row: Row[Any]) -> ReplayPin:
    return ReplayPin(
        ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)),
        row.pinned_at,
        None if row.pinned_by is None else PersonId(row.pinned_by),
    )
