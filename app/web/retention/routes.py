"""Shows the rules of a project, foretells what a change would delete, and saves it."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess, Role
from app.retention.rules import change_rules, rules_form
from app.retention.rules.rules_form import KeepRuleRefused, RulesForm
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.retention.build import build_confirmation, build_page
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_SHOWN_CHARS = 12_000


@router.get(route_to(project_urls.retention))
async def show_rules(request: Request, project_access: access.CurrentProject) -> Response:
    """Show what a project keeps, and for how long."""
    return await _show(request, project_access)


@router.post(route_to(project_urls.retention))
async def save_rules(request: Request, project_access: access.CurrentProject) -> Response:
    """Save rules; ask before, if they would delete something."""
    project_access.require_role(Role.ADMIN)
    services = services_of(request)
    fields = await forms.read_form(request)
    form = _read_form(fields)
    longest_days = services.settings.keep_days_at_most
    try:
        rules = rules_form.read_form(form)
        if fields.get("sure") != "yes":
            preview = await change_rules.preview_rules(
                services.db, project_access, rules, longest_days=longest_days
            )
            if preview.deletes:
                read = await change_rules.read_project_retention(
                    services.db, project_access, longest_days=longest_days
                )
                page = build_confirmation(project_access, read, rules, preview, form)
                return await answer.render_page(request, "retention/confirm.html", page)
        await change_rules.change_rules(
            services.db, project_access, rules, longest_days=longest_days
        )
    except InvalidInput as error:
        return await _show(request, project_access, form=form, refusal=error)
    services.retention.hurry()
    done = "retention-running" if fields.get("sure") == "yes" else "retention-saved"
    return answer.redirect(project_urls.retention(project_access.project.id), done=done)


def _read_form(fields: dict[str, str]) -> RulesForm:
    """Take the fields of the form; what is too long to be right is cut."""
    empty = RulesForm()
    names = ("days", "for_ever", "limit_gib", "at_limit", "keep_queries", "rest_hours")
    return RulesForm(
        **{name: fields.get(name, getattr(empty, name))[:_SHOWN_CHARS] for name in names}
    )


async def _show(
    request: Request,
    project_access: ProjectAccess,
    *,
    form: RulesForm | None = None,
    refusal: InvalidInput | None = None,
) -> Response:
    services = services_of(request)
    read = await change_rules.read_project_retention(
        services.db, project_access, longest_days=services.settings.keep_days_at_most
    )
    problem = phrases.sentence(str(refusal)) if refusal else None
    is_of_rules = isinstance(refusal, KeepRuleRefused)
    page = build_page(project_access, read, form=form, problem=problem, is_of_rules=is_of_rules)
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "retention/page.html", page, status=status)
