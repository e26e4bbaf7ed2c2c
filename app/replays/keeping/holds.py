"""Reads and writes legal holds; the caller commits.

A hold counts by the clock of Postgres, so that all processes agree on when it has expired.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import InvalidInput, ReplayHeld
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.text import clean
from app.replays import locks
from app.replays.keeping.model import ReplayHold, describe_hold
from app.replays.keeping.tables import replay_holds
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays

NAME_CHARS: Final = 80
REASON_CHARS: Final = 500

_HOLDS: Final = (
    text(
        """
        select h.* from replay_holds h
        join unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
            using (project_id, replay_id)
        where h.expires_at > now()
        order by h.expires_at desc, h.name
        """
    )
    .bindparams(*KEY_ARRAYS)
    .columns(*replay_holds.c)
)


async def add_hold(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    *,
    name: str,
    reason: str,
    expires_at: datetime,
    person_id: PersonId | None,
) -> list[ReplayKey]:
    """Hold replays under a name; a hold of the same name gets the new reason and expiry.

    Returns:
        The replays that are held now; those that are deleted are left out.

    Raises:
        InvalidInput: The name or the reason is empty or too long.
    """
    read_name = _read_text(name, "name", limit=NAME_CHARS)
    read_reason = _read_text(reason, "reason", limit=REASON_CHARS)
    # The lock orders this and a deletion under way: either the deletion sees the hold, or this sees
    # its tombstone.
    present = sorted(set(keys) - await locks.lock_for_adding(connection, keys))
    for key in present:
        values = {"reason": read_reason, "expires_at": expires_at, "held_by": person_id}
        await connection.execute(
            upsert(replay_holds)
            .values(project_id=key.project_id, replay_id=key.replay_id, name=read_name, **values)
            .on_conflict_do_update(
                index_elements=list(replay_holds.primary_key.columns),
                set_=values | {"held_at": func.now()},
            )
        )
    return present


async def release_hold(connection: AsyncConnection, key: ReplayKey, name: str) -> bool:
    """End a hold of a replay; return False if there is none of this name."""
    released = await connection.execute(
        delete(replay_holds).where(
            replay_holds.c.project_id == key.project_id,
            replay_holds.c.replay_id == key.replay_id,
            replay_holds.c.name == name,
        )
    )
    return bool(released.rowcount)


async def find_holds(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, tuple[ReplayHold, ...]]:
    """Return the holds that count now, by replay, the one that lasts longest first."""
    if not keys:
        return {}
    holds: defaultdict[ReplayKey, list[ReplayHold]] = defaultdict(list)
    for row in await connection.execute(_HOLDS, to_key_arrays(keys)):
        hold = _to_hold(row)
        holds[hold.key].append(hold)
    return {key: tuple(of_replay) for key, of_replay in holds.items()}


async def refuse_if_held(connection: AsyncConnection, key: ReplayKey) -> None:
    """Make sure that no hold keeps a replay from being deleted.

    Call it with the replay locked (`locks.lock_for_deletion`), since somebody may be adding a hold.

    Raises:
        ReplayHeld: A hold keeps it.
    """
    holds = (await find_holds(connection, [key])).get(key)
    if holds:
        raise ReplayHeld(describe_hold(holds[0]))


async def list_holds(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, limit: int
) -> list[ReplayHold]:
    """Return holds that count now in some projects, those that expire first in front."""
    rows = await connection.execute(
        select(replay_holds)
        .where(replay_holds.c.project_id.in_(project_ids), replay_holds.c.expires_at > func.now())
        .order_by(replay_holds.c.expires_at, replay_holds.c.replay_id)
        .limit(limit)
    )
    return [_to_hold(row) for row in rows]


async def count_holds(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, int]:
    """Count the held replays of some projects; projects without any are left out."""
    rows = await connection.execute(
        select(
            replay_holds.c.project_id,
            func.count(replay_holds.c.replay_id.distinct()).label("replays"),
        )
        .where(replay_holds.c.project_id.in_(project_ids), replay_holds.c.expires_at > func.now())
        .group_by(replay_holds.c.project_id)
    )
    return {ProjectId(row.project_id): row.replays for row in rows}


def _read_text(typed: str, what: str, *, limit: int) -> str:
    cleaned = clean(" ".join(typed.split()))
    if not 1 <= len(cleaned) <= limit:
        raise InvalidInput(f"the {what} of a hold needs 1 to {limit} characters")
    return cleaned


def _to_hold(row: Row[Any]) -> ReplayHold:
    return ReplayHold(
        ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)),
        row.name,
        row.reason,
        row.expires_at,
        row.held_at,
        None if row.held_by is None else PersonId(row.held_by),
    )
