"""Stores the findings of rules until a message tells them; a rule finds each subject once."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.messages.model import AlertFinding
from app.messages.tables import findings

_KEPT_FOR: Final = timedelta(days=90)
LASTING: Final = "lasting:"
"""The prefix of subjects that are kept as long as their rule: a release has one first crash."""

_columns: Final = findings.c


async def add_findings(connection: AsyncConnection, new: Sequence[AlertFinding]) -> int:
    """Add findings; subjects that a rule has found before stay as they are.

    Returns:
        The number of new findings.
    """
    if not new:
        return 0
    added = await connection.execute(
        insert(findings).on_conflict_do_nothing().returning(_columns.id),
        [_make_row(finding) for finding in new],
    )
    return len(added.all())


async def mark_known(
    connection: AsyncConnection, rule_id: int, subjects: Collection[str], *, at: datetime
) -> None:
    """Note subjects that a new rule must not find, because they are older than the rule."""
    rows = [
        {"rule_id": rule_id, "subject": subject, "found_at": at, "due_at": at, "told_at": at}
        for subject in sorted(set(subjects))
    ]
    if rows:
        await connection.execute(insert(findings).on_conflict_do_nothing(), rows)


async def list_due_rules(connection: AsyncConnection, *, now: datetime, limit: int) -> list[int]:
    """Return the ids of rules with findings that are due, the longest waiting first."""
    oldest = func.min(_columns.due_at)
    rows = await connection.execute(
        select(_columns.rule_id)
        .where(_columns.told_at.is_(None))
        .group_by(_columns.rule_id)
        .having(oldest <= now)
        .order_by(oldest)
        .limit(limit)
    )
    return [row.rule_id for row in rows]


async def list_untold(
    connection: AsyncConnection, rule_id: int, *, limit: int
) -> list[AlertFinding]:
    """Return the findings of a rule that are not told, due or not, the oldest first."""
    rows = await connection.execute(
        select(findings).where(_is_untold(rule_id)).order_by(_columns.id).limit(limit)
    )
    return [_read_finding(row) for row in rows]


async def mark_told(
    connection: AsyncConnection, told: Sequence[AlertFinding], *, at: datetime
) -> None:
    """Note that findings are part of a message."""
    ids = [finding.id for finding in told]
    await connection.execute(update(findings).where(_columns.id.in_(ids)).values(told_at=at))


async def postpone(connection: AsyncConnection, rule_id: int, until: datetime) -> None:
    """Postpone the findings of a rule that are not told, because it may not send before a time."""
    await connection.execute(
        update(findings).where(_is_untold(rule_id), _columns.due_at < until).values(due_at=until)
    )


async def drop_untold(connection: AsyncConnection, rule_id: int) -> None:
    """Delete the findings of a rule that are not told, because it was switched off."""
    await connection.execute(delete(findings).where(_is_untold(rule_id)))


async def forget_subjects(
    connection: AsyncConnection, subjects: Collection[tuple[ProjectId, str]]
) -> None:
    """Delete the findings about replays, issues and events that are being erased."""
    if not subjects:
        return
    ids = [subject for _, subject in subjects]
    await connection.execute(
        delete(findings).where(
            or_(
                and_(
                    _columns.replay_id.in_(ids),
                    tuple_(_columns.replay_project_id, _columns.replay_id).in_(subjects),
                ),
                and_(
                    _columns.issue_id.in_(ids),
                    tuple_(_columns.project_id, _columns.issue_id).in_(subjects),
                ),
                and_(
                    _columns.event_id.in_(ids),
                    tuple_(_columns.project_id, _columns.event_id).in_(subjects),
                ),
            )
        )
    )


async def delete_old_findings(connection: AsyncConnection, *, now: datetime) -> int:
    """Delete findings that were told long ago, except those with `LASTING` subjects."""
    deleted = await connection.execute(
        delete(findings).where(
            _columns.told_at < now - _KEPT_FOR, ~_columns.subject.startswith(LASTING)
        )
    )
    return deleted.rowcount


def _is_untold(rule_id: int) -> ColumnElement[bool]:
    return and_(_columns.rule_id == rule_id, _columns.told_at.is_(None))


def _make_row(finding: AlertFinding) -> dict[str, Any]:
    return {
        "rule_id": finding.rule_id,
        "subject": finding.subject,
        "project_id": finding.project_id,
        "found_at": finding.found_at,
        "due_at": finding.due_at,
        "facts": dict(finding.facts),
        "issue_id": finding.issue_id,
        "event_id": finding.event_id,
        "replay_project_id": finding.replay_project_id,
        "replay_id": finding.replay_id,
    }


def _read_finding(row: Any) -> AlertFinding:
    return AlertFinding(
        row.rule_id,
        row.subject,
        None if row.project_id is None else ProjectId(row.project_id),
        row.found_at,
        row.due_at,
        row.facts,
        None if row.issue_id is None else IssueId(row.issue_id),
        None if row.event_id is None else EventId(row.event_id),
        None if row.replay_project_id is None else ProjectId(row.replay_project_id),
        None if row.replay_id is None else ReplayId(row.replay_id),
        row.id,
    )
