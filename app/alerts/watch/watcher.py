"""Checks the conditions of rules again and again, in one of all processes.

rule ─► conditions that hold ─┬─ new ─► finding: it has begun
                              └─ known, and gone ─► finding: it is over
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import ClassVar, Final, override

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import conditions, rules
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.model import SERVER_KINDS, AlertRule, RuleKind
from app.alerts.schedule import find_due_at
from app.alerts.watch.condition import WatchedCondition
from app.alerts.watch.releases import find_crashing_releases
from app.alerts.watch.server import ServerWatcher
from app.alerts.watch.silence import find_silence
from app.alerts.watch.spikes import find_issue_spikes, find_spikes, name_subject
from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.issues.regrouping import replaced_issues
from app.messages import findings, outbox
from app.messages.model import AlertFinding

PAUSE: Final = timedelta(seconds=30)

FindConditions = Callable[
    [AsyncConnection, AlertRule, MessageAddresses, datetime], Awaitable[list[WatchedCondition]]
]
_OF_PROJECTS: Final[dict[RuleKind, FindConditions]] = {
    RuleKind.SPIKE: find_spikes,
    RuleKind.ISSUE_SPIKE: find_issue_spikes,
    RuleKind.CRASH_FREE: find_crashing_releases,
    RuleKind.SILENCE: find_silence,
}

_logger: Final = log.get_logger("alerts.watch")


class AlertWatcher(RepeatedWorker):
    """Judges the rules about conditions, and deletes old messages and findings."""

    package: ClassVar[str] = "alerts.watch"
    pause_s = 15.0
    waiting_message: ClassVar[str] = "watching waits"
    failure_message: ClassVar[str] = "watching failed"

    def __init__(
        self, database: Database, addresses: MessageAddresses, server: ServerWatcher
    ) -> None:
        super().__init__()
        self._database = database
        self._addresses = addresses
        self._server = server

    @override
    async def work(self) -> None:
        """Judge every rule about a condition once."""
        async with self._database.reading() as connection:
            watching = await rules.list_rules_on(connection, (*_OF_PROJECTS, *SERVER_KINDS))
        for rule in watching:
            try:
                await self.judge(rule)
            except ServiceUnavailable:
                raise
            except Exception:
                _logger.exception("an alert could not be judged", rule=rule.id)
        async with self._database.transaction() as connection:
            await findings.delete_old_findings(connection, now=clock.now())
            await outbox.delete_old_messages(connection, now=clock.now())

    async def judge(self, rule: AlertRule) -> None:
        """Judge one rule, and note the conditions that have begun or ended."""
        now = clock.now()
        if rule.kind in _OF_PROJECTS:
            async with self._database.reading() as connection:
                find = _OF_PROJECTS[rule.kind]
                holding = await find(connection, rule, self._addresses, now)
        else:
            holding = await self._server.find_conditions(rule)
        async with self._database.transaction() as connection:
            await note_conditions(connection, rule, holding, now=now)


async def note_conditions(
    connection: AsyncConnection, rule: AlertRule, holding: list[WatchedCondition], *, now: datetime
) -> None:
    """Note the conditions of a rule that hold now, and add findings for new and ended ones."""
    await _follow_replaced_issues(connection, rule, {condition.subject for condition in holding})
    found = []
    for condition in holding:
        if await conditions.begin_condition(
            connection,
            rule.id,
            condition.subject,
            at=now,
            over=condition.over,
            issue_id=condition.issue_id,
        ):
            name = f"{condition.subject}@{now.isoformat()}"
            found.append(_make_finding(rule, name, condition, now))
    ended = await conditions.end_conditions(
        connection, rule.id, holding=[condition.subject for condition in holding]
    )
    for past in ended:
        if past.over:
            over = WatchedCondition(
                past.subject, past.over, f"It began at {past.began_at:%Y-%m-%d %H:%M} UTC.", "",
                tone="good", is_over=True, issue_id=past.issue_id,
            )  # fmt: skip
            name = f"{past.subject}@{past.began_at.isoformat()} over"
            found.append(_make_finding(rule, name, over, now))
    await findings.add_findings(connection, found)


async def _follow_replaced_issues(
    connection: AsyncConnection, rule: AlertRule, holding: Collection[str]
) -> None:
    """Move conditions to the issues that have replaced theirs through symbolication.

    Otherwise one condition would end and another would begin, although nothing has changed.
    """
    if rule.project_id is None:
        return
    for subject, issue_id in (await conditions.list_held(connection, rule.id)).items():
        if issue_id is None or subject in holding:
            continue
        successor = await replaced_issues.find_successor(connection, (rule.project_id, issue_id))
        if successor is not None and (to := name_subject(successor)) in holding:
            await conditions.move_condition(connection, rule.id, subject, to=to, issue_id=successor)


def _make_finding(
    rule: AlertRule, name: str, condition: WatchedCondition, now: datetime
) -> AlertFinding:
    return AlertFinding(
        rule.id,
        name[:1_000],
        rule.project_id,
        found_at=now,
        due_at=find_due_at(rule.settings, now),
        facts=condition.to_facts(),
        issue_id=condition.issue_id,
        event_id=condition.event_id,
    )
