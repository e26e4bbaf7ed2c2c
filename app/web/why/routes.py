"""Why is there no replay? One page for a replay id, an event id, or a project."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.core import clock, ids
from app.core.errors import NotFound
from app.core.ids import EventId, ProjectId, ReplayId
from app.memberships import queries as memberships
from app.playback import why
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.urls import list_urls
from app.web.why import page as view
from app.web.why.page import WhyPage

router = APIRouter()

_LONGEST: Final = 200
_Id = Annotated[str, Query(alias="id")]


@router.get(list_urls.WHY)
async def show_why(
    request: Request, visitor: access.CurrentVisitor, wanted: _Id = "", project: access.RowId = 0
) -> Response:
    """Say what is known of a replay that is missed."""
    async with services_of(request).db.reading() as connection:
        seen = await memberships.list_projects(connection, visitor.person)
        names = {one.id: one.name for one in seen}
        if project:
            page = await _of_project(connection, ProjectId(project), names)
        elif wanted.strip():
            page = await _of_id(connection, wanted[:_LONGEST], names)
        else:
            page = WhyPage(asked="")
    return await answer.render_page(request, "why/page.html", view.with_projects(page, names))


async def _of_project(
    connection: AsyncConnection, project_id: ProjectId, names: dict[ProjectId, str]
) -> WhyPage:
    if project_id not in names:
        raise NotFound("no such project")
    trail = await why.gather_project_trail(connection, project_id, list(names), now=clock.now())
    return view.of_project(trail, names)


async def _of_id(connection: AsyncConnection, asked: str, names: dict[ProjectId, str]) -> WhyPage:
    """Take the id of an event for one, and any other for that of a replay."""
    found = ids.read_hex32(asked)
    if found is None:
        return WhyPage(asked, problem="An id has 32 hex digits, with or without dashes.")
    project_ids: Sequence[ProjectId] = list(names)
    event = await why.gather_event_trail(connection, EventId(found), project_ids)
    if event is not None and event.event.replay_id is None:
        return view.of_event(event, names)
    replay_id = event.event.replay_id if event is not None else None
    trail = await why.gather_replay_trail(
        connection, replay_id or ReplayId(found), project_ids, now=clock.now()
    )
    return view.of_replay(trail, names)
