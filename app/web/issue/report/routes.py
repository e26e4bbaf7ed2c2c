"""The report of an issue as a page, and each of its files.

…/issues/<id>/report             everything on one page, with the newest event
…/issues/<id>/report/report.md   Markdown; …/steps.txt, …/maestro.yaml, …
…?event=<id>                     with another event
…/issues/<id>/tickets            POST `url` keeps a ticket; …/tickets/<id>/remove forgets it
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess, Role
from app.reports.issue_report import build_issue_report
from app.reports.read_issue_report import read_issue_report
from app.reports.tickets.keep import forget_issue_ticket, keep_issue_ticket
from app.triage.issue.issue_reader import IssueReader
from app.web.frame import access, answer, forms
from app.web.frame.report_addresses import answer_with_file, make_report_addresses
from app.web.frame.services import services_of
from app.web.issue.readers import find_issue_reader, read_event_id
from app.web.issue.report.build import build_report_page
from app.web.urls import issue_urls
from app.web.urls.routing import route_to
from app.web.words import phrases
from app.web.words.reports.file_blocks import find_file, write_file

router = APIRouter()


@router.get(route_to(issue_urls.issue_report))
async def show_report(
    request: Request, project_access: access.CurrentProject, issue_id: str, event: str = ""
) -> Response:
    """Show the report of an issue with its newest event, or with the one that is named."""
    reader = find_issue_reader(request, project_access, issue_id)
    return await _show(request, project_access, reader, event)


@router.get(route_to(issue_urls.issue_report_file))
async def send_report_file(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    name: str,
    event: str = "",
) -> Response:
    """Send a file of the report, and note who took it."""
    file, reader = find_file(name), find_issue_reader(request, project_access, issue_id)
    data = await read_issue_report(
        reader,
        read_event_id(event) if event else None,
        view_notes=services_of(request).view_notes,
        taken_as=file.value,
    )
    report = await asyncio.to_thread(build_issue_report, data, make_report_addresses(request))
    return answer_with_file(await asyncio.to_thread(write_file, report, file), file)


@router.post(route_to(issue_urls.keep_ticket))
async def keep_ticket(
    request: Request, project_access: access.CurrentProject, issue_id: str
) -> Response:
    """Keep the address of a ticket with the issue."""
    project_access.require_role(Role.MEMBER)
    reader = find_issue_reader(request, project_access, issue_id)
    url = (await forms.read_form(request)).get("url", "")
    try:
        await keep_issue_ticket(reader.db, reader.key, url, person_id=project_access.person.id)
    except InvalidInput as error:
        return await _show(request, project_access, reader, "", error)
    return _go_back(reader, done="ticket-kept")


@router.post(route_to(issue_urls.forget_ticket))
async def forget_ticket(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    ticket_id: access.RowId,
) -> Response:
    """Forget the address of a ticket of the issue."""
    project_access.require_role(Role.MEMBER)
    reader = find_issue_reader(request, project_access, issue_id)
    await forget_issue_ticket(reader.db, reader.key, ticket_id, person_id=project_access.person.id)
    return _go_back(reader, done="ticket-forgotten")


async def _show(
    request: Request,
    project_access: ProjectAccess,
    reader: IssueReader,
    event: str,
    refusal: InvalidInput | None = None,
) -> Response:
    """Show the report, and after a refused form what to correct."""
    data = await read_issue_report(
        reader,
        read_event_id(event) if event else None,
        view_notes=services_of(request).view_notes,
    )
    report = await asyncio.to_thread(build_issue_report, data, make_report_addresses(request))
    page = await asyncio.to_thread(
        build_report_page,
        report,
        data.tickets,
        event_id=event,
        may_change=project_access.role.includes(Role.MEMBER),
        may_set_up=project_access.role.includes(Role.ADMIN),
        problem=phrases.sentence(str(refusal)) if refusal else None,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "issue/report.html", page, status=status)


def _go_back(reader: IssueReader, *, done: str) -> Response:
    """Lead back to the tickets of the report."""
    return answer.redirect(f"{issue_urls.issue_report(*reader.key)}#tickets", done=done)
