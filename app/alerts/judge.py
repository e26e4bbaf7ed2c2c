"""Judges signals by the rules of their projects, and stores the findings.

signals, taken ─► rules of their projects ─► issue, event, replay ─► findings ─┐ one
                                                                     commit ◄──┘ transaction
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import rules
from app.alerts.current_issue import find_current_issue
from app.alerts.model import SIGNALS, AlertRule
from app.alerts.reach import list_readable
from app.alerts.schedule import find_due_at
from app.core import clock, log
from app.core.errors import InvalidInput, ServiceUnavailable
from app.core.ids import ProjectId, ReplayId
from app.db.engine import Database, translating_errors
from app.formats.events.event import CRASHES, HANGS
from app.issues.model import Issue, StoredEvent
from app.messages import findings, signals
from app.messages.model import AlertFinding, AlertSignal, SignalKind
from app.playback.replay_search import check_query, match_replays
from app.replays import queries as replays
from app.replays.model import ReplayKey

BATCH: Final = 100
"""Signals that are judged in one transaction: replays among them are searched together."""

_logger: Final = log.get_logger("alerts")


async def judge_signals(database: Database) -> int:
    """Judge the next signals; any number of processes may do this at once.

    Returns:
        The number of signals that were judged; fewer than `BATCH` if none is left.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    async with database.reading() as connection:
        if not await signals.is_any_waiting(connection):
            return 0
    try:
        return await _judge_batch(database, BATCH)
    except ServiceUnavailable:
        raise
    except Exception:
        # One signal that cannot be judged must not stop the others: they are judged one by one.
        _logger.exception("alerts are judged one by one, as they failed together")
    judged = 0
    while judged < BATCH:
        if not await _judge_or_drop(database):
            break
        judged += 1
    return judged


async def _judge_or_drop(database: Database) -> bool:
    """Judge one signal, or drop it if that fails; returns False if there is none."""
    async with database.transaction() as connection:
        taken = await signals.take_signals(connection, limit=1)
        if not taken:
            return False
        try:
            # A savepoint undoes the failed judgement but not the taking of the signal, so exactly
            # the signal that failed is dropped, whatever other processes judge meanwhile.
            with translating_errors():
                async with connection.begin_nested():
                    await findings.add_findings(connection, await find_by_rules(connection, taken))
        except ServiceUnavailable:
            raise
        except Exception:
            _logger.exception("a signal was dropped", kinds=[each.kind for each in taken])
    return True


async def _judge_batch(database: Database, limit: int) -> int:
    async with database.transaction() as connection:
        taken = await signals.take_signals(connection, limit=limit)
        if taken:
            await findings.add_findings(connection, await find_by_rules(connection, taken))
    return len(taken)


async def find_by_rules(
    connection: AsyncConnection, taken: Sequence[AlertSignal]
) -> list[AlertFinding]:
    """Return the findings of the rules of their projects in some signals."""
    rules_of = await _read_rules(connection, {signal.project_id for signal in taken})
    found: list[AlertFinding] = []
    to_match: defaultdict[ProjectId, set[ReplayId]] = defaultdict(set)
    for signal in taken:
        asking = rules_of[signal.project_id, signal.kind]
        if signal.kind is SignalKind.REPLAY:
            if asking and signal.replay_id is not None:
                to_match[signal.project_id].add(signal.replay_id)
        elif asking:
            found += await _judge_issue(connection, signal, asking)
    for project_id, replay_ids in to_match.items():
        asking = rules_of[project_id, SignalKind.REPLAY]
        found += await _judge_replays(connection, project_id, replay_ids, asking)
    return found


async def _read_rules(
    connection: AsyncConnection, project_ids: set[ProjectId]
) -> defaultdict[tuple[ProjectId, SignalKind], list[AlertRule]]:
    rules_of: defaultdict[tuple[ProjectId, SignalKind], list[AlertRule]] = defaultdict(list)
    for rule in await rules.list_rules_on(connection, SIGNALS, project_ids=project_ids):
        if rule.project_id is not None:
            rules_of[rule.project_id, SIGNALS[rule.kind]].append(rule)
    return rules_of


async def _judge_issue(
    connection: AsyncConnection, signal: AlertSignal, asking: Iterable[AlertRule]
) -> list[AlertFinding]:
    """Return the findings of rules in an issue that is new, has returned, or crashed a release."""
    if signal.event_id is None:
        return []
    found = await find_current_issue(
        connection, signal.project_id, signal.issue_id, signal.event_id, []
    )
    if found is None or found.event is None:
        return []  # erased meanwhile
    if signal.kind is SignalKind.NEW_ISSUE and found.is_known:
        return []  # symbolication has moved the event to an issue that existed before
    issue, event = found.issue, found.event
    now = clock.now()
    return [
        AlertFinding(
            rule.id,
            _name_subject(signal, event),
            signal.project_id,
            found_at=now,
            due_at=find_due_at(rule.settings, now),
            issue_id=issue.issue_id,
            event_id=signal.event_id,
            facts={"release": event.release} if event.release else {},
        )
        for rule in asking
        # An ignored issue makes no messages.
        if issue.status != "ignored" and _is_rule_about(rule, issue, event)
    ]


def _is_rule_about(rule: AlertRule, issue: Issue, event: StoredEvent) -> bool:
    settings = rule.settings
    if settings.environment and settings.environment != (event.environment or ""):
        return False
    return not settings.only_crashes or is_crash(issue.kind, issue.level)


def is_crash(kind: str, level: str) -> bool:
    """Tell whether an issue is a crash, a hang or a fatal error."""
    return kind in CRASHES or kind in HANGS or level == "fatal"


def _name_subject(signal: AlertSignal, event: StoredEvent) -> str:
    """Return the name of a finding's subject, which a rule finds only once."""
    if signal.kind is SignalKind.CRASH:
        return f"{findings.LASTING}{event.release or ''}"[:1_000]
    return f"{signal.kind}:{event.issue_id}:{event.event_id}"


async def _judge_replays(
    connection: AsyncConnection,
    project_id: ProjectId,
    replay_ids: set[ReplayId],
    asking: Sequence[AlertRule],
) -> list[AlertFinding]:
    """Return the findings for replays that match the queries of rules."""
    now = clock.now()
    found = await replays.read_replays(
        connection, [ReplayKey(project_id, replay_id) for replay_id in sorted(replay_ids)]
    )
    matches: list[AlertFinding] = []
    for rule in asking:
        try:
            query = check_query(rule.settings.query)
            readable = await list_readable(connection, rule) if found else []
            keys = await match_replays(connection, found, query, readable=readable, now=now)
        except InvalidInput as error:
            # The query language may have changed since the rule was made.
            _logger.warning("the query of an alert cannot be read", rule=rule.id, error=str(error))
            continue
        matches += [
            AlertFinding(
                rule.id,
                f"replay:{replay.key.replay_id}",
                project_id,
                found_at=now,
                due_at=find_due_at(rule.settings, now),
                replay_project_id=project_id,
                replay_id=replay.key.replay_id,
            )
            for replay in found
            if replay.key in keys
        ]
    return matches
