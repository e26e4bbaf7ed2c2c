"""Reads and changes the keys of a project: what may send to it, under which names, since when."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.administration.projects.record_action import record_action
from app.audit.model import Action, ActionDetail
from app.core import ids
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PublicKey
from app.db.engine import Database
from app.memberships.model import ProjectAccess, Role
from app.projects import queries as projects, writes as project_writes
from app.projects.keys import KeyCache
from app.projects.model import ProjectKey

MOST_KEYS: Final = 100
"""The most keys of a project, so that all of them fit on one page."""


@dataclass(frozen=True, slots=True)
class ProjectKeys:
    """The keys of a project, the oldest first."""

    keys: tuple[ProjectKey, ...]
    active: int
    """The number of keys that are on."""


async def read_project_keys(database: Database, access: ProjectAccess) -> ProjectKeys:
    """Return the keys of a project for an admin of it.

    Raises:
        PermissionDenied: The person is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        # More than `MOST_KEYS` come from releases without this limit, or from commands.
        keys = await projects.list_keys(connection, access.project.id, limit=10 * MOST_KEYS)
    return ProjectKeys(tuple(keys), sum(key.is_active for key in keys))


async def add_key(
    database: Database, cache: KeyCache, access: ProjectAccess, label: str
) -> ProjectKey:
    """Add a key; envelopes with it are accepted as soon as this returns.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        InvalidInput: The key has no name, or the project has `MOST_KEYS` keys already.
    """
    access.require_role(Role.ADMIN)
    project_id = access.project.id
    async with database.transaction() as connection:
        await project_writes.lock_project(connection, project_id)
        if await projects.count_keys(connection, project_id) >= MOST_KEYS:
            raise InvalidInput(f"a project has at most {MOST_KEYS} keys; rename one that is off")
        if not label.strip():
            raise InvalidInput("give the key a name, such as `iOS, store build`")
        key = await project_writes.add_key(connection, project_id, label=label)
        await _record_change(connection, access, Action.KEY_ADDED, key.public_key, label=key.label)
    await cache.refresh()
    return key


async def rename_key(
    database: Database, access: ProjectAccess, public_key: str, label: str
) -> None:
    """Give a key another name; its DSN stays.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        NotFound: The project has no such key.
        InvalidInput: The name is empty.
    """
    access.require_role(Role.ADMIN)
    key = _read_key(public_key)
    async with database.transaction() as connection:
        await project_writes.rename_key(connection, access.project.id, key, label=label)
        await _record_change(connection, access, Action.KEY_CHANGED, key, label=label.strip())


async def switch_key(
    database: Database, cache: KeyCache, access: ProjectAccess, public_key: str, *, is_on: bool
) -> None:
    """Switch a key on or off: here at once, in other processes within five seconds.

    Raises:
        PermissionDenied: The person is not an admin of the project.
        NotFound: The project has no such key.
    """
    access.require_role(Role.ADMIN)
    key = _read_key(public_key)
    async with database.transaction() as connection:
        label = await project_writes.set_key_active(
            connection, access.project.id, key, is_active=is_on
        )
        await _record_change(connection, access, Action.KEY_CHANGED, key, label=label, is_on=is_on)
    await cache.refresh()


async def _record_change(
    connection: AsyncConnection,
    access: ProjectAccess,
    action: Action,
    key: PublicKey,
    *,
    label: str,
    is_on: bool | None = None,
) -> None:
    """Record what a person did to a key, in the transaction that does it."""
    detail: ActionDetail = {"name": label} if is_on is None else {"name": label, "on": is_on}
    await record_action(connection, access, action, subject=key, detail=detail)


def _read_key(public_key: str) -> PublicKey:
    digits = ids.read_hex32(public_key)
    if digits is None:
        raise NotFound("no key has such digits")
    return PublicKey(digits)
