"""Deletes a replay, after which nobody can see it any more.

    lock the replay → delete its rows, object keys into the outbox → tombstone → audit line → commit

The sweep removes its objects afterwards, and the erasure becomes its receipt (`jobs/`). Segments
that arrive late meet the tombstone.
"""

from datetime import datetime

from app.core.errors import NotFound
from app.core.ids import PersonId
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasure
from app.erasure.jobs.model import ErasureKind
from app.erasure.jobs.scopes import ReplaysScope
from app.replays import locks, queries
from app.replays.keeping import holds
from app.replays.model import ReplayKey, Tombstone


async def erase_replay(
    database: Database, key: ReplayKey, *, person_id: PersonId | None, at: datetime
) -> Tombstone:
    """Delete one replay: rows now, objects by the next sweep, late segments on arrival.

    Errors and spans that name the replay are records of their own and stay.

    Args:
        database: The database.
        key: The replay.
        person_id: The person who deletes it, or None for the command line.
        at: The time of the deletion.

    Returns:
        The tombstone that stays: what was deleted, by whom and when.

    Raises:
        NotFound: There is no such replay, or it is deleted already.
        ReplayHeld: A legal hold keeps it from being deleted.
        ServiceUnavailable: Postgres does not answer; nothing is deleted then.
    """
    async with database.transaction() as connection:
        await locks.lock_for_deletion(connection, key)
        await holds.refuse_if_held(connection, key)
        wish = ErasureWish(
            ErasureKind.REPLAY, key.project_id, ReplaysScope(1), person_id, at, (key,)
        )
        await begin_erasure(connection, wish)
        tombstone = await queries.find_tombstone(connection, key)
    if tombstone is None:
        raise NotFound(f"there is no replay {key.replay_id} in project {key.project_id}")
    return tombstone
