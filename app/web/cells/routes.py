"""The page of the cells, and of the projects that belong to each."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.administration.server.cells import read_cells
from app.web.cells.build import build_cells_page
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.urls import server_urls

router = APIRouter()

_Project = Annotated[str, Query(max_length=40)]


@router.get(server_urls.CELLS)
async def show_cells(
    request: Request, visitor: access.CurrentAdmin, project: _Project = ""
) -> Response:
    """Show all cells, and the one that has a project, if its id is given."""
    services = services_of(request)
    overview = await read_cells(services.db, visitor.person, services.settings)
    page = build_cells_page(overview, project.strip())
    return await answer.render_page(request, "cells/page.html", page)
