"""The report of an issue as a page, and each of its files.

…/issues/<id>/report             everything on one page, with the newest event
…/issues/<id>/report/report.md   Markdown; …/steps.txt, …/maestro.yaml, …
…?event=<id>                     with another event
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.memberships.model import ProjectAccess
from app.reports.issue_report import build_issue_report
from app.reports.model import IssueReport
from app.reports.read_issue_report import read_issue_report
from app.web.frame import access, answer
from app.web.frame.report_addresses import answer_with_file, make_report_addresses
from app.web.frame.services import services_of
from app.web.issue.readers import find_issue_reader, read_event_id
from app.web.issue.report.build import build_report_page
from app.web.urls import issue_urls
from app.web.urls.routing import route_to
from app.web.words.reports.file_blocks import find_file, write_file

router = APIRouter()


@router.get(route_to(issue_urls.issue_report))
async def show_report(
    request: Request, project_access: access.CurrentProject, issue_id: str, event: str = ""
) -> Response:
    """Show the report of an issue with its newest event, or with the one that is named."""
    report = await _read_report(request, project_access, issue_id, event)
    page = await asyncio.to_thread(build_report_page, report, event_id=event)
    return await answer.render_page(request, "issue/report.html", page)


@router.get(route_to(issue_urls.issue_report_file))
async def send_report_file(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    name: str,
    event: str = "",
) -> Response:
    """Send a file of the report, and note who took it."""
    file = find_file(name)
    report = await _read_report(request, project_access, issue_id, event, taken_as=file.value)
    text = await asyncio.to_thread(write_file, report, file)
    return answer_with_file(text, file)


async def _read_report(
    request: Request,
    project_access: ProjectAccess,
    issue_id: str,
    event: str,
    *,
    taken_as: str | None = None,
) -> IssueReport:
    reader = find_issue_reader(request, project_access, issue_id)
    event_id = read_event_id(event) if event else None
    data = await read_issue_report(
        reader, event_id, view_notes=services_of(request).view_notes, taken_as=taken_as
    )
    return await asyncio.to_thread(build_issue_report, data, make_report_addresses(request))
