"""The API tokens of a project: make, see and revoke."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.api_tokens import change_tokens
from app.administration.api_tokens.change_tokens import NewToken
from app.api_tokens.model import Scope, read_scopes
from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import PageServices, services_of
from app.web.tokens.build import build_new_token_page, build_tokens_page
from app.web.tokens.page import TokenForm
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_TEXT_CHARS: Final = 400


@router.get(route_to(project_urls.tokens))
async def show_tokens(request: Request, project_access: access.CurrentProject) -> Response:
    """Show the tokens that reach a project, and a form for a new one."""
    return await _show(request, project_access, _make_empty_form(services_of(request)))


@router.post(route_to(project_urls.tokens))
async def add_token(request: Request, project_access: access.CurrentProject) -> Response:
    """Make a token, and show it the one time."""
    services = services_of(request)
    form = _read_form(await forms.read_form(request), services)
    try:
        new_token = NewToken(
            name=form.name,
            scopes=_read_scopes(form),
            address=form.address,
            project_id=None if form.is_wide else project_access.project.id,
            days=_read_days(form.days),
        )
        made = await change_tokens.add_token(services.db, project_access, new_token)
    except InvalidInput as error:
        return await _show(request, project_access, form, error)
    page = build_new_token_page(project_access, made, form.address.strip().rstrip("/"))
    return await answer.render_page(request, "tokens/new.html", page)


@router.post(route_to(project_urls.revoke_token))
async def revoke_token(
    request: Request, project_access: access.CurrentProject, token_id: access.RowId
) -> Response:
    """Revoke a token."""
    await change_tokens.revoke_token(services_of(request).db, project_access, token_id)
    return answer.redirect(project_urls.tokens(project_access.project.id), done="token-revoked")


async def _show(
    request: Request,
    project_access: ProjectAccess,
    form: TokenForm,
    refusal: InvalidInput | None = None,
) -> Response:
    listed = await change_tokens.list_project_tokens(services_of(request).db, project_access)
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_tokens_page(project_access, listed, form, problem=problem)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "tokens/page.html", page, status=status)


def _make_empty_form(services: PageServices) -> TokenForm:
    settings = services.settings
    return TokenForm(address=settings.base_url, asks_address=settings.public_url is None)


def _read_form(fields: Mapping[str, str], services: PageServices) -> TokenForm:
    settings = services.settings
    asks_address = settings.public_url is None
    typed = fields.get("address", "") if asks_address else ""
    return TokenForm(
        name=fields.get("name", "")[:_TEXT_CHARS],
        may_upload=fields.get("upload") == "yes",
        may_read=fields.get("read") == "yes",
        is_wide=fields.get("reach") == "all",
        days=fields.get("days", "")[:_TEXT_CHARS],
        address=typed[: 2 * _TEXT_CHARS] or settings.base_url,
        asks_address=asks_address,
    )


def _read_scopes(form: TokenForm) -> frozenset[Scope]:
    chosen = (("upload", form.may_upload), ("read", form.may_read))
    return read_scopes(name for name, is_chosen in chosen if is_chosen)


def _read_days(text: str) -> int | None:
    if not text:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) < 6  # noqa: PLR2004 - 5 digits are 270 years
    if not is_number:
        raise InvalidInput("choose after how many days the token ends")
    return int(text)
