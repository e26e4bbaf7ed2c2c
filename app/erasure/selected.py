"""Deletes the replays that a person selects in the list."""

from collections.abc import Sequence
from datetime import datetime

from app.accounts.model import Person
from app.core.errors import NotFound, ReplayHeld
from app.db.engine import Database
from app.erasure.replay import erase_replay
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.replays.keeping import holds
from app.replays.keeping.model import describe_hold
from app.replays.model import ReplayKey


async def erase_replays(
    database: Database, person: Person, keys: Sequence[ReplayKey], *, at: datetime
) -> int:
    """Delete replays one by one, and return how many there were.

    A replay that somebody else deletes meanwhile is skipped.

    Raises:
        NotFound: One is in a project where the person may not delete; nothing is deleted then.
        ReplayHeld: A legal hold keeps one from being deleted; nothing is deleted then, unless the
            hold was set while this ran.
    """
    project_ids = {key.project_id for key in keys}
    async with database.reading() as connection:
        await memberships.check_role_in(connection, person, project_ids, role=Role.MEMBER)
        held = await holds.find_holds(connection, keys)
    for of_replay in held.values():
        raise ReplayHeld(describe_hold(of_replay[0]))
    deleted = 0
    for key in keys:
        try:
            await erase_replay(database, key, person_id=person.id, at=at)
        except NotFound:
            continue
        deleted += 1
    return deleted
