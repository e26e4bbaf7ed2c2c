"""The list of issues."""

from typing import Final, get_args

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.issues.list_queries import IssueFilters
from app.issues.orders import LAST_SEEN, ORDERS
from app.triage.issue_list import IssueListRequest, read_issue_list
from app.web.frame import access, answer, cursors
from app.web.frame.services import services_of
from app.web.issues import build
from app.web.issues.page import LEVELS, IssueFilterForm, ShownStatus
from app.web.urls import list_urls

router = APIRouter()

_LONGEST_CHARS: Final = 200
_STATUSES: Final[dict[str, ShownStatus]] = {name: name for name in get_args(ShownStatus)}


@router.get(list_urls.ISSUES)
async def show_issues(
    request: Request,
    visitor: access.CurrentVisitor,
    sort: str = "",
    after: str = "",
    before: str = "",
) -> Response:
    """Show a page of issues: open ones, the last seen first, unless the address says otherwise."""
    form, order = _read_form(request), ORDERS.get(sort, LAST_SEEN)
    asked = IssueListRequest(
        visitor.person,
        form.project,
        _read_filters(form),
        order,
        cursors.read_page_request(order.key_types, after=after, before=before),
    )
    data = await read_issue_list(services_of(request).db, asked)
    page = build.build_list(data, form, order)
    return await answer.render_page(request, "issues/page.html", page)


def _read_form(request: Request) -> IssueFilterForm:
    """Read the form above the list; what it does not offer counts as not chosen."""
    query = request.query_params
    level = query.get("level", "")
    return IssueFilterForm(
        text=_read_text(query.get("q", "")),
        project=query.get("project", ""),
        level=level if level in LEVELS else "",
        status=_STATUSES.get(query.get("status", ""), "open"),
        release=_read_text(query.get("release", "")),
    )


def _read_text(text: str) -> str:
    return text.replace("\0", "").strip()[:_LONGEST_CHARS]


def _read_filters(form: IssueFilterForm) -> IssueFilters:
    return IssueFilters(
        text=form.text,
        level=form.level,
        status="" if form.status == "all" else form.status,
        release=form.release,
    )
