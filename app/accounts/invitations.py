"""Invitations to projects, by the address of somebody who may have an account or not.

An admin of a project must not learn who has an account on the server. So an invitation waits in
both cases, and looks the same to them, until the person with that address accepts it. An admin of
the installation sees all accounts anyway and makes members directly.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import writes
from app.accounts.model import Person, Role
from app.accounts.tables import members, project_invitations
from app.core import clock
from app.core.errors import Malformed, NotFound
from app.core.ids import ProjectId
from app.projects.tables import projects

GOOD_FOR: Final = timedelta(days=30)
MOST_OF_PROJECT: Final = 100

_invitations: Final = project_invitations.c


@dataclass(frozen=True, slots=True)
class ProjectInvitation:
    """A role in a project that waits for the person with an address."""

    project_id: ProjectId
    project_name: str
    email: str
    role: Role


async def invite(
    connection: AsyncConnection, project_id: ProjectId, email: str, role: Role
) -> None:
    """Offer a role to whoever has an address, instead of the one that they may have been offered.

    Raises:
        Malformed: It cannot be an address, or too many invitations wait already.
    """
    address = writes.read_email(email)
    waiting = await invitations_of(connection, project_id)
    if len(waiting) >= MOST_OF_PROJECT and address not in {one.email for one in waiting}:
        raise Malformed(f"{MOST_OF_PROJECT} invitations wait already; withdraw some first")
    offer = {"role": role, "invited_at": clock.now()}
    await connection.execute(
        upsert(project_invitations)
        .values(project_id=project_id, email=address, **offer)
        .on_conflict_do_update(
            index_elements=[_invitations.project_id, _invitations.email], set_=offer
        )
    )


async def invitations_of(
    connection: AsyncConnection, project_id: ProjectId
) -> list[ProjectInvitation]:
    """Return the invitations to a project that wait, by address."""
    return await _waiting(connection, project_id=project_id)


async def invitations_for(connection: AsyncConnection, person: Person) -> list[ProjectInvitation]:
    """Return the invitations that wait for a person, by project."""
    return await _waiting(connection, email=person.email)


async def accept(connection: AsyncConnection, person: Person, project_id: ProjectId) -> Role:
    """Make a person a member of a project that they are invited to.

    Who has become a member meanwhile keeps the role that they have.

    Returns:
        The role that they have now.

    Raises:
        NotFound: They are not invited, or not any more.
    """
    waiting = await _waiting(connection, email=person.email, project_id=project_id)
    if not waiting:
        raise NotFound("no invitation to this project")
    await withdraw(connection, project_id, person.email)
    current = await connection.scalar(
        select(members.c.role).where(
            members.c.project_id == project_id, members.c.person_id == person.id
        )
    )
    if current is not None:
        return Role(current)
    await writes.set_member(connection, project_id, person.id, waiting[0].role)
    return waiting[0].role


async def withdraw(connection: AsyncConnection, project_id: ProjectId, email: str) -> bool:
    """Delete an invitation; tells whether there was one."""
    gone = await connection.execute(
        delete(project_invitations).where(
            _invitations.project_id == project_id, _invitations.email == email.strip().lower()
        )
    )
    return bool(gone.rowcount)


async def forget_old(connection: AsyncConnection) -> int:
    """Delete invitations that nobody has accepted for 30 days; returns how many."""
    gone = await connection.execute(
        delete(project_invitations).where(_invitations.invited_at <= clock.now() - GOOD_FOR)
    )
    return gone.rowcount


async def _waiting(
    connection: AsyncConnection, *, project_id: ProjectId | None = None, email: str | None = None
) -> list[ProjectInvitation]:
    query = (
        select(
            _invitations.project_id,
            projects.c.name.label("project_name"),
            _invitations.email,
            _invitations.role,
        )
        .join(projects, projects.c.id == _invitations.project_id)
        .where(_invitations.invited_at > clock.now() - GOOD_FOR)
        .order_by(func.lower(projects.c.name), _invitations.email)
        .limit(MOST_OF_PROJECT)
    )
    if project_id is not None:
        query = query.where(_invitations.project_id == project_id)
    if email is not None:
        query = query.where(_invitations.email == email)
    return [
        ProjectInvitation(ProjectId(row.project_id), row.project_name, row.email, Role(row.role))
        for row in await connection.execute(query)
    ]
