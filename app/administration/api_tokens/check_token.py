"""Finds out what a request with an API token reaches.

secret ─► token ─┬ of a project ─► that project
            │    └ of a person ──► the projects of which they are an admin now
            └ unknown, revoked, expired, its maker deactivated: None, which is answered with 401
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.networks import network_of
from app.api_tokens import queries, writes
from app.api_tokens.model import ApiToken
from app.api_tokens.secret import has_token_form
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.projects import queries as projects
from app.projects.model import Project


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """A token that works, and the projects that it reaches now, by name."""

    token: ApiToken
    projects: tuple[Project, ...]


async def check_token(database: Database, secret: str, *, address: str) -> TokenGrant | None:
    """Return the token with a secret and what it reaches; None if no such token works.

    It is read with every request, so that a revoked token and a lost role end at once.

    Args:
        database: The database with the tokens.
        secret: The secret, as the request has it.
        address: The IP address of the client.
    """
    if not has_token_form(secret):
        return None
    async with database.reading() as connection:
        token = await queries.find_live_token(connection, secret)
        reached = None if token is None else await _list_projects(connection, token)
    if token is None or not reached:
        return None
    await _note_use(database, token, address)
    return TokenGrant(token, tuple(reached))


async def exists_project(database: Database, slug_or_id: str) -> bool:
    """Tell whether a project has this slug or id, for a request that may not reach it."""
    async with database.reading() as connection:
        return await projects.find_project_id(connection, slug_or_id) is not None


async def _list_projects(connection: AsyncConnection, token: ApiToken) -> list[Project]:
    if token.project_id is not None:
        return [await projects.get_project(connection, token.project_id)]
    if token.made_by is None:
        return []
    maker = await accounts.get_person(connection, token.made_by)
    if maker.disabled_at is not None:
        return []
    return await memberships.list_projects(connection, maker, role=Role.ADMIN)


async def _note_use(database: Database, token: ApiToken, address: str) -> None:
    """Record the use of a token: once a minute, and at once from another address."""
    now = clock.now()
    is_recent = token.last_used_at and now - token.last_used_at < writes.NOTE_USE_EVERY
    if is_recent and token.last_address == address:
        return
    async with database.transaction() as connection:
        is_new_place = await writes.note_use(
            connection, token.id, now=now, address=address, network=network_of(address)
        )
        if is_new_place:
            await audit.add_audit_line(
                connection,
                Action.TOKEN_USED,
                person_id=None,
                project_id=token.project_id,
                subject=str(token.id),
                detail={"name": token.name, "address": address},
            )
