"""Why is there no replay? One page for a replay id, an event id, or a project."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import ids
from app.core.ids import ProjectId
from app.playback import why
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.urls import list_urls
from app.web.why import build

router = APIRouter()

_LONGEST: Final = 200
_Id = Annotated[str, Query(alias="id")]


@router.get(list_urls.WHY)
async def show_why(
    request: Request, visitor: access.CurrentVisitor, wanted: _Id = "", project: access.RowId = 0
) -> Response:
    """Say what is known of a replay that is missed."""
    database = services_of(request).db
    asked = "" if project else wanted.strip()[:_LONGEST]
    wanted_id = ids.read_hex32(asked)
    if project:
        found = await why.explain_project(database, visitor.person, ProjectId(project))
    elif wanted_id is not None:
        found = await why.explain_id(database, visitor.person, wanted_id)
    else:
        found = await why.list_projects_to_ask(database, visitor.person)
    return await answer.render_page(request, "why/page.html", build.build_page(found, asked))
