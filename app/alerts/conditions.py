"""Reads and writes the conditions that hold; a message tells when each begins and when it ends."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.tables import alert_conditions
from app.core.ids import IssueId

_columns: Final = alert_conditions.c


@dataclass(frozen=True, slots=True)
class EndedCondition:
    """A condition that held, and holds no longer."""

    subject: str
    began_at: datetime
    over: str
    """The title of the message about its end; empty for no message."""
    issue_id: IssueId | None
    """The issue that it is about, whose title the message gets; None for another subject."""


async def begin_condition(
    connection: AsyncConnection,
    rule_id: int,
    subject: str,
    *,
    at: datetime,
    over: str,
    issue_id: IssueId | None = None,
) -> bool:
    """Note that a condition holds; returns False if it did before.

    Args:
        connection: The transaction of the caller.
        rule_id: The rule.
        subject: The name of the release, issue or process for which it holds.
        at: The time at which it began.
        over: The title of the message when it ends; empty for no message.
        issue_id: The issue that it is about, if it is about one.
    """
    begun = await connection.execute(
        insert(alert_conditions)
        .values(rule_id=rule_id, subject=subject, began_at=at, over=over, issue_id=issue_id)
        .on_conflict_do_nothing()
        .returning(_columns.rule_id)
    )
    return begun.first() is not None


async def end_conditions(
    connection: AsyncConnection, rule_id: int, *, holding: Collection[str]
) -> list[EndedCondition]:
    """End the conditions of a rule that hold no longer, and return them."""
    rows = await connection.execute(
        delete(alert_conditions)
        .where(_columns.rule_id == rule_id, _columns.subject.not_in(list(holding)))
        .returning(_columns.subject, _columns.began_at, _columns.over, _columns.issue_id)
    )
    ended = [
        EndedCondition(row.subject, row.began_at, row.over, row.issue_id and IssueId(row.issue_id))
        for row in rows
    ]
    return sorted(ended, key=lambda condition: condition.subject)


async def list_held(connection: AsyncConnection, rule_id: int) -> Mapping[str, IssueId | None]:
    """Return the subjects of the conditions that hold for a rule, with their issues."""
    rows = await connection.execute(
        select(_columns.subject, _columns.issue_id).where(_columns.rule_id == rule_id)
    )
    return {row.subject: row.issue_id and IssueId(row.issue_id) for row in rows}


async def move_condition(
    connection: AsyncConnection, rule_id: int, subject: str, *, to: str, issue_id: IssueId
) -> None:
    """Move a condition to the issue that has replaced its own.

    If it holds for that issue already, the condition is deleted without a message.
    """
    moved, other = alert_conditions, alert_conditions.alias()
    is_held = exists().where(other.c.rule_id == rule_id, other.c.subject == to)
    done = await connection.execute(
        update(moved)
        .where(_columns.rule_id == rule_id, _columns.subject == subject, ~is_held)
        .values(subject=to, issue_id=issue_id)
    )
    if not done.rowcount:
        await connection.execute(
            delete(moved).where(_columns.rule_id == rule_id, _columns.subject == subject)
        )
