"""Makes messages of what rules found, as soon as their rules allow.

    findings due ─► rule, locked ─► quiet? limit? ─► one message for each target ─► outbox
                                    └─ later, together with what else is found

A limit drops no finding: those that may not be told now are told with the next message.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import rules, targets
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.content import AlertContent, AlertItem
from app.alerts.composing.describe import FindingDescriber
from app.alerts.composing.subjects import MessageSubjects
from app.alerts.model import SERVER_KINDS, AlertRule, RuleKind, TellWhen
from app.alerts.reach import list_readable
from app.alerts.schedule import HOUR, find_quiet_end
from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages import findings, outbox
from app.messages.model import AlertFinding, MessageKind, NewMessage
from app.playback.video.index_cache import IndexCache
from app.projects import queries as projects

SHOWN: Final = 10
"""The most findings that a message describes; it counts the others."""
_MOST_TOLD: Final = 1_000
_RULES: Final = 50
SERVER_NAME: Final = "This server"

_logger: Final = log.get_logger("alerts")


class MessageComposer:
    """Makes messages of findings; any number of processes may do it at once."""

    def __init__(self, database: Database, addresses: MessageAddresses) -> None:
        self._database = database
        self._addresses = addresses
        self._index_cache = IndexCache()

    async def compose_due(self) -> int:
        """Make the messages that are due, and return how many were put into the outbox.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        async with self._database.reading() as connection:
            due = await findings.list_due_rules(connection, now=clock.now(), limit=_RULES)
        made = 0
        for rule_id in due:
            try:
                async with self._database.transaction() as connection:
                    made += await self._compose(connection, rule_id)
            except ServiceUnavailable:
                raise
            except Exception:
                # One rule that fails must not stop the others; it is tried again later.
                _logger.exception("an alert could not be written", rule=rule_id)
                async with self._database.transaction() as connection:
                    await findings.postpone(
                        connection, rule_id, clock.now() + timedelta(minutes=10)
                    )
        return made

    async def _compose(self, connection: AsyncConnection, rule_id: int) -> int:
        rule = await rules.lock_rule(connection, rule_id)
        if rule is None:
            return 0  # another process has it
        receivers = await targets.list_on(connection, rule.target_ids) if rule.is_on else []
        if not receivers:
            await findings.drop_untold(connection, rule_id)
            return 0
        now = clock.now()
        later = await _find_later(connection, rule, now)
        if later is not None:
            await findings.postpone(connection, rule_id, later)
            return 0
        told = await findings.list_untold(connection, rule_id, limit=_MOST_TOLD)
        content, subjects = await self._write_content(connection, rule, told)
        if not await subjects.lock(connection):
            return 0  # a subject was erased or moved just now: the next run describes it again
        await findings.mark_told(connection, told, at=now)
        if content is None:
            return 0  # all subjects were erased meanwhile
        batch = secrets.token_hex(16)
        messages = [
            NewMessage(
                MessageKind.ALERT,
                content.headline,
                content.to_json(),
                batch,
                project_id=rule.project_id,
                rule_id=rule.id,
                target_id=target.id,
                subjects=subjects.list_ids(),
            )
            for target in receivers
        ]
        return len(await outbox.add_messages(connection, messages))

    async def _write_content(
        self, connection: AsyncConnection, rule: AlertRule, told: Sequence[AlertFinding]
    ) -> tuple[AlertContent | None, MessageSubjects]:
        """Write the content of a message (None if no finding is left), and list what it names."""
        describer = FindingDescriber(
            connection,
            self._addresses,
            self._index_cache,
            await list_readable(connection, rule),
        )
        items: list[AlertItem] = []
        subjects = MessageSubjects()
        gone = 0
        for finding in told:
            if len(items) >= SHOWN:
                break
            item = await describer.describe(rule, finding)
            if item is None:
                gone += 1
                continue
            items.append(item)
            subjects.add(finding, item.ids)
        if not items:
            return None, subjects
        more = len(told) - len(items) - gone
        source = await _name_source(connection, rule.project_id)
        content = AlertContent(
            kind=rule.kind,
            headline=_write_headline(rule, items, more, source),
            source=source,
            items=tuple(items),
            more=more,
            rules_url=self._addresses.alerts(rule.project_id),
            more_url=self._find_more_url(rule),
            found_at=told[0].found_at.isoformat(),
            project_id="" if rule.project_id is None else str(rule.project_id),
            is_summary=rule.settings.tell is TellWhen.DAILY,
        )
        return content, subjects

    def _find_more_url(self, rule: AlertRule) -> str:
        if rule.project_id is None or rule.kind in SERVER_KINDS:
            return self._addresses.base_url + self._addresses.health_path
        return self._addresses.base_url + self._addresses.issues_path(rule.project_id)


async def _find_later(
    connection: AsyncConnection, rule: AlertRule, now: datetime
) -> datetime | None:
    """Return the time from which a rule may send again; None if it may send now."""
    quiet_end = find_quiet_end(rule.settings, now)
    if quiet_end is not None:
        return quiet_end
    if await outbox.count_batches(connection, rule.id, since=now - HOUR) < rule.settings.hourly:
        return None
    first_at = await outbox.find_first_batch_at(connection, rule.id, since=now - HOUR)
    return (first_at or now) + HOUR + timedelta(seconds=1)


async def _name_source(connection: AsyncConnection, project_id: ProjectId | None) -> str:
    if project_id is None:
        return SERVER_NAME
    names = await projects.read_project_names(connection, {project_id})
    return names.get(project_id, "A project")


def _write_headline(rule: AlertRule, items: Sequence[AlertItem], more: int, source: str) -> str:
    """Write the subject line: the project, then one finding or the number of several."""
    total = len(items) + more
    if rule.settings.tell is TellWhen.DAILY:
        return f"{source}: {total:,} in today's summary, {_COUNTED[rule.kind][total > 1]}"
    if total > 1:
        return f"{source}: {total:,} {_COUNTED[rule.kind][1]}"
    label = _LABELS.get(rule.kind)
    if rule.kind is RuleKind.ISSUE_SPIKE and items[0].is_over:
        label = "Spike is over"
    return f"{source}: {label}: {items[0].title}" if label else f"{source}: {items[0].title}"


_LABELS: Final = {
    RuleKind.NEW_ISSUE: "New issue",
    RuleKind.RETURNED_ISSUE: "Issue is back",
    RuleKind.FIRST_CRASH: "First crash in a release",
    RuleKind.ISSUE_SPIKE: "Spike of an issue",
    RuleKind.QUERY: "Replay matches",
}
_COUNTED: Final = {
    RuleKind.NEW_ISSUE: ("new issue", "new issues"),
    RuleKind.RETURNED_ISSUE: ("issue is back", "issues are back"),
    RuleKind.FIRST_CRASH: ("release crashed first", "releases crashed first"),
    RuleKind.SPIKE: ("spike of errors", "spikes of errors"),
    RuleKind.ISSUE_SPIKE: ("spike of an issue", "spikes of issues"),
    RuleKind.CRASH_FREE: ("release crashes too often", "releases crash too often"),
    RuleKind.QUERY: ("matching replay", "matching replays"),
    RuleKind.SILENCE: ("silence", "silences"),
    RuleKind.DISK: ("warning about the disk", "warnings about the disk"),
    RuleKind.LIMITED: ("limited project", "limited projects"),
    RuleKind.QUARANTINE: ("warning about quarantine", "warnings about quarantine"),
    RuleKind.BACKLOG: ("backlog", "backlogs"),
    RuleKind.PROCESS: ("problem of a process", "problems of processes"),
}
"""The words for the findings of each kind of rule, singular and plural."""
