"""Gives people a role in a project, invites them to it, and takes them out of it.

    who asks                  whom they name           what happens
    admin of the project      a member                 the member has the new role
                              anybody else             an invitation waits for them
    admin of the server       anybody with an account  the person is a member with the role
                              nobody's address         an account, the role, and a link to send

An admin of a project must not learn who has an account on the server, so an invitation looks the
same to them whether the address has one or not. An admin of the server sees all accounts anyway.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts, writes as account_writes
from app.accounts.model import Person
from app.administration.people.mail_links import add_project_invitation_mail
from app.administration.projects.record_action import record_action
from app.administration.server.invite_person import NewPerson, add_person
from app.administration.server.sign_in_links import OneTimeLink
from app.audit.model import Action
from app.core.errors import InvalidInput, PermissionDenied
from app.core.ids import PersonId
from app.db.engine import Database
from app.memberships import invitations, queries as memberships, writes as membership_writes
from app.memberships.model import ProjectAccess, Role


class MemberChange(StrEnum):
    """The change that `set_member` made."""

    ROLE_SET = "role_set"
    INVITED = "invited"
    """An invitation waits for whoever has the address."""
    ACCOUNT_ADDED = "account_added"
    """The person has an account now, and a link lets them in."""


@dataclass(frozen=True, slots=True)
class MemberResult:
    """The change, and the link of an account that was added with it."""

    change: MemberChange
    link: OneTimeLink | None = None
    is_mailed: bool = False
    """True if whoever was invited gets a mail."""


async def set_member(
    database: Database, access: ProjectAccess, email: str, role_name: str, *, has_mail: bool = False
) -> MemberResult:
    """Give a role in a project to the person with an address, or invite them.

    Args:
        database: The database with the members.
        access: The person who does it, and the project.
        email: The address of the person, as typed.
        role_name: The role, as the form names it.
        has_mail: True if this server sends mails.

    Raises:
        PermissionDenied: The person who asks is not an admin of the project, or the new role or
            the one that the member has is above their own.
        InvalidInput: The form names no role or no address, the project would have no owner left,
            or the person is deactivated, which only admins of the server are told.
    """
    access.require_role(Role.ADMIN)
    role = _read_role(access, role_name)
    async with database.transaction() as connection:
        person = await accounts.find_person(connection, email)
        if not access.person.is_admin and not await _is_member(connection, access, person):
            await _invite(connection, access, email, role)
            is_mailed = has_mail and await add_project_invitation_mail(
                connection,
                access.person,
                access.project.id,
                access.project.name,
                account_writes.read_email(email),
            )
            return MemberResult(MemberChange.INVITED, is_mailed=is_mailed)
        if person is None:
            new_person = NewPerson(
                email, project_id=access.project.id, role_name=role, is_mailed=has_mail
            )
            added = await add_person(connection, access.person, new_person)
            return MemberResult(MemberChange.ACCOUNT_ADDED, added.link, added.is_mailed)
        if person.disabled_at is not None:
            raise InvalidInput(f"{person.email} is deactivated; reactivate them first")
        await _require_rank_of(connection, access, person.id)
        await membership_writes.set_member(connection, access.project.id, person.id, role)
        await record_action(
            connection, access, Action.MEMBER_SET, subject=person.id, detail={"role": role}
        )
    return MemberResult(MemberChange.ROLE_SET)


async def remove_member(database: Database, access: ProjectAccess, person_id: PersonId) -> None:
    """Take a person out of a project; their account stays.

    Raises:
        PermissionDenied: The person who asks is not an admin of the project, or the role of the
            member is above their own.
        InvalidInput: The project would have no owner left.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        await _require_rank_of(connection, access, person_id)
        await membership_writes.remove_member(connection, access.project.id, person_id)
        await record_action(connection, access, Action.MEMBER_REMOVED, subject=person_id)


async def withdraw_invitation(database: Database, access: ProjectAccess, email: str) -> None:
    """Withdraw an invitation to a project; does nothing if there is none.

    Raises:
        PermissionDenied: The person who asks is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        if await invitations.delete_invitation(connection, access.project.id, email):
            await record_action(
                connection, access, Action.INVITATION_WITHDRAWN, detail={"email": email}
            )


def _read_role(access: ProjectAccess, role_name: str) -> Role:
    """Return a role that the person who asks may give.

    Raises:
        InvalidInput: There is no such role.
        PermissionDenied: The role is above the role of the person who asks.
    """
    if role_name not in set(Role):
        raise InvalidInput("the form names no role")
    role = Role(role_name)
    if not access.role.includes(role):
        raise PermissionDenied(
            f"your role here is {access.role}, so you cannot give the role {role}"
        )
    return role


async def _is_member(
    connection: AsyncConnection, access: ProjectAccess, person: Person | None
) -> bool:
    if person is None:
        return False
    role = await memberships.find_member_role(connection, access.project.id, person.id)
    return role is not None


async def _invite(
    connection: AsyncConnection, access: ProjectAccess, email: str, role: Role
) -> None:
    await invitations.add_invitation(connection, access.project.id, email, role)
    await record_action(
        connection,
        access,
        Action.INVITATION_MADE,
        detail={"email": account_writes.read_email(email), "role": role},
    )


async def _require_rank_of(
    connection: AsyncConnection, access: ProjectAccess, person_id: PersonId
) -> None:
    """Make sure that the role of a member is not above the role of the person who asks.

    Raises:
        PermissionDenied: The member's role is above theirs.
    """
    role = await memberships.find_member_role(connection, access.project.id, person_id)
    if role is not None and not access.role.includes(role):
        raise PermissionDenied(
            f"your role here is {access.role}, so you cannot change the role of an {role}"
        )
