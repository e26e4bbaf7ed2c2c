"""Makes, lists and revokes API tokens for admins of a project, and for the command line."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.api_tokens import queries, writes
from app.api_tokens.model import ApiToken, Scope
from app.api_tokens.secret import make_secret, read_address
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core import clock
from app.core.errors import InvalidInput, NotFound, PermissionDenied
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role
from app.projects import writes as project_writes

MOST_TOKENS: Final = 100
"""The most tokens of a project, or of a person for all projects, that work at a time."""
MOST_LISTED: Final = 200

_LONGEST_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to make, as a form or a command names it."""

    name: str
    scopes: frozenset[Scope]
    address: str
    """Address at which build servers reach this server; it becomes part of the token."""
    project_id: ProjectId | None
    """The only project that it reaches; None for all that its maker administers."""
    days: int | None = None
    """The days after which it ends by itself; None for never."""


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A new token with its secret, which is nowhere else."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token in the list of a project."""

    token: ApiToken
    maker: Person | None
    """The person who made it; None for one from the command line."""
    may_revoke: bool


async def add_token(database: Database, access: ProjectAccess, new_token: NewToken) -> MadeToken:
    """Make a token for a project, or for all projects that the person administers.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: A value cannot be used, or there are `MOST_TOKENS` tokens already.
    """
    access.require_role(Role.ADMIN)
    if new_token.project_id not in (None, access.project.id):
        raise PermissionDenied("a token is made on the page of its project")
    async with database.transaction() as connection:
        return await add_checked_token(connection, access.person.id, new_token)


async def add_checked_token(
    connection: AsyncConnection, maker_id: PersonId | None, new_token: NewToken
) -> MadeToken:
    """Make a token in the transaction of a caller who has checked the rights.

    Args:
        connection: The transaction.
        maker_id: The person who makes it; None for the command line (project tokens only).
        new_token: The token.

    Raises:
        InvalidInput: A value cannot be used, or there are `MOST_TOKENS` tokens already.
    """
    now = clock.now()
    expires_at = _read_end(new_token.days, now)
    if new_token.project_id is not None:
        await project_writes.lock_project(connection, new_token.project_id)
    live = await queries.count_live_tokens(
        connection, project_id=new_token.project_id, made_by=maker_id
    )
    if live >= MOST_TOKENS:
        raise InvalidInput(f"{MOST_TOKENS} tokens work already; revoke one that nothing uses")
    secret = make_secret(read_address(new_token.address), now=now)
    token = await writes.add_token(
        connection,
        secret,
        name=new_token.name,
        scopes=new_token.scopes,
        project_id=new_token.project_id,
        made_by=maker_id,
        expires_at=expires_at,
    )
    await _add_audit_line(connection, Action.TOKEN_ADDED, maker_id, token)
    return MadeToken(token, secret)


async def revoke_token(database: Database, access: ProjectAccess, token_id: int) -> None:
    """Revoke a token; its next request is refused. Nothing happens to one that is revoked.

    Raises:
        PermissionDenied: The person is not an admin of the project, or the token is another
            person's for all their projects.
        NotFound: The project has no such token.
    """
    access.require_role(Role.ADMIN)
    async with database.transaction() as connection:
        token = await queries.get_token(connection, token_id)
        if token.project_id is None:
            if not await _reaches(connection, token, access.project.id):
                raise NotFound(f"no token {token_id}")
            if not _may_revoke(access, token):
                raise PermissionDenied(
                    "this token is for all projects of its maker: they revoke it, or an admin of "
                    "the server"
                )
        elif token.project_id != access.project.id:
            raise NotFound(f"no token {token_id}")
        await revoke_checked_token(connection, access.person.id, token)


async def revoke_checked_token(
    connection: AsyncConnection, person_id: PersonId | None, token: ApiToken
) -> None:
    """Revoke a token in the transaction of a caller who has checked the rights.

    Args:
        connection: The transaction.
        person_id: The person who revokes it; None for the command line.
        token: The token.
    """
    if await writes.revoke_token(connection, token.id):
        await _add_audit_line(connection, Action.TOKEN_REVOKED, person_id, token)


async def list_project_tokens(database: Database, access: ProjectAccess) -> list[ListedToken]:
    """Return the tokens that reach a project, those that work first, then the newest first.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        makers = await queries.list_makers_of_wide_tokens(connection)
        reaching = [
            maker.id
            for maker in await accounts.read_people(connection, makers)
            if await _administers(connection, maker, access.project.id)
        ]
        tokens = await queries.list_tokens(
            connection, access.project.id, makers=reaching, limit=MOST_LISTED
        )
        ids = {token.made_by for token in tokens if token.made_by is not None}
        people = {
            person.id: person for person in await accounts.read_people(connection, sorted(ids))
        }
    return [
        ListedToken(
            token,
            None if token.made_by is None else people.get(token.made_by),
            _may_revoke(access, token),
        )
        for token in tokens
    ]


def _may_revoke(access: ProjectAccess, token: ApiToken) -> bool:
    is_of_project = token.project_id == access.project.id
    return is_of_project or access.person.is_admin or token.made_by == access.person.id


async def _reaches(connection: AsyncConnection, token: ApiToken, project_id: ProjectId) -> bool:
    """Tell whether a token for all projects of its maker reaches one of them."""
    if token.made_by is None:
        return False
    maker = await accounts.get_person(connection, token.made_by)
    return await _administers(connection, maker, project_id)


async def _administers(connection: AsyncConnection, person: Person, project_id: ProjectId) -> bool:
    role = await memberships.find_role(connection, person, project_id)
    return role is not None and role.includes(Role.ADMIN) and person.disabled_at is None


def _read_end(days: int | None, now: datetime) -> datetime | None:
    if days is None:
        return None
    if not 0 < days <= _LONGEST_DAYS:
        raise InvalidInput(f"a token works for 1 to {_LONGEST_DAYS} days, or until it is revoked")
    return now + timedelta(days=days)


async def _add_audit_line(
    connection: AsyncConnection, action: Action, person_id: PersonId | None, token: ApiToken
) -> None:
    detail: ActionDetail = {"name": token.name, "scopes": ", ".join(sorted(token.scopes))}
    await audit.add_audit_line(
        connection,
        action,
        person_id=person_id,
        project_id=token.project_id,
        subject=str(token.id),
        detail=detail if person_id is not None else {"by": "command line", **detail},
    )
