"""Finds out who is behind a sign-in token, and what they may see.

token ─► sign-in ─► person ─► role in the project ─► ProjectAccess
           │                        └ none: NotFound, as if the project did not exist
           └ none: SignInRequired, which a page answers with the sign-in form
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import sign_ins
from app.accounts.sign_ins import SignedInPerson
from app.core.errors import NotFound, SignInRequired
from app.core.ids import ProjectId
from app.db.engine import Database
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey


@dataclass(frozen=True, slots=True)
class ProjectGrant:
    """A sign-in, and the access of its person to a project."""

    signed_in: SignedInPerson
    access: ProjectAccess


@dataclass(frozen=True, slots=True)
class ReplayGrant:
    """A sign-in, and a replay that its person may see."""

    signed_in: SignedInPerson
    replay: Replay


async def find_sign_in(database: Database, token: str) -> SignedInPerson | None:
    """Return the sign-in that a token belongs to, or None if it belongs to none."""
    if not token:
        return None
    async with database.reading() as connection:
        signed_in = await sign_ins.find_signed_in(connection, token)
    if signed_in is not None:
        await _note_use(database, token, signed_in)
    return signed_in


async def check_project_access(
    database: Database, token: str, project_id: ProjectId
) -> ProjectGrant:
    """Return the access of the person behind a token to a project.

    Raises:
        SignInRequired: The token belongs to no sign-in.
        NotFound: There is no such project, or the person may not know that there is.
    """
    async with database.reading() as connection:
        signed_in = await _require_sign_in(connection, token)
        access = await memberships.get_access(connection, signed_in.person, project_id)
    await _note_use(database, token, signed_in)
    return ProjectGrant(signed_in, access)


async def check_replay_access(database: Database, token: str, key: ReplayKey) -> ReplayGrant:
    """Return a replay that the person behind a token may see, for what players ask many times.

    The project is not read: whoever has a role in it sees it, and a replay names it.

    Raises:
        SignInRequired: The token belongs to no sign-in.
        NotFound: There is no such replay, or the person may not see it.
    """
    async with database.reading() as connection:
        signed_in = await _require_sign_in(connection, token)
        role = await memberships.find_role(connection, signed_in.person, key.project_id)
        replay = await replays.find_replay(connection, key) if role else None
    await _note_use(database, token, signed_in)
    if replay is None:
        raise NotFound(f"no replay {key.replay_id}")
    return ReplayGrant(signed_in, replay)


async def _require_sign_in(connection: AsyncConnection, token: str) -> SignedInPerson:
    signed_in = await sign_ins.find_signed_in(connection, token)
    if signed_in is None:
        raise SignInRequired("nobody is signed in")
    return signed_in


async def _note_use(database: Database, token: str, signed_in: SignedInPerson) -> None:
    if signed_in.is_touch_due:
        async with database.transaction() as connection:
            await sign_ins.note_use(connection, token)
