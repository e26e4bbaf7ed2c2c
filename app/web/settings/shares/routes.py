"""Lists the open share links of a project, and takes all of them back."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.replays.sharing.model import ShareKind
from app.sharing.project_shares import read_project_shares, revoke_project_shares
from app.web.frame import access, answer, cursors, forms
from app.web.frame.services import services_of
from app.web.settings.shares.build import build_open_shares_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to

router = APIRouter()

_NOTICES: Final = {ShareKind.LINK: "links-revoked", ShareKind.PICTURE: "pictures-revoked"}
_KINDS: Final = {kind.value: kind for kind in ShareKind}


@router.get(route_to(project_urls.open_shares))
async def show_open_shares(
    request: Request, project_access: access.CurrentProject, after: str = "", before: str = ""
) -> Response:
    """Show the open shares of a project."""
    asked = cursors.read_page_request((int,), after=after, before=before)
    shares = await read_project_shares(services_of(request).db, project_access, asked)
    page = build_open_shares_page(project_access, shares)
    return await answer.render_page(request, "settings/open_shares.html", page)


@router.post(route_to(project_urls.revoke_all_shares))
async def take_all_back(request: Request, project_access: access.CurrentProject) -> Response:
    """Take all share links, or all pictures in messages, of a project back."""
    kind = _KINDS.get((await forms.read_form(request)).get("kind", ""))
    if kind is None:
        raise InvalidInput("choose whether links or pictures are taken back")
    revoked = await revoke_project_shares(services_of(request).db, project_access, kind)
    href = project_urls.open_shares(project_access.project.id)
    return answer.redirect(href, done=_NOTICES[kind], count=revoked)
