"""Adds a person to the server, or one who is here to a project, in one step.

address     what happens
nobody's    an account, the role in the project, and a link that lets them in
somebody's  the role in the project; and a new link, if they have never signed in
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts, writes as account_writes
from app.accounts.model import Person, PersonOrigin
from app.administration.people.mail_links import add_link_mail
from app.administration.server.server_admin import record_change, require_server_admin
from app.administration.server.sign_in_links import INVITATION_DAYS, OneTimeLink, replace_link
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core.errors import InvalidInput
from app.core.ids import ProjectId
from app.db.engine import Database
from app.memberships import queries as memberships, writes as membership_writes
from app.memberships.model import Role


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to add, as the form or command names them."""

    email: str
    name: str = ""
    project_id: ProjectId | None = None
    """The project in which they get a role; None for none."""
    role_name: str = Role.VIEWER
    is_admin: bool = False
    """True if they become an admin of the server."""
    link_days: int = INVITATION_DAYS
    """The days for which their link works."""
    is_mailed: bool = False
    """True if this server mails them the link, instead of showing it to whoever invites."""


@dataclass(frozen=True, slots=True)
class AddedPerson:
    """The person, and the link that lets them in; None if they sign in already."""

    person: Person
    link: OneTimeLink | None
    is_new: bool
    is_mailed: bool = False
    """True if the link goes to them by mail."""


async def invite_person(database: Database, admin: Person, new_person: NewPerson) -> AddedPerson:
    """Add a person, or give one who is here a role in a project.

    Raises:
        PermissionDenied: Whoever asks is not an admin of the server.
        NotFound: There is no such project.
        InvalidInput: It is no address or no role, or the person is deactivated, or has a role in
            the project already.
    """
    require_server_admin(admin)
    async with database.transaction() as connection:
        return await add_person(connection, admin, new_person)


async def add_person(
    connection: AsyncConnection, admin: Person | None, new_person: NewPerson
) -> AddedPerson:
    """Do what `invite_person` does in the transaction of the caller.

    Args:
        connection: The transaction of the caller.
        admin: The person who does it, an admin of the server; None for a command on the server.
        new_person: Whom to add.

    Raises:
        NotFound: There is no such project.
        InvalidInput: It is no address or no role, or the person is deactivated, or has a role in
            the project already, or is here and would get nothing new.
    """
    known = await accounts.find_person(connection, new_person.email)
    person = known or await _add_account(connection, admin, new_person)
    if person.disabled_at is not None:
        raise InvalidInput(f"{person.email} is deactivated; reactivate them first")
    if new_person.project_id is not None:
        await _add_member(connection, admin, person, new_person)
    elif known is not None:
        raise InvalidInput(f"{person.email} has an account already; choose a project for them")
    needs_link = person.last_sign_in_at is None and person.origin is PersonOrigin.LOCAL
    is_new = known is None
    if needs_link and new_person.is_mailed:
        await add_link_mail(connection, admin, person, days=new_person.link_days)
        return AddedPerson(person, None, is_new=is_new, is_mailed=True)
    link = (
        await replace_link(connection, admin, person, days=new_person.link_days)
        if needs_link
        else None
    )
    return AddedPerson(person, link, is_new=is_new)


async def _add_account(
    connection: AsyncConnection, admin: Person | None, new_person: NewPerson
) -> Person:
    person = await account_writes.add_person(
        connection, new_person.email, name=new_person.name, is_admin=new_person.is_admin
    )
    detail: ActionDetail = {"email": person.email}
    if person.is_admin:
        detail = {**detail, "server_admin": True}
    await record_change(connection, admin, Action.PERSON_ADDED, person, detail=detail)
    return person


async def _add_member(
    connection: AsyncConnection, admin: Person | None, person: Person, new_person: NewPerson
) -> None:
    project_id = new_person.project_id
    if project_id is None or new_person.role_name not in set(Role):
        raise InvalidInput("choose a role")
    current = await memberships.find_member_role(connection, project_id, person.id)
    if current is not None:
        raise InvalidInput(
            f"{person.email} is in this project already, with the role {current}; change it there"
        )
    role = Role(new_person.role_name)
    await membership_writes.set_member(connection, project_id, person.id, role)
    await audit.add_audit_line(
        connection,
        Action.MEMBER_SET,
        person_id=admin.id if admin else None,
        project_id=project_id,
        subject=str(person.id),
        detail={"role": role, **({} if admin else {"by": "command line"})},
    )
