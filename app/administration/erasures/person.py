"""Erases a person: asks what goes first, then begins one erasure for each project."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.erasure.jobs.begin import ErasureWish, begin_erasures
from app.erasure.jobs.model import ErasureAct, ErasureKind
from app.erasure.jobs.scopes import make_person_scope
from app.erasure.people.names import PersonName
from app.erasure.people.preview import OtherName, find_other_names, preview_person
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role


@dataclass(frozen=True, slots=True)
class PersonErasureForm:
    """The form in which somebody names a person."""

    other_projects: int
    """Further projects in which the visitor is an admin."""


@dataclass(frozen=True, slots=True)
class PersonQuestion:
    """Counts of what an erasure would remove, for the person who confirms it."""

    names: tuple[PersonName, ...]
    others: tuple[OtherName, ...]
    """Other names that the person's records have and that are not chosen yet."""
    counts: Counter[str]
    is_complete: bool
    held: int
    projects: int


async def read_person_form(database: Database, access: ProjectAccess) -> PersonErasureForm:
    """Return what the form for a person needs.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        project_ids = await _list_projects(connection, access, in_all=True)
    return PersonErasureForm(len(project_ids) - 1)


async def ask_about_person(
    database: Database,
    access: ProjectAccess,
    names: Sequence[PersonName],
    *,
    in_all: bool,
    is_first: bool,
) -> PersonQuestion:
    """Count what would go, and find other names of the person.

    Args:
        database: The database to read.
        access: The person who asks, and the project.
        names: The names that were typed or chosen.
        in_all: True if all projects of which the visitor is an admin are meant.
        is_first: True if nothing was chosen yet: then names that nobody else has are added.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    chosen = list(dict.fromkeys(names))
    async with database.reading() as connection:
        project_ids = await _list_projects(connection, access, in_all=in_all)
        question = await _count_records(connection, project_ids, chosen)
        added = [other.name for other in question.others if not other.is_shared]
        if not (is_first and added):
            return question
        # With their other names more may be found, and once more under other names.
        return await _count_records(connection, project_ids, [*chosen, *added])


async def erase_person(
    database: Database, access: ProjectAccess, names: Sequence[PersonName], *, in_all: bool
) -> ErasureAct:
    """Erase everything that names a person.

    Raises:
        PermissionDenied: The visitor is not an admin of the project.
    """
    access.require_role(Role.ADMIN)
    async with database.reading() as connection:
        project_ids = await _list_projects(connection, access, in_all=in_all)
    wish = ErasureWish(
        ErasureKind.PERSON,
        access.project.id,
        make_person_scope(names),
        access.person.id,
        clock.now(),
    )
    return await begin_erasures(
        database, [replace(wish, project_id=project_id) for project_id in project_ids]
    )


async def _count_records(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], names: list[PersonName]
) -> PersonQuestion:
    counts: Counter[str] = Counter()
    others: dict[PersonName, OtherName] = {}
    held, is_complete = 0, True
    for project_id in project_ids:
        preview = await preview_person(connection, project_id, names)
        counts.update(preview.counts)
        held += preview.held
        is_complete = is_complete and preview.is_complete
        for other in await find_other_names(connection, project_id, names, preview.users):
            earlier = others.get(other.name)
            is_shared = other.is_shared or (earlier is not None and earlier.is_shared)
            others[other.name] = OtherName(other.name, is_shared)
    return PersonQuestion(
        tuple(names), tuple(others.values()), counts, is_complete, held, len(project_ids)
    )


async def _list_projects(
    connection: AsyncConnection, access: ProjectAccess, *, in_all: bool
) -> list[ProjectId]:
    """Return the projects that are meant, that of the page first."""
    if not in_all:
        return [access.project.id]
    reached = await memberships.list_project_ids(connection, access.person, role=Role.ADMIN)
    return [access.project.id, *(each for each in reached if each != access.project.id)]
