"""Deletes many replays in one act, such as those that a person selects in the list."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from app.accounts.model import Person
from app.core.ids import ProjectId
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureAct, ErasureKind
from app.erasure.jobs.scopes import ReplaysScope
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.replays.model import ReplayKey


async def erase_replays(
    database: Database, person: Person, keys: Sequence[ReplayKey], *, at: datetime
) -> ErasureAct:
    """Delete replays: all of a project disappear at once.

    Replays that somebody else deletes meanwhile are skipped. A replay under a legal hold stays
    until the hold ends, and the receipt names it.

    Returns:
        The act, with one erasure for each project.

    Raises:
        NotFound: One is in a project where the person may not delete, and nothing is deleted then;
            or all are gone already.
    """
    by_project: defaultdict[ProjectId, list[ReplayKey]] = defaultdict(list)
    for key in keys:
        by_project[key.project_id].append(key)
    async with database.reading() as connection:
        await memberships.check_role_in(connection, person, by_project, role=Role.MEMBER)
    return await begin_erasures(
        database,
        [
            ErasureWish(
                ErasureKind.REPLAYS,
                project_id,
                ReplaysScope(len(of_project)),
                person.id,
                at,
                tuple(of_project),
            )
            for project_id, of_project in sorted(by_project.items())
        ],
    )
