"""Erasing data of a project, and the progress and receipts of all erasures."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.administration.erasures import matching, person, range as time_range, receipts
from app.core.errors import InvalidInput
from app.erasure.jobs.model import ErasureAct
from app.erasure.jobs.scopes import RangeScope
from app.erasure.people.names import PersonName, read_name
from app.memberships.model import ProjectAccess
from app.web.erasures import build
from app.web.erasures.page import ErasuresPage
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.urls import erasure_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_MOST_FIELDS = 60
_QUERY_CHARS = 2_000


@router.get(erasure_urls.ERASURES)
async def show_erasures(
    request: Request, visitor: access.CurrentVisitor, before: access.RowId = 0
) -> Response:
    """List the erasures of all projects of which the visitor is an admin."""
    found = await receipts.list_erasures(
        services_of(request).db, visitor.person, before=before or None
    )
    older = erasure_urls.erasures(before=found.older_before) if found.older_before else None
    page = build.build_list(found, older_href=older)
    return await answer.render_page(request, "erasures/list.html", page)


@router.get(route_to(erasure_urls.erasure))
async def show_erasure(
    request: Request,
    visitor: access.CurrentVisitor,
    erasure_id: access.RowId,
    holds: access.RowNumber = 0,
) -> Response:
    """Show the progress of an erasure, and its receipt when it has finished."""
    receipt = await receipts.read_receipt(
        services_of(request).db, visitor.person, erasure_id, first_hold=holds
    )
    page = build.build_erasure(receipt, first_hold=holds)
    return await answer.render_page(request, "erasures/erasure.html", page)


@router.get(route_to(erasure_urls.receipt))
async def send_receipt(
    request: Request, visitor: access.CurrentVisitor, erasure_id: access.RowId
) -> Response:
    """Send the receipt of an erasure as JSON."""
    receipt = await receipts.read_receipt(services_of(request).db, visitor.person, erasure_id)
    body = msgspec.json.format(msgspec.json.encode(build.write_receipt(receipt)), indent=2)
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="erasure-{erasure_id}.json"',
    }
    return Response(body, 200, headers, "application/json")


@router.get(route_to(erasure_urls.project_erasures))
async def show_project_erasures(
    request: Request, project_access: access.CurrentProject, before: access.RowId = 0
) -> Response:
    """Show what can be erased of a project, and what was."""
    page = await _read_project_page(request, project_access, before=before)
    return await answer.render_page(request, "erasures/project.html", page)


@router.post(route_to(erasure_urls.erase_person))
async def erase_person(request: Request, project_access: access.CurrentProject) -> Response:
    """Ask before a person is erased; erase them when the answer is yes."""
    fields = await forms.read_form_pairs(request, limit=_MOST_FIELDS)
    database, in_all = services_of(request).db, ("all", "yes") in fields
    try:
        names = _read_names(fields)
    except InvalidInput as error:
        return await _show_problem(request, project_access, error, part="person", fields=fields)
    if ("sure", "yes") in fields:
        act = await person.erase_person(database, project_access, names, in_all=in_all)
        return _show_begun(request, act)
    is_first = all(name != "name" for name, _ in fields)
    question = await person.ask_about_person(
        database, project_access, names, in_all=in_all, is_first=is_first
    )
    page = build.build_person_question(project_access.project, question, in_all=in_all)
    return await answer.render_page(request, "erasures/person.html", page)


@router.post(route_to(erasure_urls.erase_range))
async def erase_range(request: Request, project_access: access.CurrentProject) -> Response:
    """Ask before a range of time is erased; erase it when the answer is yes."""
    fields = await forms.read_form_pairs(request, limit=_MOST_FIELDS)
    database = services_of(request).db
    try:
        scope = _read_range(fields)
        if ("sure", "yes") in fields:
            act = await time_range.erase_range(database, project_access, scope)
            return _show_begun(request, act)
        question = await time_range.ask_about_range(database, project_access, scope)
    except InvalidInput as error:
        return await _show_problem(request, project_access, error, part="range", fields=fields)
    page = build.build_range_question(project_access.project, scope, question)
    return await answer.render_page(request, "erasures/range.html", page)


@router.get(route_to(erasure_urls.erase_project))
async def ask_to_erase_project(request: Request, project_access: access.CurrentProject) -> Response:
    """Ask before a whole project is erased, and say what will be erased."""
    return await _ask_about_project(request, project_access)


@router.post(route_to(erasure_urls.erase_project))
async def erase_project(request: Request, project_access: access.CurrentProject) -> Response:
    """Erase a whole project, if its name was typed."""
    name = (await forms.read_form(request)).get("name", "")
    try:
        act = await time_range.erase_project(services_of(request).db, project_access, name)
    except InvalidInput as error:
        return await _ask_about_project(request, project_access, error)
    return _show_begun(request, act)


@router.get(erasure_urls.MATCHING)
async def ask_about_matching(
    request: Request,
    visitor: access.CurrentVisitor,
    project: Annotated[str, Query(max_length=20)] = "",
    query: Annotated[str, Query(max_length=_QUERY_CHARS)] = "",
) -> Response:
    """Ask before all replays are deleted that a query of the list finds."""
    question = await matching.ask_about_matching(
        services_of(request).db, visitor.person, query.strip(), project
    )
    page = build.build_matching_question(question)
    return await answer.render_page(request, "erasures/matching.html", page)


@router.post(erasure_urls.MATCHING)
async def erase_matching(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Delete all replays that a query of the list finds and the visitor has confirmed."""
    fields = await forms.read_form(request)
    act = await matching.erase_matching(
        services_of(request).db,
        visitor.person,
        fields.get("query", ""),
        fields.get("project", ""),
        until=_read_moment(fields.get("until", "")),
    )
    return _show_begun(request, act)


def _show_begun(request: Request, act: ErasureAct) -> Response:
    """Send the browser to the progress of an act, which names its other projects."""
    services_of(request).eraser.hurry()
    return answer.redirect(erasure_urls.erasure(act.erasures[0].id), done="erasure-begun")


async def _ask_about_project(
    request: Request, project_access: ProjectAccess, refusal: InvalidInput | None = None
) -> Response:
    question = await time_range.ask_about_project(services_of(request).db, project_access)
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build.build_project_question(project_access.project, question, problem=problem)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "erasures/whole.html", page, status=status)


async def _read_project_page(
    request: Request, project_access: ProjectAccess, *, before: int = 0
) -> ErasuresPage:
    database = services_of(request).db
    found = await receipts.list_project_erasures(database, project_access, before=before or None)
    form = await person.read_person_form(database, project_access)
    older = (
        erasure_urls.project_erasures(project_access.project.id, before=found.older_before)
        if found.older_before
        else None
    )
    return build.build_list(
        found, access=project_access, other_projects=form.other_projects, older_href=older
    )


async def _show_problem(
    request: Request,
    project_access: ProjectAccess,
    refusal: InvalidInput,
    *,
    part: str,
    fields: list[tuple[str, str]],
) -> Response:
    """Show the forms again, with what was typed and what to correct."""
    typed = dict(fields)
    page = build.add_problem(
        await _read_project_page(request, project_access),
        phrases.sentence(str(refusal)),
        part,
        typed,
    )
    return await answer.render_page(request, "erasures/project.html", page, status=refusal.status)


def _read_names(fields: list[tuple[str, str]]) -> list[PersonName]:
    """Read the names that were typed or chosen.

    Raises:
        InvalidInput: There is none, or one cannot be a name.
    """
    typed = dict(fields)
    names = [read_name(*value.partition(":")[::2]) for name, value in fields if name == "name"]
    if "kind" in typed:
        names.insert(0, read_name(typed["kind"], typed.get("value", "")))
    if not names:
        raise InvalidInput("choose at least one name of the person")
    return list(dict.fromkeys(names))


def _read_range(fields: list[tuple[str, str]]) -> RangeScope:
    typed = dict(fields)
    kinds = [value for name, value in fields if name == "what"]
    return time_range.make_range(
        _read_moment(typed.get("since", "")), _read_moment(typed.get("until", "")), kinds
    )


def _read_moment(value: str) -> datetime:
    """Read a moment as a form has it, in UTC.

    Raises:
        InvalidInput: It is none.
    """
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("a moment is written as 2026-11-30T14:00, in UTC") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
