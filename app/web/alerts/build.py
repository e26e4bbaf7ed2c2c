"""Turns alerts, as the use cases return them, into the values of their pages."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from app.alerts.editing.overview import AlertOverview
from app.alerts.editing.scope import AlertScope
from app.alerts.model import (
    AlertRule,
    AlertRuleSettings,
    AlertTarget,
    RuleKind,
    TargetKind,
)
from app.messages.model import LoggedMessage, MessageState
from app.sharing.message_pictures import PICTURE_LASTS
from app.web.alerts.page import (
    AlertLogPage,
    AlertsPage,
    Choice,
    MessageRow,
    PictureChoice,
    RulePage,
    RuleRow,
    TargetPage,
    TargetRow,
)
from app.web.alerts.words import (
    KINDS,
    TARGET_KINDS,
    describe_condition,
    describe_state,
    describe_timing,
    name_message,
)
from app.web.urls import alert_urls

_USUAL: Final = frozenset(
    {
        RuleKind.NEW_ISSUE,
        RuleKind.RETURNED_ISSUE,
        RuleKind.FIRST_CRASH,
        RuleKind.DISK,
        RuleKind.QUARANTINE,
        RuleKind.BACKLOG,
        RuleKind.PROCESS,
    }
)
"""The alerts that are ticked for a first target."""
_WITH_CHOICES: Final = frozenset(
    {RuleKind.SPIKE, RuleKind.ISSUE_SPIKE, RuleKind.CRASH_FREE, RuleKind.QUERY}
)
"""Rules that somebody must think about first."""
_SHOWN_TAIL: Final = 4


def build_alerts_page(
    scope: AlertScope,
    overview: AlertOverview,
    *,
    has_mail: bool,
    form: Mapping[str, str] | None = None,
    problem: str | None = None,
) -> AlertsPage:
    """Build the first page of alerts."""
    typed = form or {}
    names = {target.id: target.name for target in overview.targets}
    return AlertsPage(
        project_id=scope.project_id,
        name=scope.name,
        targets=tuple(build_target_row(scope, target) for target in overview.targets),
        rules=tuple(_build_rule_row(scope, rule, names) for rule in overview.rules),
        messages=tuple(_build_message_row(each, names) for each in overview.messages),
        kinds=tuple(
            Choice(
                kind,
                KINDS[kind].name,
                KINDS[kind].hint,
                href=alert_urls.new_rule(scope.project_id, kind=kind),
            )
            for kind in scope.kinds
        ),
        target_kinds=_list_target_kinds(typed.get("kind", TargetKind.SLACK), has_mail=has_mail),
        usual=tuple(
            Choice(
                kind,
                KINDS[kind].name,
                KINDS[kind].hint,
                is_selected=(f"rule-{kind}" in typed) if typed else kind in _USUAL,
            )
            for kind in scope.kinds
            if kind not in _WITH_CHOICES
        ),
        has_mail=has_mail,
        pictures=_build_picture_choice(scope, overview),
        begin_href=alert_urls.begin(scope.project_id),
        log_href=alert_urls.log(scope.project_id),
        form=typed,
        problem=problem,
    )


def _build_picture_choice(scope: AlertScope, overview: AlertOverview) -> PictureChoice | None:
    if overview.pictures is None:
        return None
    return PictureChoice(
        overview.pictures.is_on,
        overview.pictures.allows_shares,
        overview.pictures.open_pictures,
        PICTURE_LASTS.days,
        alert_urls.pictures(scope.project_id),
    )


def build_target_row(scope: AlertScope, target: AlertTarget) -> TargetRow:
    """Build a target of a list."""
    state, tone = _judge_target(target)
    return TargetRow(
        target.name,
        TARGET_KINDS[target.kind].name,
        _mask_address(target),
        target.is_on,
        state,
        tone,
        target.fault,
        target.sent_at,
        target.failing_since,
        alert_urls.target(scope.project_id, target.id),
        alert_urls.test_target(scope.project_id, target.id),
    )


def build_rule_page(
    scope: AlertScope,
    kind: RuleKind,
    targets: Sequence[AlertTarget],
    *,
    rule: AlertRule | None = None,
    fields: Mapping[str, str] | None = None,
    chosen: Collection[str] = (),
    problem: str | None = None,
) -> RulePage:
    """Build the form of a rule.

    Args:
        scope: The project or the server.
        kind: The kind of the rule.
        targets: All targets.
        rule: The rule; None for a new one.
        fields: The typed values, shown again after a mistake.
        chosen: The ids of the targets that were ticked, after a mistake.
        problem: The mistake to correct, if any.
    """
    settings = rule.settings if rule else AlertRuleSettings()
    if fields is not None:
        ticked = set(chosen)
    elif rule is not None:
        ticked = {str(target_id) for target_id in rule.target_ids}
    else:
        ticked = {str(target.id) for target in targets}
    return RulePage(
        project_id=scope.project_id,
        name=scope.name,
        title=KINDS[kind].name,
        hint=KINDS[kind].hint,
        kind=kind,
        form=_write_form(settings) | (dict(fields) if fields is not None else {}),
        targets=tuple(
            Choice(
                str(target.id),
                target.name,
                TARGET_KINDS[target.kind].name,
                is_selected=str(target.id) in ticked,
            )
            for target in targets
        ),
        action_href=alert_urls.rule(scope.project_id, rule.id)
        if rule
        else alert_urls.new_rule(scope.project_id, kind=kind),
        back_href=alert_urls.alerts(scope.project_id),
        delete_href=alert_urls.delete_rule(scope.project_id, rule.id) if rule else "",
        problem=problem,
    )


def build_target_page(
    scope: AlertScope,
    target: AlertTarget,
    rules: Sequence[AlertRule],
    *,
    fields: Mapping[str, str] | None = None,
    problem: str | None = None,
) -> TargetPage:
    """Build the form of a target."""
    used = [KINDS[rule.kind].name for rule in rules if target.id in rule.target_ids]
    return TargetPage(
        project_id=scope.project_id,
        name=scope.name,
        target=build_target_row(scope, target),
        kind=target.kind,
        address_hint=TARGET_KINDS[target.kind].hint,
        secret=target.secret,
        has_old_secret=target.old_secret is not None,
        used_by=", ".join(dict.fromkeys(used)),
        back_href=alert_urls.alerts(scope.project_id),
        secret_href=alert_urls.replace_secret(scope.project_id, target.id),
        delete_href=alert_urls.delete_target(scope.project_id, target.id),
        form=fields if fields is not None else {"name": target.name, "address": ""},
        problem=problem,
    )


def build_log_page(scope: AlertScope, overview: AlertOverview, *, is_first: bool) -> AlertLogPage:
    """Build a page of the log."""
    names = {target.id: target.name for target in overview.targets}
    return AlertLogPage(
        scope.project_id,
        scope.name,
        tuple(_build_message_row(message, names) for message in overview.messages),
        alert_urls.alerts(scope.project_id),
        "" if overview.before is None else alert_urls.log(scope.project_id, before=overview.before),
        is_first,
    )


def _build_rule_row(scope: AlertScope, rule: AlertRule, names: Mapping[int, str]) -> RuleRow:
    told = [names[target_id] for target_id in rule.target_ids if target_id in names]
    return RuleRow(
        KINDS[rule.kind].name,
        describe_condition(rule.kind, rule.settings),
        describe_timing(rule.settings),
        ", ".join(told),
        rule.is_on,
        bool(told),
        alert_urls.rule(scope.project_id, rule.id),
        alert_urls.switch_rule(scope.project_id, rule.id),
    )


def _build_message_row(message: LoggedMessage, names: Mapping[int, str]) -> MessageRow:
    state, tone = describe_state(message.state)
    is_waiting = message.state is MessageState.WAITING
    return MessageRow(
        message.title,
        name_message(message.kind),
        names.get(message.target_id or 0, "" if message.target_id is None else "a deleted target"),
        state,
        tone,
        message.fault,
        message.tries,
        message.made_at,
        message.ended_at,
        message.due_at if is_waiting and message.fault else None,
    )


def _judge_target(target: AlertTarget) -> tuple[str, str]:
    if not target.is_on:
        return "off", ""
    if target.failing_since is not None:
        return "failing", "bad"
    return ("works", "good") if target.sent_at is not None else ("not used yet", "")


def _mask_address(target: AlertTarget) -> str:
    """Show whose address it is, and not what lets somebody post there."""
    if target.kind is TargetKind.MAIL:
        return target.address
    host = urlsplit(target.address).hostname or ""
    return f"{host}/…{target.address[-_SHOWN_TAIL:]}"


def _list_target_kinds(selected: str, *, has_mail: bool) -> tuple[Choice, ...]:
    return tuple(
        Choice(kind, words.name, words.hint, is_selected=kind == selected)
        for kind, words in TARGET_KINDS.items()
        if kind is not TargetKind.MAIL or has_mail
    )


def _write_form(settings: AlertRuleSettings) -> dict[str, str]:
    return {
        "only_crashes": "yes" if settings.only_crashes else "",
        "environment": settings.environment,
        "query": settings.query,
        "factor": f"{settings.factor:g}",
        "least_events": str(settings.least_events),
        "share_percent": f"{settings.share_percent:g}",
        "least_sessions": str(settings.least_sessions),
        "silent_min": str(settings.silent_min),
        "disk_days": str(settings.disk_days),
        "collect_min": str(settings.collect_min),
        "hourly": str(settings.hourly),
        "tell": settings.tell,
        "tell_at": settings.tell_at,
        "quiet_from": settings.quiet_from,
        "quiet_until": settings.quiet_until,
        "time_zone": settings.time_zone,
    }
