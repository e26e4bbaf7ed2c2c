"""The page of a project's privacy rules: shown, tried on recent events, and saved."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.administration.privacy import rule_settings, rule_trial
from app.administration.privacy.rule_trial import RuleTrial
from app.core.errors import InvalidInput
from app.memberships.model import ProjectAccess
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.privacy.build import build_privacy_page
from app.web.privacy.form import MOST_FIELDS, RuleForm, fill_rule_form, make_rules, read_rule_form
from app.web.urls import project_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()


@router.get(route_to(project_urls.privacy))
async def show_rules(request: Request, project_access: access.CurrentProject) -> Response:
    """Show the privacy rules of a project, to be changed."""
    return await _show(request, project_access)


@router.post(route_to(project_urls.privacy))
async def save_rules(request: Request, project_access: access.CurrentProject) -> Response:
    """Save the privacy rules as a new version."""
    form = read_rule_form(await forms.read_form_pairs(request, limit=MOST_FIELDS))
    services = services_of(request)
    try:
        await rule_settings.save_rules(
            services.db,
            services.rules,
            project_access,
            make_rules(form),
            after_version=form.version,
        )
    except InvalidInput as error:
        return await _show(request, project_access, form, refusal=error)
    return answer.redirect(project_urls.privacy(project_access.project.id), done="privacy-saved")


@router.post(route_to(project_urls.try_privacy))
async def try_rules(request: Request, project_access: access.CurrentProject) -> Response:
    """Show what the rules of the form would remove, without saving them."""
    form = read_rule_form(await forms.read_form_pairs(request, limit=MOST_FIELDS))
    try:
        trial = await rule_trial.try_rules(
            services_of(request).db, project_access, make_rules(form), form.text
        )
    except InvalidInput as error:
        return await _show(request, project_access, form, refusal=error)
    return await _show(request, project_access, form, trial=trial)


async def _show(
    request: Request,
    project_access: ProjectAccess,
    form: RuleForm | None = None,
    *,
    trial: RuleTrial | None = None,
    refusal: InvalidInput | None = None,
) -> Response:
    settings = await rule_settings.read_rule_settings(services_of(request).db, project_access)
    saved = settings.saved
    page = build_privacy_page(
        project_access,
        settings,
        form or fill_rule_form(saved.rules, saved.version),
        trial=trial,
        problem=phrases.sentence(str(refusal)) if refusal else None,
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "privacy/page.html", page, status=status)
