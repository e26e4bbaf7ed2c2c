"""The list of feedback: of all projects, or of one."""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.db.lists import TIME_KEY
from app.triage.feedback_list import FeedbackListData, read_feedback_list
from app.web.feedback.page import FeedbackPage
from app.web.frame import access, answer, cursors
from app.web.frame.services import services_of
from app.web.urls import list_urls
from app.web.words.feedback_cards import build_cards
from app.web.words.lists import ListState, ProjectOption

router = APIRouter()


@router.get(list_urls.FEEDBACK)
async def show_feedback(
    request: Request,
    visitor: access.CurrentVisitor,
    project: str = "",
    after: str = "",
    before: str = "",
) -> Response:
    """Show what people wrote, the newest first."""
    asked = cursors.read_page_request(TIME_KEY, after=after, before=before)
    db = services_of(request).db
    data = await read_feedback_list(db, visitor.person, asked, project=project)
    page = _build_page(data, project=project)
    return await answer.render_page(request, "feedback/page.html", page)


def _build_page(data: FeedbackListData, *, project: str) -> FeedbackPage:
    page = data.page
    state: ListState = "rows"
    if not page.rows:
        state = "nothing_matches" if project or page.back else "empty"
    href_of = partial(list_urls.feedback, project=project)
    return FeedbackPage(
        state=state,
        cards=build_cards(page.rows, {each.id: each.name for each in data.projects}),
        projects=tuple(
            ProjectOption(each.id, each.name, str(each.id) == project) for each in data.projects
        ),
        project=project,
        back_href=href_of(before=cursors.write_cursor(page.back)) if page.back else None,
        next_href=href_of(after=cursors.write_cursor(page.next)) if page.next else None,
    )
