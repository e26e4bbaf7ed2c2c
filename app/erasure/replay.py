"""Deletes a replay in one transaction, after which nobody can see it any more.

    lock the replay → delete its rows, object keys into the outbox → tombstone → audit line → commit

The sweep removes its objects afterwards. Segments that arrive late meet the tombstone.
"""

from datetime import datetime

from app.audit import writes as audit_writes
from app.audit.model import Action
from app.core.errors import NotFound
from app.core.ids import PersonId
from app.db.engine import Database
from app.issues import replay_links
from app.projects import writes as project_writes
from app.replays import erase, locks
from app.replays.keeping import cleaning, holds
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
        tombstone = await erase.erase_rows(connection, key, person_id=person_id, at=at)
        if tombstone is None:
            raise NotFound(f"there is no replay {key.replay_id} in project {key.project_id}")
        await cleaning.forget_replays(connection, [key])
        await replay_links.delete_links(connection, key.project_id, key.replay_id)
        await project_writes.erase_quarantined(connection, key.project_id, key.replay_id)
        await audit_writes.add_audit_line(
            connection,
            Action.REPLAY_DELETED,
            person_id=person_id,
            project_id=key.project_id,
            subject=key.replay_id,
            detail={"segments": tombstone.segments, "video_bytes": tombstone.video_bytes},
        )
    return tombstone
