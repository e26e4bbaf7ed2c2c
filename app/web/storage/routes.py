"""Shows the storage of the server, and changes the rules for all projects."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.model import Person
from app.core.errors import InvalidInput
from app.retention.rules import change_rules, rules_form
from app.retention.storage_report import read_storage_report
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.storage.build import build_confirmation, build_page
from app.web.storage.page import ServerForm
from app.web.urls import server_urls
from app.web.words import phrases

router = APIRouter()

_SHOWN_CHARS = 20


@router.get(server_urls.STORAGE)
async def show_storage(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Show what fills the storage of the server, and until when."""
    return await _show(request, visitor.person)


@router.post(server_urls.STORAGE)
async def save_rules(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Save the rules for all projects; ask before, if they would delete something."""
    change_rules.require_server_admin(visitor.person)
    services = services_of(request)
    fields = await forms.read_form(request)
    form = ServerForm(
        fields.get("default_days", "")[:_SHOWN_CHARS], fields.get("longest_days", "")[:_SHOWN_CHARS]
    )
    longest_days = services.settings.keep_days_at_most
    try:
        rules = rules_form.read_server_form(form.default_days, form.longest_days)
        if fields.get("sure") != "yes":
            estimate = await change_rules.preview_server_rules(
                services.db, visitor.person, rules, longest_days=longest_days
            )
            if estimate.deletes:
                page = build_confirmation(form, rules, estimate)
                return await answer.render_page(request, "storage/confirm.html", page)
        await change_rules.change_server_rules(
            services.db, visitor.person, rules, longest_days=longest_days
        )
    except InvalidInput as error:
        return await _show(request, visitor.person, form=form, refusal=error)
    services.retention.hurry()
    done = "retention-running" if fields.get("sure") == "yes" else "retention-saved"
    return answer.redirect(server_urls.STORAGE, done=done)


async def _show(
    request: Request,
    person: Person,
    *,
    form: ServerForm | None = None,
    refusal: InvalidInput | None = None,
) -> Response:
    services = services_of(request)
    settings = services.settings
    report = await read_storage_report(
        services.db,
        person,
        data_dir=settings.data_dir if settings.storage == "local" else None,
        longest_days=settings.keep_days_at_most,
    )
    problem = phrases.sentence(str(refusal)) if refusal else None
    page = build_page(report, form=form, problem=problem)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "storage/page.html", page, status=status)
