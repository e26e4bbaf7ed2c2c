"""Erases the hashes by which issues count a user, and corrects the counts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import ARRAY, ColumnElement, and_, bindparam, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.types import Hex32
from app.issues.counts import counting
from app.issues.tables import events, issue_users

_HASHES: Final = bindparam("hashes", type_=ARRAY(Hex32))
_LOCK: Final = text(
    """
    select i.issue_id from issues i
    where i.project_id = :project_id and i.issue_id in (
        select u.issue_id from issue_users u
        where u.project_id = :project_id and u.user_hash = any(:hashes)
    )
    order by i.issue_id for update
    """
).bindparams(_HASHES)
_DELETE: Final = text(
    """
    with gone as (
        delete from issue_users where project_id = :project_id and user_hash = any(:hashes)
        returning issue_id
    ),
    counted as (select issue_id, count(*) as users from gone group by issue_id)
    update issues i set users = greatest(i.users - c.users, 0) from counted c
    where i.project_id = :project_id and i.issue_id = c.issue_id
    returning c.users
    """
).bindparams(_HASHES)


def hash_names(project_id: ProjectId, users: Sequence[Mapping[str, str]]) -> set[str]:
    """Hash each name of some users, as issues count them."""
    return {each for user in users for each in counting.hash_user_names(project_id, user)}


def is_of_users(project_id: ProjectId, users: Sequence[Mapping[str, str]]) -> ColumnElement[bool]:
    """Return the condition that an event names one of some users, and its issue counts them.

    The hashes lead to the issues; without them every event would have to be looked at.
    """
    hashes = sorted(hash_names(project_id, users))
    issue_ids = select(issue_users.c.issue_id).where(
        issue_users.c.project_id == project_id, issue_users.c.user_hash.in_(hashes)
    )
    names = or_(
        *(
            events.c.recorded_user[kind].astext == value
            for user in users
            for kind, value in user.items()
        )
    )
    return and_(events.c.issue_id.in_(issue_ids), names)


async def erase_issue_users(
    connection: AsyncConnection, project_id: ProjectId, hashes: Collection[str]
) -> int:
    """Delete hashes of users from the issues of a project; returns how many rows there were."""
    if not hashes:
        return 0
    parameters = {"project_id": project_id, "hashes": sorted(hashes)}
    await connection.execute(_LOCK, parameters)
    return sum(await connection.scalars(_DELETE, parameters))
