"""The pages of an issue: its events one by one, its replays, feedback, and what people decide."""

import asyncio
from typing import Final, get_args

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock
from app.core.errors import InvalidInput
from app.db.lists import TIME_KEY
from app.erasure.issue import erase_issue
from app.issues.model import Status
from app.memberships.model import ProjectAccess, Role
from app.triage.event.symbolicate_again import symbolicate_again
from app.triage.issue.decide_status import decide_status
from app.triage.issue.issue_deletion import read_issue_deletion
from app.triage.issue.issue_feedback import read_issue_feedback
from app.triage.issue.issue_page import IssuePageData, find_issue_of_event, read_issue_page
from app.triage.issue.issue_replays import read_issue_replays
from app.web.frame import access, answer, cursors, forms
from app.web.frame.services import services_of
from app.web.issue import build
from app.web.issue.build import Permissions
from app.web.issue.readers import find_issue_reader, read_event_id
from app.web.urls import issue_urls, list_urls
from app.web.urls.routing import route_to

router = APIRouter()

_STATUSES: Final[dict[str, Status]] = {name: name for name in get_args(Status)}


@router.get(route_to(issue_urls.issue))
async def show_issue(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    releases: access.RowNumber = 0,
    files: access.RowNumber = 0,
) -> Response:
    """Show an issue with its newest event; releases and files from a given row on."""
    reader = find_issue_reader(request, project_access, issue_id)
    data = await read_issue_page(reader, event_id=None, first_release=releases, first_file=files)
    return await _answer_issue(request, project_access, data, path=issue_urls.issue(*reader.key))


@router.get(route_to(issue_urls.issue_event))
async def show_event(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    event_id: str,
    *,
    releases: access.RowNumber = 0,
    files: access.RowNumber = 0,
    stack: str = "",
) -> Response:
    """Show an issue with one of its events; releases and files from a given row on.

    The stack is the readable one, unless `stack` says `sent`.
    """
    reader, event = find_issue_reader(request, project_access, issue_id), read_event_id(event_id)
    is_as_sent = stack == "sent"
    data = await read_issue_page(
        reader,
        event_id=event,
        first_release=releases,
        first_file=files,
        is_as_sent=is_as_sent,
    )
    path = issue_urls.issue_event(*reader.key, event)
    return await _answer_issue(request, project_access, data, path=path, is_as_sent=is_as_sent)


@router.get(route_to(issue_urls.event))
async def find_event(
    request: Request, project_access: access.CurrentProject, event_id: str
) -> Response:
    """Lead from an event to its page in its issue."""
    event = read_event_id(event_id)
    key = await find_issue_of_event(services_of(request).db, project_access.project.id, event)
    return answer.redirect(issue_urls.issue_event(*key, event))


@router.get(route_to(issue_urls.issue_replays))
async def show_replays(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    after: str = "",
    before: str = "",
) -> Response:
    """Show the replays in which an issue happened, the newest first."""
    asked = cursors.read_page_request(TIME_KEY, after=after, before=before)
    data = await read_issue_replays(find_issue_reader(request, project_access, issue_id), asked)
    permissions = _permissions_of(request, project_access)
    page = build.build_replays_page(data, permissions, now=clock.now())
    return await answer.render_page(request, "issue/replays.html", page)


@router.get(route_to(issue_urls.issue_feedback))
async def show_feedback(
    request: Request,
    project_access: access.CurrentProject,
    issue_id: str,
    after: str = "",
    before: str = "",
) -> Response:
    """Show what people wrote about the errors of an issue."""
    asked = cursors.read_page_request(TIME_KEY, after=after, before=before)
    data = await read_issue_feedback(find_issue_reader(request, project_access, issue_id), asked)
    page = build.build_feedback_page(data, _permissions_of(request, project_access))
    return await answer.render_page(request, "issue/feedback.html", page)


@router.post(route_to(issue_urls.issue_status))
async def set_status(
    request: Request, project_access: access.CurrentProject, issue_id: str
) -> Response:
    """Resolve, ignore or reopen an issue."""
    project_access.require_role(Role.MEMBER)
    reader = find_issue_reader(request, project_access, issue_id)
    status = _STATUSES.get((await forms.read_form(request)).get("status", ""))
    if status is None:
        raise InvalidInput("the form names no status of an issue")
    await decide_status(reader.db, reader.key, status, person_id=project_access.person.id)
    return answer.redirect(issue_urls.issue(*reader.key), done=f"issue-{status}")


@router.post(route_to(issue_urls.symbolicate_event))
async def make_readable_again(
    request: Request, project_access: access.CurrentProject, issue_id: str, event_id: str
) -> Response:
    """Let the stack of an event be made readable once more."""
    project_access.require_role(Role.MEMBER)
    reader, event = find_issue_reader(request, project_access, issue_id), read_event_id(event_id)
    await symbolicate_again(reader, event)
    path = issue_urls.issue_event(*reader.key, event)
    return answer.redirect(f"{path}#stack", done="symbolicated-soon")


@router.get(route_to(issue_urls.delete_issue))
async def ask_to_delete(
    request: Request, project_access: access.CurrentProject, issue_id: str
) -> Response:
    """Ask before erasing, and say what goes."""
    project_access.require_role(Role.ADMIN)
    deletion = await read_issue_deletion(find_issue_reader(request, project_access, issue_id))
    page = build.build_deletion_page(deletion, _permissions_of(request, project_access))
    return await answer.render_page(request, "issue/delete.html", page)


@router.post(route_to(issue_urls.delete_issue))
async def delete_issue(
    request: Request, project_access: access.CurrentProject, issue_id: str
) -> Response:
    """Erase an issue with its events and their files."""
    project_access.require_role(Role.ADMIN)
    reader = find_issue_reader(request, project_access, issue_id)
    await erase_issue(reader.db, reader.key, person_id=project_access.person.id, at=clock.now())
    services_of(request).sweeper.hurry()
    return answer.redirect(list_urls.ISSUES, done="issue-deleted")


def _permissions_of(request: Request, project_access: ProjectAccess) -> Permissions:
    is_member = project_access.role.includes(Role.MEMBER)
    return Permissions(
        may_change=is_member,
        may_delete=project_access.role.includes(Role.ADMIN),
        may_download=is_member,
        may_see_pictures=is_member and services_of(request).settings.pictures,
    )


async def _answer_issue(
    request: Request,
    project_access: ProjectAccess,
    data: IssuePageData,
    *,
    path: str,
    is_as_sent: bool = False,
) -> Response:
    # Away from the event loop: an event may hold thousands of frames.
    page = await asyncio.to_thread(
        build.build_issue_page,
        data,
        _permissions_of(request, project_access),
        path=path,
        is_as_sent=is_as_sent,
    )
    return await answer.render_page(request, "issue/page.html", page)
