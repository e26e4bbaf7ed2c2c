"""Asking for a deletion: one transaction, after which the replay is gone for everybody.

    lock the replay → rows out, object keys to the outbox → tombstone → audit line → commit

Objects go afterwards, by the sweep. Segments that come late find the tombstone.
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
from app.replays.model import ReplayKey, Tombstone


async def erase_replay(
    database: Database, key: ReplayKey, *, person_id: PersonId | None, at: datetime
) -> Tombstone:
    """Delete one replay: rows now, objects by the next sweep, late segments on arrival.

    Errors and spans that name the replay are records of their own and stay.

    Args:
        database: Where it is.
        key: Which replay.
        person_id: Who asks; None for the command line.
        at: When.

    Returns:
        The mark that stays: what went, by whom, when.

    Raises:
        NotFound: There is no such replay, or it is deleted already.
        ServiceUnavailable: Postgres does not answer; nothing is deleted then.
    """
    async with database.transaction() as connection:
        await locks.lock_for_deletion(connection, key)
        tombstone = await erase.erase_rows(connection, key, person_id=person_id, at=at)
        if tombstone is None:
            raise NotFound(f"there is no replay {key.replay_id} in project {key.project_id}")
        await replay_links.delete_links(connection, key.project_id, key.replay_id)
        await project_writes.erase_quarantined(connection, key.project_id, key.replay_id)
        await audit_writes.add_line(
            connection,
            Action.REPLAY_DELETED,
            person_id=person_id,
            project_id=key.project_id,
            subject=key.replay_id,
            detail={"segments": tombstone.segments, "video_bytes": tombstone.video_bytes},
        )
    return tombstone
