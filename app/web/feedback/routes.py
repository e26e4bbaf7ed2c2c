"""The list of feedback: of all projects, or of one."""

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
    request: Request, visitor: access.CurrentVisitor, project: str = "", before: str = ""
) -> Response:
    """Show what people wrote, the newest first."""
    place, db = cursors.read_cursor(before, TIME_KEY), services_of(request).db
    data = await read_feedback_list(db, visitor.person, project=project, before=place)
    page = _build_page(data, project=project, is_first=place is None)
    return await answer.render_page(request, "feedback/page.html", page)


def _build_page(data: FeedbackListData, *, project: str, is_first: bool) -> FeedbackPage:
    state: ListState = "rows"
    if not data.entries:
        state = "empty" if is_first and not project else "nothing_matches"
    older = cursors.write_cursor(data.older) if data.older else ""
    return FeedbackPage(
        state=state,
        cards=build_cards(data.entries, {each.id: each.name for each in data.projects}),
        projects=tuple(
            ProjectOption(each.id, each.name, str(each.id) == project) for each in data.projects
        ),
        project=project,
        older_href=list_urls.feedback(project=project, before=older) if older else None,
    )
