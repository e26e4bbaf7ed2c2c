"""Projects: the list, a new one, and one project's page."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.errors import InvalidInput, PermissionDenied
from app.core.ids import ProjectId
from app.issues import attachments
from app.memberships import invitations, queries as memberships, writes as membership_writes
from app.memberships.model import ProjectAccess, Role
from app.projects import queries as projects, spending, writes as projects_writes
from app.projects.model import Project, ProjectKey, Quarantined
from app.replays import project_totals
from app.web.frame import access, answer, dsn, forms
from app.web.frame.services import PageServices, services_of
from app.web.project.page import (
    KeyRow,
    MemberRow,
    NewProjectPage,
    ProjectCard,
    ProjectPage,
    ProjectsPage,
    QuarantineRow,
    Storage,
)
from app.web.urls import list_urls, project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.outcomes import what_arrived
from app.web.words.parts import describe_rows

router = APIRouter()

_OUTCOME_DAYS: Final = 30
_PART_QUARANTINED: Final = 50
_PART_PROJECTS: Final = 100
"""Each takes two look-ups of its own."""
_From = Annotated[int, Query(alias="from", ge=0)]
_GIB: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?")


@router.get(project_urls.PROJECTS)
async def show_projects(
    request: Request, visitor: access.CurrentVisitor, first: _From = 0
) -> Response:
    """List the projects that a person may see, from a number on."""
    here = services_of(request)
    async with here.db.reading() as connection:
        listed = await memberships.list_projects(connection, visitor.person)
        part = listed[first : first + _PART_PROJECTS]
        totals_by_id = await project_totals.count_replays(
            connection, [project.id for project in part]
        )
        cards = [
            await _card(connection, here, visitor.person, project, found=totals_by_id)
            for project in part
        ]
        invited = await invitations.list_invitations_for(connection, visitor.person)
    page = ProjectsPage(
        tuple(cards),
        tuple(invited),
        may_create=visitor.person.is_admin,
        part=describe_rows(
            "project",
            first=first,
            total=len(listed),
            size=_PART_PROJECTS,
            href=lambda following: project_urls.projects(first=following),
        ),
    )
    return await answer.render_page(request, "projects/page.html", page)


@router.get(project_urls.NEW_PROJECT)
async def ask_for_project(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show the form for a new project."""
    _need_admin(visitor.person)
    return await answer.render_page(request, "projects/new.html", NewProjectPage())


@router.post(project_urls.NEW_PROJECT)
async def make_project(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Make a project with its first key; its maker owns it."""
    _need_admin(visitor.person)
    here = services_of(request)
    name = (await forms.read_form(request)).get("name", "")
    try:
        async with here.db.transaction() as connection:
            project = await add_project(connection, visitor.person, name)
    except InvalidInput as error:
        page = NewProjectPage(name[:200], phrases.sentence(str(error)))
        return await answer.render_page(request, "projects/new.html", page, status=400)
    await here.keys.refresh()
    return answer.redirect(project_urls.set_up(project.id), done="project-made")


@router.get(route_to(project_urls.project))
async def show_project(
    request: Request, inside: access.CurrentProject, quarantine: access.RowId = 0
) -> Response:
    """Show how to send to a project, and what became of what was sent."""
    here = services_of(request)
    async with here.db.reading() as connection:
        page = await _page(connection, here, inside, first_quarantined=quarantine)
    return await answer.render_page(request, "project/page.html", page)


@router.post(route_to(project_urls.limit_storage))
async def limit_storage(request: Request, inside: access.CurrentProject) -> Response:
    """Limit what a project may have in storage, or lift the limit."""
    inside.need(Role.ADMIN)
    here = services_of(request)
    typed = (await forms.read_form(request)).get("limit_gib", "")
    try:
        async with here.db.transaction() as connection:
            await change_storage_limit(connection, inside, _read_gib(typed))
    except InvalidInput as error:
        async with here.db.reading() as connection:
            page = await _page(connection, here, inside, problem=phrases.sentence(str(error)))
        return await answer.render_page(request, "project/page.html", page, status=400)
    return answer.redirect(project_urls.storage(inside.project.id), done="storage-limited")


async def change_storage_limit(
    connection: AsyncConnection, inside: ProjectAccess, limit_bytes: int | None
) -> None:
    """Set what a project may have in storage, and write it down.

    Raises:
        InvalidInput: It is no number of bytes.
    """
    await spending.set_storage_limit(connection, inside.project.id, limit_bytes)
    await audit.add_line(
        connection,
        Action.PROJECT_CHANGED,
        person_id=inside.person.id,
        project_id=inside.project.id,
        detail={"stored_bytes_limit": limit_bytes},
    )


def _read_gib(typed: str) -> int | None:
    """Read a number of GiB that a person typed; nothing typed means no limit.

    Raises:
        InvalidInput: It is no number.
    """
    if not typed.strip():
        return None
    found = _GIB.fullmatch(typed.strip().replace(",", "."))
    if found is None:
        raise InvalidInput("a limit is a number of GiB such as 50 or 0.5, or nothing for no limit")
    return round(float(found[0]) * 2**30)


async def add_project(connection: AsyncConnection, person: Person, name: str) -> Project:
    """Make a project with its first key, owned by a person, and write it down.

    Raises:
        InvalidInput: The name cannot be used.
    """
    project = await projects_writes.add_project(connection, name)
    await projects_writes.add_key(connection, project.id, label="Default")
    await membership_writes.set_member(connection, project.id, person.id, Role.OWNER)
    await audit.add_line(
        connection, Action.PROJECT_ADDED, person_id=person.id, project_id=project.id
    )
    return project


def _need_admin(person: Person) -> None:
    """Make sure that somebody may add to the installation.

    Raises:
        PermissionDenied: They are no admin of it.
    """
    if not person.is_admin:
        raise PermissionDenied("only an admin of this server makes projects")


async def _card(
    connection: AsyncConnection,
    here: PageServices,
    person: Person,
    project: Project,
    *,
    found: Mapping[ProjectId, project_totals.ReplayTotals],
) -> ProjectCard:
    keys = await projects.keys_of(connection, project.id)
    role = await memberships.find_role(connection, person, project.id)
    total = found.get(project.id)
    return ProjectCard(
        project_id=project.id,
        name=project.name,
        href=project_urls.project(project.id),
        replays_href=list_urls.replays(project.id),
        dsn=dsn.write_first_dsn(here, keys),
        replays=total.replays if total else 0,
        last_received_at=total.last_received_at if total else None,
        role=role or Role.VIEWER,
    )


async def _page(
    connection: AsyncConnection,
    here: PageServices,
    inside: ProjectAccess,
    *,
    problem: str | None = None,
    first_quarantined: int = 0,
) -> ProjectPage:
    project = inside.project
    since = (clock.now() - timedelta(days=_OUTCOME_DAYS - 1)).date()
    keys = await projects.keys_of(connection, project.id)
    outcomes = await projects.outcomes_of(connection, project.id, since=since)
    quarantined = await projects.quarantined_of(connection, project.id)
    members = await memberships.list_members(connection, project.id)
    total = await project_totals.count_replays(connection, [project.id])
    first = dsn.write_first_dsn(here, keys)
    return ProjectPage(
        project_id=project.id,
        name=project.name,
        slug=project.slug,
        replays_href=list_urls.replays(project.id),
        dsn=first,
        keys=tuple(_key_row(here, key) for key in keys),
        arrived=what_arrived(outcomes),
        outcome_days=_OUTCOME_DAYS,
        quarantined=len(quarantined),
        quarantine=_quarantine_rows(quarantined[first_quarantined:][:_PART_QUARANTINED])
        if inside.role.includes(Role.ADMIN)
        else (),
        quarantine_part=describe_rows(
            "envelope",
            first=first_quarantined,
            total=len(quarantined),
            size=_PART_QUARANTINED,
            href=lambda first: project_urls.quarantine(project.id, first=first),
        ),
        members=tuple(MemberRow(one.person.name, one.person.email, one.role) for one in members),
        has_replays=project.id in total,
        storage=await _storage(connection, inside, problem),
        may_change=inside.role.includes(Role.ADMIN),
    )


async def _storage(
    connection: AsyncConnection, inside: ProjectAccess, problem: str | None
) -> Storage:
    project_id = inside.project.id
    video = await project_totals.sum_video_bytes(connection, [project_id])
    files = await attachments.sum_attachment_bytes(connection, [project_id])
    return Storage(
        video_bytes=video.get(project_id, 0),
        file_bytes=files.get(project_id, 0),
        limit_bytes=inside.project.stored_bytes_limit,
        may_change=inside.role.includes(Role.ADMIN),
        problem=problem,
    )


def _quarantine_rows(found: Sequence[Quarantined]) -> tuple[QuarantineRow, ...]:
    return tuple(
        QuarantineRow(
            received_at=one.received_at,
            item_types=", ".join(one.item_types),
            reason=one.reason,
            body_bytes=one.body_bytes,
            href=project_urls.quarantined(one.project_id, one.id),
        )
        for one in found
    )


def _key_row(here: PageServices, key: ProjectKey) -> KeyRow:
    written = dsn.write_dsn(here, key)
    return KeyRow(key.public_key, key.label, written, key.is_active, key.created_at)
