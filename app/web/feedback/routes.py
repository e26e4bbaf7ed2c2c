"""The list of feedback: of all projects, or of one."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.memberships import queries as memberships
from app.triage import feedback_entries
from app.web.feedback.page import FeedbackPage
from app.web.frame import access, answer, cursors
from app.web.frame.services import services_of
from app.web.urls import list_urls
from app.web.words import feedback as view
from app.web.words.lists import ListState, ProjectOption

router = APIRouter()

PAGE_ROWS: Final = 25


@router.get(list_urls.FEEDBACK)
async def show_feedback(
    request: Request, visitor: access.CurrentVisitor, project: str = "", before: str = ""
) -> Response:
    """Show what people wrote, the newest first."""
    place = cursors.read(before)
    async with services_of(request).db.reading() as connection:
        listed = await memberships.list_projects(connection, visitor.person)
        seen = [one.id for one in listed]
        searched = [one for one in seen if not project or str(one) == project]
        if project and not searched:
            raise NotFound("no such project")
        found = await feedback_entries.read_feedback_page(
            connection, searched, seen, before=place, limit=PAGE_ROWS + 1
        )
    older = feedback_entries.locate_entry(found[PAGE_ROWS - 1]) if len(found) > PAGE_ROWS else None
    empty: ListState = "nothing_matches" if project or place else "empty"
    page = FeedbackPage(
        state="rows" if found else empty,
        cards=view.cards(found[:PAGE_ROWS], {one.id: one.name for one in listed}),
        projects=tuple(ProjectOption(one.id, one.name, str(one.id) == project) for one in listed),
        project=project,
        older_href=list_urls.feedback(project=project, before=cursors.write(older))
        if older
        else None,
    )
    return await answer.render_page(request, "feedback/page.html", page)
