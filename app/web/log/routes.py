"""The log of a project and of the server: its pages, and its export as a file."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.administration.audit_log.export_log import LogFormat, export_log
from app.administration.audit_log.read_log import (
    LogQuery,
    LogReader,
    open_project_log,
    open_server_log,
    read_log,
)
from app.audit.kinds import LogKind
from app.audit.log_queries import LOG_KEY
from app.core import clock, ids
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ReplayId
from app.db.lists import PageRequest
from app.projects.model import Project
from app.web.frame import access, answer
from app.web.frame.cursors import read_cursor
from app.web.frame.services import services_of
from app.web.log.build import build_log_page
from app.web.urls import project_urls, server_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_Text = Annotated[str, Query(max_length=200)]
_MEDIA_TYPES: Final = {
    LogFormat.CSV: "text/csv; charset=utf-8",
    LogFormat.JSON_LINES: "application/jsonl; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class RequestedLog:
    """The filters in an address, as far as they can be read."""

    query: LogQuery
    problem: InvalidInput | None


def read_requested_log(
    person: _Text = "", kind: _Text = "", since: _Text = "", until: _Text = "", replay: _Text = ""
) -> RequestedLog:
    """Read the filters of an address."""
    query = LogQuery(person=person.strip(), kind=LogKind(kind) if kind in set(LogKind) else None)
    try:
        query = replace(
            query,
            since=_read_day(since),
            until=_read_day(until),
            replay_id=_read_replay_id(replay.strip()),
        )
    except InvalidInput as error:
        return RequestedLog(query, error)
    return RequestedLog(query, None)


_Requested = Annotated[RequestedLog, Depends(read_requested_log)]


@router.get(route_to(project_urls.project_log))
async def show_project_log(
    request: Request,
    project_access: access.CurrentProject,
    requested: _Requested,
    after: _Text = "",
    before: _Text = "",
) -> Response:
    """Show who looked at what in a project, and who did what."""
    reader = open_project_log(services_of(request).db, project_access)
    return await _show_log(
        request, reader, requested, after=after, before=before, project=project_access.project
    )


@router.get(route_to(project_urls.export_project_log))
async def export_project_log(
    request: Request, project_access: access.CurrentProject, form: str, requested: _Requested
) -> Response:
    """Send the log of a project as a file."""
    reader = open_project_log(services_of(request).db, project_access)
    return await _send_log(reader, requested, form, name=project_access.project.slug)


@router.get(server_urls.LOG)
async def show_server_log(
    request: Request,
    visitor: access.CurrentAdmin,
    requested: _Requested,
    after: _Text = "",
    before: _Text = "",
) -> Response:
    """Show who looked at what on the whole server, and who did what."""
    reader = open_server_log(services_of(request).db, visitor.person)
    return await _show_log(request, reader, requested, after=after, before=before, project=None)


@router.get(route_to(server_urls.export_server_log))
async def export_server_log(
    request: Request, visitor: access.CurrentAdmin, form: str, requested: _Requested
) -> Response:
    """Send the log of the whole server as a file."""
    reader = open_server_log(services_of(request).db, visitor.person)
    return await _send_log(reader, requested, form, name="server")


async def _show_log(
    request: Request,
    reader: LogReader,
    requested: RequestedLog,
    *,
    after: str,
    before: str,
    project: Project | None,
) -> Response:
    page_request = PageRequest(read_cursor(after, LOG_KEY), read_cursor(before, LOG_KEY))
    part = await read_log(reader, requested.query, page_request)
    problem = phrases.sentence(str(requested.problem)) if requested.problem else None
    page = build_log_page(part, requested.query, project=project, problem=problem)
    status = requested.problem.status if requested.problem else 200
    return await answer.render_page(request, "log/page.html", page, status=status)


async def _send_log(
    reader: LogReader, requested: RequestedLog, form: str, *, name: str
) -> Response:
    if form not in set(LogFormat):
        raise NotFound("the log is not exported in this form")
    if requested.problem is not None:
        raise requested.problem
    log_format = LogFormat(form)
    lines = await export_log(reader, requested.query, log_format)
    file_name = f"playhead-log-{name}-{clock.now():%Y-%m-%d}.{log_format}"
    return StreamingResponse(
        lines,
        media_type=_MEDIA_TYPES[log_format],
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def _read_day(value: str) -> date | None:
    """Read a day as browsers send it.

    Raises:
        InvalidInput: It is no day.
    """
    if not value.strip():
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{phrases.visible(value[:30])} is no day; write it like 2026-11-30"
        ) from error


def _read_replay_id(value: str) -> ReplayId | None:
    """Read the id of a replay.

    Raises:
        InvalidInput: It is none.
    """
    if not value:
        return None
    replay_id = ids.read_hex32(value)
    if replay_id is None:
        raise InvalidInput("no replay has such an id")
    return ReplayId(replay_id)
