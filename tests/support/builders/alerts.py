"""Targets, rules and findings for tests of alerts."""

from datetime import timedelta
from typing import Any

from app.alerts import rules, targets
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.compose import MessageComposer
from app.alerts.delivery.sender import MessageSender
from app.alerts.judge import judge_signals
from app.alerts.metrics import MessageMetrics
from app.alerts.model import AlertRule, AlertRuleSettings, AlertTarget, RuleKind, TargetKind
from app.core import clock
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.mail.mailbox import read_mailbox
from app.mail.server import Mailer, read_mail_server
from app.messages import findings
from app.messages.model import AlertFinding
from app.outbound.allowed_hosts import AllowedHosts
from app.outbound.client import OutboundClient
from app.wiring.alerts import make_addresses
from tests.support.servers.receivers import MailReceiver

LOCAL = AllowedHosts.read(["127.0.0.1"])
ADDRESSES: MessageAddresses = make_addresses("https://replays.example.com")
AT_ONCE = AlertRuleSettings(collect_min=0)
SENDER = "a" * 32


async def add_target(
    database: Database,
    project_id: ProjectId | None,
    address: str,
    kind: TargetKind = TargetKind.WEBHOOK,
) -> AlertTarget:
    """Add a target."""
    async with database.transaction() as connection:
        return await targets.add_target(
            connection, project_id, kind, name="Team", address=address, made_by=PersonId(1)
        )


async def add_rule(
    database: Database,
    project_id: ProjectId | None,
    kind: RuleKind,
    *receivers: AlertTarget,
    settings: AlertRuleSettings = AT_ONCE,
    made_by: PersonId | None = None,
) -> AlertRule:
    """Add a rule that tells some targets."""
    async with database.transaction() as connection:
        return await rules.add_rule(
            connection,
            project_id,
            kind,
            settings,
            [target.id for target in receivers],
            made_by=made_by or PersonId(1),
        )


async def add_finding(database: Database, rule: AlertRule, subject: str, **facts: Any) -> None:
    """Let a rule find something that is due at once."""
    now = clock.now() - timedelta(seconds=1)
    about = {"title": subject, "why": "It is so.", "path": "/projects", **facts}
    async with database.transaction() as connection:
        await findings.add_findings(
            connection,
            [
                AlertFinding(
                    rule.id, subject, rule.project_id, found_at=now, due_at=now, facts=about
                )
            ],
        )


def make_sender(
    database: Database,
    mail: MailReceiver | None = None,
    *,
    process_id: str = SENDER,
    client: OutboundClient | None = None,
    metrics: MessageMetrics | None = None,
) -> MessageSender:
    """Make a sender that may post to this machine."""
    mailer = (
        Mailer(read_mail_server(mail.url), read_mailbox("Playhead <playhead@example.com>"))
        if mail
        else None
    )
    return MessageSender(
        database,
        client or OutboundClient(LOCAL),
        mailer,
        ADDRESSES,
        process_id=process_id,
        metrics=metrics or MessageMetrics(),
    )


async def judge_and_compose(database: Database) -> int:
    """Do once what the worker does again and again; returns how many messages were made."""
    await judge_signals(database)
    return await MessageComposer(database, ADDRESSES).compose_due()
