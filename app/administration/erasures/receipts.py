"""Reads erasures: their progress while they run, and their receipts afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.core.errors import NotFound, PermissionDenied
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.erasure.jobs import rows
from app.erasure.jobs.model import Erasure, ErasureHold, ErasureKind
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role

PAGE_ROWS: Final = 50
_OF_REPLAYS: Final = (ErasureKind.REPLAY, ErasureKind.REPLAYS)


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """An erasure with everything that its page shows."""

    erasure: Erasure
    holds: Sequence[ErasureHold]
    hold_total: int
    act: Sequence[Erasure]
    """The erasures of the same act that the visitor may see, this one included."""
    names: Mapping[PersonId, str]


@dataclass(frozen=True, slots=True)
class ErasureList:
    """A part of the list of erasures, the newest first."""

    erasures: Sequence[Erasure]
    older_before: int | None
    names: Mapping[PersonId, str]


async def read_receipt(
    database: Database, person: Person, erasure_id: int, *, first_hold: int = 0
) -> ErasureReceipt:
    """Read an erasure for somebody who may see it.

    Members see erasures of replays, admins of the project all of them, and whoever asked for one
    sees it, even if the project is gone.

    Raises:
        NotFound: There is none, or it is of a project that the person may not see.
        PermissionDenied: It needs another role in the project.
    """
    async with database.reading() as connection:
        erasure = await rows.get_erasure(connection, erasure_id)
        await _check_access(connection, person, erasure)
        holds, total = await rows.list_holds(connection, erasure_id, first=first_hold)
        act = [
            each
            for each in await rows.list_act(connection, erasure.act_id)
            if each.id == erasure.id or await _may_see(connection, person, each)
        ]
        names = await _read_names(connection, [erasure])
    return ErasureReceipt(erasure, holds, total, act, names)


async def list_erasures(
    database: Database, person: Person, *, before: int | None = None
) -> ErasureList:
    """List erasures of all projects in which somebody may see all of them.

    Admins of the server also see those of projects that are gone.
    """
    async with database.reading() as connection:
        project_ids = None
        if not person.is_admin:
            project_ids = await memberships.list_project_ids(connection, person, role=Role.ADMIN)
        return await _read_list(connection, project_ids, before=before)


async def list_project_erasures(
    database: Database, access: ProjectAccess, *, before: int | None = None
) -> ErasureList:
    """List the erasures of one project.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        return await _read_list(connection, [access.project.id], before=before)


async def _read_list(
    connection: AsyncConnection, project_ids: Sequence[ProjectId] | None, *, before: int | None
) -> ErasureList:
    found = await rows.list_erasures(connection, project_ids, before=before, limit=PAGE_ROWS + 1)
    shown = found[:PAGE_ROWS]
    older_before = shown[-1].id if len(found) > PAGE_ROWS else None
    return ErasureList(shown, older_before, await _read_names(connection, shown))


async def _check_access(connection: AsyncConnection, person: Person, erasure: Erasure) -> None:
    if erasure.requested_by == person.id:
        return
    role = await memberships.find_role(connection, person, erasure.project_id)
    if role is None:
        raise NotFound(f"no erasure {erasure.id}")
    needed = _needed_role(erasure)
    if not role.includes(needed):
        raise PermissionDenied(f"this needs the role {needed}; yours in this project is {role}")


async def _may_see(connection: AsyncConnection, person: Person, erasure: Erasure) -> bool:
    try:
        await _check_access(connection, person, erasure)
    except (NotFound, PermissionDenied):
        return False
    return True


def _needed_role(erasure: Erasure) -> Role:
    return Role.MEMBER if erasure.kind in _OF_REPLAYS else Role.ADMIN


async def _read_names(
    connection: AsyncConnection, erasures: Sequence[Erasure]
) -> Mapping[PersonId, str]:
    ids = {each.requested_by for each in erasures if each.requested_by is not None}
    return await accounts.read_person_names(connection, sorted(ids))
