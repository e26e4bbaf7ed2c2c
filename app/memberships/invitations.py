"""Invitations to projects, by the address of somebody who may have an account or not.

An admin of a project must not learn who has an account on the server. So an invitation waits in
both cases, and looks the same to them, until the person with that address accepts it. An admin of
the server sees all accounts anyway and adds members directly.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.accounts.writes import read_email
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId
from app.memberships import queries, writes
from app.memberships.model import ProjectInvitation, Role
from app.memberships.tables import project_invitations
from app.projects import queries as projects

GOOD_FOR: Final = timedelta(days=30)
MOST_OF_PROJECT: Final = 100

_invitations: Final = project_invitations.c


async def add_invitation(
    connection: AsyncConnection, project_id: ProjectId, email: str, role: Role
) -> None:
    """Offer a role to whoever has an address; it replaces an offer that waits.

    Raises:
        InvalidInput: It is not an e-mail address, or too many invitations wait already.
    """
    address = read_email(email)
    invited = {waiting.email for waiting in await list_invitations(connection, project_id)}
    if len(invited) >= MOST_OF_PROJECT and address not in invited:
        raise InvalidInput(f"{MOST_OF_PROJECT} invitations wait already; withdraw some first")
    offer = {"role": role, "invited_at": clock.now()}
    await connection.execute(
        upsert(project_invitations)
        .values(project_id=project_id, email=address, **offer)
        .on_conflict_do_update(
            index_elements=[_invitations.project_id, _invitations.email], set_=offer
        )
    )


async def list_invitations(
    connection: AsyncConnection, project_id: ProjectId
) -> list[ProjectInvitation]:
    """Return the invitations to a project that wait, by address."""
    return await _list_waiting(connection, project_id=project_id)


async def list_invitations_for(
    connection: AsyncConnection, person: Person
) -> list[ProjectInvitation]:
    """Return the invitations that wait for a person, by project."""
    return await _list_waiting(connection, email=person.email)


async def accept_invitation(
    connection: AsyncConnection, person: Person, project_id: ProjectId
) -> Role:
    """Make a person a member of a project that they are invited to.

    A person who has become a member meanwhile keeps the role that they have.

    Returns:
        The role that the person has now.

    Raises:
        NotFound: They are not invited, or not any more.
    """
    waiting = await _list_waiting(connection, email=person.email, project_id=project_id)
    if not waiting:
        raise NotFound("no invitation to this project")
    await delete_invitation(connection, project_id, person.email)
    current = await queries.find_member_role(connection, project_id, person.id)
    if current is not None:
        return current
    await writes.set_member(connection, project_id, person.id, waiting[0].role)
    return waiting[0].role


async def delete_invitation(connection: AsyncConnection, project_id: ProjectId, email: str) -> bool:
    """Delete an invitation; returns whether there was one."""
    deleted = await connection.execute(
        delete(project_invitations).where(
            _invitations.project_id == project_id, _invitations.email == email.strip().lower()
        )
    )
    return bool(deleted.rowcount)


async def delete_old_invitations(connection: AsyncConnection) -> int:
    """Delete invitations that nobody has accepted for 30 days; returns their number."""
    deleted = await connection.execute(
        delete(project_invitations).where(_invitations.invited_at <= clock.now() - GOOD_FOR)
    )
    return deleted.rowcount


async def _list_waiting(
    connection: AsyncConnection, *, project_id: ProjectId | None = None, email: str | None = None
) -> list[ProjectInvitation]:
    query = (
        select(_invitations.project_id, _invitations.email, _invitations.role)
        .where(_invitations.invited_at > clock.now() - GOOD_FOR)
        .order_by(_invitations.invited_at.desc(), _invitations.project_id, _invitations.email)
        .limit(MOST_OF_PROJECT)
    )
    if project_id is not None:
        query = query.where(_invitations.project_id == project_id)
    if email is not None:
        query = query.where(_invitations.email == email)
    rows = list(await connection.execute(query))
    if not rows:
        return []
    names = await projects.read_project_names(connection, {row.project_id for row in rows})
    waiting = [
        ProjectInvitation(
            ProjectId(row.project_id), names[row.project_id], row.email, Role(row.role)
        )
        for row in rows
        if row.project_id in names
    ]
    return sorted(waiting, key=lambda offer: (offer.project_name.lower(), offer.email))
