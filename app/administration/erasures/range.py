"""Erases what a project received in a range of time, or the whole project."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import clock
from app.core.errors import InvalidInput
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureAct, ErasureKind
from app.erasure.jobs.scopes import KINDS_OF_RECORDS, ProjectScope, RangeScope
from app.erasure.range_preview import preview_range
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role


@dataclass(frozen=True, slots=True)
class RangeQuestion:
    """Counts of what an erasure would remove, for the person who confirms it."""

    counts: Counter[str]
    held: int
    members: int = 0


async def ask_about_range(
    database: Database, access: ProjectAccess, scope: RangeScope
) -> RangeQuestion:
    """Count what a project received in a range of time.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
        InvalidInput: The range is empty, or nothing is chosen.
    """
    access.require_role(Role.ADMIN)
    check_range(scope)
    return await _count_range(database, access, scope)


async def erase_range(database: Database, access: ProjectAccess, scope: RangeScope) -> ErasureAct:
    """Erase what a project received in a range of time.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
        InvalidInput: The range is empty, or nothing is chosen.
    """
    access.require_role(Role.ADMIN)
    check_range(scope)
    wish = ErasureWish(ErasureKind.RANGE, access.project.id, scope, access.person.id, clock.now())
    return await begin_erasures(database, [wish])


async def ask_about_project(database: Database, access: ProjectAccess) -> RangeQuestion:
    """Count what a project holds.

    Raises:
        PermissionDenied: The visitor is not an owner of the project.
    """
    access.require_role(Role.OWNER)
    everything = RangeScope(access.project.created_at.replace(year=1970), clock.now())
    return await _count_range(database, access, everything)


async def erase_project(database: Database, access: ProjectAccess, typed_name: str) -> ErasureAct:
    """Erase a whole project, with its members, keys and settings.

    Raises:
        PermissionDenied: The visitor is not an owner of the project.
        InvalidInput: The typed text is not the name of the project.
    """
    access.require_role(Role.OWNER)
    if typed_name.strip() != access.project.name.strip():
        raise InvalidInput(f"type the name of the project to delete it: {access.project.name}")
    wish = ErasureWish(
        ErasureKind.PROJECT, access.project.id, ProjectScope(), access.person.id, clock.now()
    )
    return await begin_erasures(database, [wish])


def make_range(since: datetime, until: datetime, kinds: Sequence[str]) -> RangeScope:
    """Make the scope of a range; kinds that do not exist are left out."""
    return RangeScope(since, until, tuple(kind for kind in KINDS_OF_RECORDS if kind in kinds))


def check_range(scope: RangeScope) -> None:
    """Make sure that a range can hold something.

    Raises:
        InvalidInput: It cannot.
    """
    if scope.since >= scope.until:
        raise InvalidInput("the range must end after it begins")
    if not scope.kinds:
        raise InvalidInput("choose at least one kind of data")


async def _count_range(
    database: Database, access: ProjectAccess, scope: RangeScope
) -> RangeQuestion:
    async with database.reading() as connection:
        counts, held = await preview_range(connection, access.project.id, scope)
        members = await memberships.count_members(connection, access.project.id)
    return RangeQuestion(counts, held, members)
