"""Alerts of a project and of the server: the same pages at two places."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from app.alerts.editing import edit_pictures, edit_rules, edit_targets, overview
from app.alerts.editing.edit_targets import TargetForm
from app.alerts.editing.scope import AlertScope
from app.core.errors import InvalidInput, NotFound
from app.messages.model import MessageState
from app.web.alerts.build import (
    build_alerts_page,
    build_log_page,
    build_rule_page,
    build_target_page,
)
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.urls import alert_urls
from app.web.urls.routing import route_to
from app.web.words import phrases

router = APIRouter()

_BIGGEST_ID: Final = 2**63 - 1
_MOST_FIELDS: Final = 100
_TESTED: Final = {
    MessageState.SENT: "alert-test-sent",
    MessageState.FAILED: "alert-test-failed",
    MessageState.CANCELLED: "alert-test-failed",
    MessageState.WAITING: "alert-test-waiting",
}


async def require_scope(request: Request) -> AlertScope:
    """Return whose alerts an address is about, and that the visitor is an admin there.

    Raises:
        SignInRequired: Nobody is signed in.
        NotFound: The visitor may not know of the project.
        PermissionDenied: They are not an admin.
    """
    project = request.path_params.get("project_id")
    if project is None:
        visitor = await access.require_server_admin(request)
        return AlertScope.of_server(visitor.person)
    number = str(project)
    is_number = number.isascii() and number.isdecimal() and len(number) <= len(str(_BIGGEST_ID))
    if not is_number:
        raise NotFound("no such project")
    return AlertScope.of_project(await access.require_project(request, int(number)))


CurrentScope = Annotated[AlertScope, Depends(require_scope)]
_Handler = Callable[..., Any]


def _route(method: str, link: Callable[..., str]) -> Callable[[_Handler], _Handler]:
    """Declare a route below a project, and the same one below the server."""

    def declare(handler: _Handler) -> _Handler:
        for path in (route_to(link), _server_path(link)):
            router.add_api_route(path, handler, methods=[method])
        return handler

    return declare


def _server_path(link: Callable[..., str]) -> str:
    """Return the path of a link where there is no project."""
    _, *others = inspect.signature(link).parameters.values()
    ids = [each.name for each in others if each.kind is each.POSITIONAL_OR_KEYWORD]
    return link(None, *(f"{{{name}}}" for name in ids))


@_route("GET", alert_urls.alerts)
async def show_alerts(request: Request, scope: CurrentScope) -> Response:
    """Show targets, rules and the newest messages."""
    return await _show(request, scope)


@_route("POST", alert_urls.begin)
async def begin(request: Request, scope: CurrentScope) -> Response:
    """Add a target with some rules, in one step."""
    services = services_of(request)
    fields = await forms.read_form(request)
    kinds = [name.removeprefix("rule-") for name in fields if name.startswith("rule-")]
    try:
        target = await edit_targets.begin_alerts(
            services.db,
            scope,
            _read_target(fields),
            kinds,
            only_crashes=fields.get("only_crashes") == "yes",
            allowed=services.alerts.allowed,
            has_mail=services.alerts.has_mail,
        )
    except InvalidInput as error:
        return await _show(request, scope, fields, error)
    await services.alerts.wanted.refresh()
    done = "alert-begun" if kinds else "alert-target-added"
    if fields.get("test") == "yes":
        done = await _test(request, scope, target.id)
    return answer.redirect(alert_urls.alerts(scope.project_id), done=done)


@_route("GET", alert_urls.target)
async def show_target(request: Request, scope: CurrentScope, target_id: access.RowId) -> Response:
    """Show a target, to be changed."""
    return await _show_target(request, scope, target_id)


@_route("POST", alert_urls.target)
async def change_target(request: Request, scope: CurrentScope, target_id: access.RowId) -> Response:
    """Change the name, the address or the switch of a target."""
    services = services_of(request)
    fields = await forms.read_form(request)
    try:
        await edit_targets.change_target(
            services.db,
            scope,
            target_id,
            _read_target(fields),
            is_on=fields.get("on", "yes") == "yes",
            allowed=services.alerts.allowed,
        )
    except InvalidInput as error:
        return await _show_target(request, scope, target_id, fields, error)
    return answer.redirect(alert_urls.alerts(scope.project_id), done="alert-target-saved")


@_route("POST", alert_urls.test_target)
async def send_test(request: Request, scope: CurrentScope, target_id: access.RowId) -> Response:
    """Send a test, and say what became of it."""
    try:
        done = await _test(request, scope, target_id)
    except InvalidInput as error:
        return await _show(request, scope, None, error)
    return answer.redirect(alert_urls.alerts(scope.project_id), done=done)


@_route("POST", alert_urls.replace_secret)
async def replace_secret(
    request: Request, scope: CurrentScope, target_id: access.RowId
) -> Response:
    """Give a webhook another secret."""
    try:
        await edit_targets.replace_secret(services_of(request).db, scope, target_id)
    except InvalidInput as error:
        return await _show_target(request, scope, target_id, None, error)
    address = alert_urls.target(scope.project_id, target_id)
    return answer.redirect(address, done="alert-secret-replaced")


@_route("POST", alert_urls.delete_target)
async def delete_target(request: Request, scope: CurrentScope, target_id: access.RowId) -> Response:
    """Delete a target."""
    await edit_targets.delete_target(services_of(request).db, scope, target_id)
    return answer.redirect(alert_urls.alerts(scope.project_id), done="alert-target-deleted")


@router.post(route_to(alert_urls.pictures))
async def set_pictures(request: Request, scope: CurrentScope) -> Response:
    """Let messages show pictures, or take all of them back."""
    is_on = (await forms.read_form(request)).get("on") == "yes"
    await edit_pictures.set_pictures(services_of(request).db, scope, is_on=is_on)
    done = "alert-pictures-on" if is_on else "alert-pictures-off"
    return answer.redirect(alert_urls.alerts(scope.project_id), done=done)


@_route("GET", alert_urls.new_rule)
async def ask_for_rule(
    request: Request, scope: CurrentScope, kind: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Show the form of a new rule."""
    chosen = edit_rules.read_kind(scope, kind or scope.kinds[0])
    alerts = await overview.read_overview(services_of(request).db, scope)
    page = build_rule_page(scope, chosen, alerts.targets)
    return await answer.render_page(request, "alerts/rule.html", page)


@_route("POST", alert_urls.new_rule)
async def add_rule(
    request: Request, scope: CurrentScope, kind: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """Add a rule."""
    services = services_of(request)
    fields, targets = await _read_rule(request)
    chosen = edit_rules.read_kind(scope, kind or scope.kinds[0])
    try:
        await edit_rules.add_rule(services.db, scope, chosen, fields, targets)
    except InvalidInput as error:
        alerts = await overview.read_overview(services.db, scope)
        page = build_rule_page(
            scope, chosen, alerts.targets, fields=fields, chosen=targets, problem=_say(error)
        )
        return await answer.render_page(request, "alerts/rule.html", page, status=error.status)
    await services.alerts.wanted.refresh()
    return answer.redirect(alert_urls.alerts(scope.project_id), done="alert-added")


@_route("GET", alert_urls.rule)
async def show_rule(request: Request, scope: CurrentScope, rule_id: access.RowId) -> Response:
    """Show a rule, to be changed."""
    database = services_of(request).db
    rule = await overview.read_rule(database, scope, rule_id)
    alerts = await overview.read_overview(database, scope)
    page = build_rule_page(scope, rule.kind, alerts.targets, rule=rule)
    return await answer.render_page(request, "alerts/rule.html", page)


@_route("POST", alert_urls.rule)
async def change_rule(request: Request, scope: CurrentScope, rule_id: access.RowId) -> Response:
    """Change a rule."""
    services = services_of(request)
    fields, targets = await _read_rule(request)
    try:
        await edit_rules.change_rule(services.db, scope, rule_id, fields, targets)
    except InvalidInput as error:
        rule = await overview.read_rule(services.db, scope, rule_id)
        alerts = await overview.read_overview(services.db, scope)
        page = build_rule_page(
            scope,
            rule.kind,
            alerts.targets,
            rule=rule,
            fields=fields,
            chosen=targets,
            problem=_say(error),
        )
        return await answer.render_page(request, "alerts/rule.html", page, status=error.status)
    await services.alerts.wanted.refresh()
    return answer.redirect(alert_urls.alerts(scope.project_id), done="alert-saved")


@_route("POST", alert_urls.switch_rule)
async def switch_rule(request: Request, scope: CurrentScope, rule_id: access.RowId) -> Response:
    """Switch a rule on or off."""
    services = services_of(request)
    is_on = (await forms.read_form(request)).get("on") == "yes"
    await edit_rules.switch_rule(services.db, scope, rule_id, is_on=is_on)
    await services.alerts.wanted.refresh()
    done = "alert-on" if is_on else "alert-off"
    return answer.redirect(alert_urls.alerts(scope.project_id), done=done)


@_route("POST", alert_urls.delete_rule)
async def delete_rule(request: Request, scope: CurrentScope, rule_id: access.RowId) -> Response:
    """Delete a rule."""
    services = services_of(request)
    await edit_rules.delete_rule(services.db, scope, rule_id)
    await services.alerts.wanted.refresh()
    return answer.redirect(alert_urls.alerts(scope.project_id), done="alert-deleted")


@_route("GET", alert_urls.log)
async def show_log(
    request: Request,
    scope: CurrentScope,
    before: Annotated[int | None, Query(ge=1, le=_BIGGEST_ID)] = None,
) -> Response:
    """Show what was sent, what failed and what waits."""
    log = await overview.read_overview(
        services_of(request).db, scope, before=before, limit=overview.PART
    )
    page = build_log_page(scope, log, is_first=before is None)
    return await answer.render_page(request, "alerts/log.html", page)


async def _test(request: Request, scope: AlertScope, target_id: int) -> str:
    """Send a test; returns the code of the notice about what became of it."""
    services = services_of(request)
    state = await edit_targets.send_test(
        services.db, scope, target_id, services.alerts.addresses, hurry=services.alerts.hurry
    )
    return _TESTED[state]


def _read_target(fields: dict[str, str]) -> TargetForm:
    return TargetForm(fields.get("kind", ""), fields.get("address", ""), fields.get("name", ""))


async def _read_rule(request: Request) -> tuple[dict[str, str], list[str]]:
    """Return the fields of a rule's form, and the targets that are ticked in it."""
    pairs = await forms.read_form_pairs(request, limit=_MOST_FIELDS)
    targets = [value for name, value in pairs if name == "target"]
    return {name: value for name, value in pairs if name != "target"}, targets


def _say(refusal: InvalidInput | None) -> str | None:
    return phrases.sentence(str(refusal)) if refusal else None


async def _show(
    request: Request,
    scope: AlertScope,
    fields: dict[str, str] | None = None,
    refusal: InvalidInput | None = None,
) -> Response:
    services = services_of(request)
    alerts = await overview.read_overview(services.db, scope)
    page = build_alerts_page(
        scope, alerts, has_mail=services.alerts.has_mail, form=fields, problem=_say(refusal)
    )
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "alerts/page.html", page, status=status)


async def _show_target(
    request: Request,
    scope: AlertScope,
    target_id: int,
    fields: dict[str, str] | None = None,
    refusal: InvalidInput | None = None,
) -> Response:
    database = services_of(request).db
    target = await overview.read_target(database, scope, target_id)
    alerts = await overview.read_overview(database, scope)
    page = build_target_page(scope, target, alerts.rules, fields=fields, problem=_say(refusal))
    status = refusal.status if refusal else 200
    return await answer.render_page(request, "alerts/target.html", page, status=status)
