"""What people wrote about the errors of an issue."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.memberships import queries as memberships
from app.triage import feedback_entries
from app.web.frame import access, answer
from app.web.frame.services import services_of
from app.web.issue import routes
from app.web.issue.page import IssueFeedbackPage
from app.web.words import feedback

router = APIRouter()


@router.get(f"{routes.PATH}/feedback")
async def show_feedback_of_issue(
    request: Request, inside: access.CurrentProject, issue_id: str
) -> Response:
    """Show what people wrote about the errors of an issue."""
    key = routes.key_of(inside, issue_id)
    async with services_of(request).db.reading() as connection:
        listed = await memberships.list_projects(connection, inside.person)
        seen = [project.id for project in listed]
        _, head = await routes.head_of(connection, inside, key, seen)
        found = await feedback_entries.read_issue_feedback(connection, key, seen)
    names = {project.id: project.name for project in listed}
    page = IssueFeedbackPage(head, feedback.cards(found, names))
    return await answer.render_page(request, "issue/feedback.html", page)
