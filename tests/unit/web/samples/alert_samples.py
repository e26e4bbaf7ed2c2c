"""Values of the pages of alerts."""

from dataclasses import replace

from app.accounts.model import Person
from app.alerts.editing.edit_pictures import PictureSetting
from app.alerts.editing.overview import AlertOverview
from app.alerts.editing.scope import AlertScope
from app.alerts.model import (
    AlertRule,
    AlertRuleSettings,
    AlertTarget,
    RuleKind,
    TargetKind,
    TellWhen,
)
from app.core.ids import PersonId
from app.messages.model import LoggedMessage, MessageKind, MessageState
from app.web.alerts import build
from tests.unit.web.samples.made_up import NOW, PROJECT

ADA = Person(PersonId(1), "ada@example.com", "Ada", True, True, NOW, None)
SHOP = AlertScope(ADA, PROJECT, "Cartwheel Android")
SERVER = AlertScope(ADA, None, "This server")


def _target(number: int, kind: TargetKind, name: str, address: str) -> AlertTarget:
    return AlertTarget(number, PROJECT, kind, name, address, None, None, True, NOW, NOW, None, None)


SLACK = _target(1, TargetKind.SLACK, "#mobile-crashes", "https://hooks.slack.com/services/T/B/aB3d")
HOOK = replace(
    _target(2, TargetKind.WEBHOOK, "x" * 60, "https://" + "long." * 20 + "example/hook"),
    secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw0123456789ab",
    old_secret="whsec_x",
    failing_since=NOW,
    fault="the receiver answered 503",
)
MAIL = replace(_target(3, TargetKind.MAIL, "On call", "on-call@example.com"), is_on=False)


def _rule(number: int, kind: RuleKind, *targets: int, is_on: bool = True, **settings) -> AlertRule:
    return AlertRule(number, PROJECT, kind, is_on, AlertRuleSettings(**settings), targets, NOW)


RULES = (
    _rule(1, RuleKind.NEW_ISSUE, 1, only_crashes=True, environment="production"),
    _rule(2, RuleKind.RETURNED_ISSUE, 1, 2, quiet_from="22:00", quiet_until="07:00",
          time_zone="Europe/Berlin"),
    _rule(3, RuleKind.FIRST_CRASH, 1, collect_min=0),
    _rule(4, RuleKind.SPIKE, 2, is_on=False),
    _rule(8, RuleKind.ISSUE_SPIKE, 1, factor=5, least_events=50),
    _rule(5, RuleKind.CRASH_FREE, 3, tell=TellWhen.DAILY),
    _rule(6, RuleKind.QUERY, 1, query="end:crashed screen:Checkout* " * 6),
    _rule(7, RuleKind.SILENCE),
)  # fmt: skip
SERVER_RULES = tuple(_rule(number, kind, 1) for number, kind in enumerate(SERVER.kinds))


def _message(number: int, state: MessageState, **changes) -> LoggedMessage:
    message = LoggedMessage(
        number, MessageKind.ALERT, "Cartwheel Android: New issue: PaymentException: failed", state,
        1, 1, 1, None, NOW, NOW, NOW, is_erased=False,
    )  # fmt: skip
    return replace(message, **changes)


MESSAGES = (
    _message(9, MessageState.WAITING, tries=3, target_id=2, fault="no answer within 10 s"),
    _message(8, MessageState.SENT),
    _message(7, MessageState.FAILED, tries=11, fault="the receiver answered 503"),
    _message(6, MessageState.SENT, title="Erased", is_erased=True),
    _message(5, MessageState.CANCELLED, target_id=77, title="x" * 400),
    _message(4, MessageState.SENT, kind=MessageKind.TEST, title="Test of #mobile-crashes"),
)
OVERVIEW = AlertOverview((SLACK, HOOK, MAIL), RULES, MESSAGES, PictureSetting(True, True, 12), 4)
NOTHING = AlertOverview((), (), (), PictureSetting(False, True, 0), None)

ALERTS = build.build_alerts_page(SHOP, OVERVIEW, has_mail=True)
ALERTS_EMPTY = build.build_alerts_page(SHOP, NOTHING, has_mail=False)
ALERTS_PROBLEM = build.build_alerts_page(
    SHOP,
    NOTHING,
    has_mail=True,
    form={"kind": "mail", "address": "nobody", "rule-new_issue": "yes"},
    problem="This is not an e-mail address, such as team@example.com.",
)
ALERTS_QUIET = build.build_alerts_page(
    SHOP, AlertOverview((SLACK,), (), (), PictureSetting(False, True, 0), None), has_mail=False
)
SERVER_ALERTS = build.build_alerts_page(
    SERVER, AlertOverview((SLACK,), SERVER_RULES, MESSAGES[:1], None, None), has_mail=True
)
SERVER_ALERTS_EMPTY = build.build_alerts_page(SERVER, NOTHING, has_mail=True)
RULE_PAGES = {
    kind: build.build_rule_page(
        SHOP, kind, OVERVIEW.targets, rule=next(rule for rule in RULES if rule.kind is kind)
    )
    for kind in SHOP.kinds
}
NEW_RULE = build.build_rule_page(SERVER, RuleKind.DISK, OVERVIEW.targets)
RULE_PROBLEM = build.build_rule_page(
    SHOP, RuleKind.QUERY, (), fields={"query": "("}, problem="The bracket is never closed."
)
TARGET_PAGE = build.build_target_page(SHOP, HOOK, RULES)
TARGET_PROBLEM = build.build_target_page(
    SHOP, MAIL, RULES, fields={"name": "", "address": "nobody"}, problem="This is no address."
)
LOG_PAGE = build.build_log_page(SHOP, OVERVIEW, is_first=True)
LOG_EMPTY = build.build_log_page(SHOP, NOTHING, is_first=False)

PAGES: dict[str, tuple[str, object]] = {
    "alerts": ("alerts/page.html", ALERTS),
    "alerts, empty": ("alerts/page.html", ALERTS_EMPTY),
    "alerts, problem": ("alerts/page.html", ALERTS_PROBLEM),
    "alerts, quiet": ("alerts/page.html", ALERTS_QUIET),
    "server alerts": ("alerts/page.html", SERVER_ALERTS),
    "server alerts, empty": ("alerts/page.html", SERVER_ALERTS_EMPTY),
    **{f"alert, {kind}": ("alerts/rule.html", rule_page) for kind, rule_page in RULE_PAGES.items()},
    "alert, new": ("alerts/rule.html", NEW_RULE),
    "alert, problem": ("alerts/rule.html", RULE_PROBLEM),
    "alert target": ("alerts/target.html", TARGET_PAGE),
    "alert target, problem": ("alerts/target.html", TARGET_PROBLEM),
    "alert log": ("alerts/log.html", LOG_PAGE),
    "alert log, empty": ("alerts/log.html", LOG_EMPTY),
}
"""The template and the value of each page."""
