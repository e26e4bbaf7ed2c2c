"""Writes of the logs and of seen marks; no line is changed, which Postgres refuses too."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit.model import Action, ActionDetail, ActionFact
from app.audit.tables import audit_lines, seen_marks, view_log
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db import text
from app.db.rows import insert_new_rows

KEPT_FOR: Final = timedelta(days=365)

_MOST_FACTS: Final = 20
_FACT_BYTES: Final = 200


async def add_audit_line(
    connection: AsyncConnection,
    action: Action,
    *,
    person_id: PersonId | None,
    project_id: ProjectId | None = None,
    subject: str | None = None,
    detail: ActionDetail | None = None,
) -> None:
    """Record that somebody did something, in the transaction that does it.

    Args:
        connection: The transaction of the caller.
        action: The action.
        person_id: The person who did it; None if the program did it by itself.
        project_id: The project that it was done in, if any.
        subject: The id of what it was done to, such as a replay or another person.
        detail: A few facts about it; texts are cut to 200 bytes.
    """
    facts = list((detail or {}).items())[:_MOST_FACTS]
    await connection.execute(
        insert(audit_lines).values(
            action=action,
            person_id=person_id,
            project_id=project_id,
            subject=text.clean_or_none(subject, limit_bytes=_FACT_BYTES),
            detail={
                text.clean(name, limit_bytes=_FACT_BYTES): _clean_fact(value)
                for name, value in facts
            },
        )
    )


async def add_replay_view(
    connection: AsyncConnection, person_id: PersonId, project_id: ProjectId, *, replay_id: ReplayId
) -> None:
    """Record that a person opened the page of a replay; each time adds a row."""
    await connection.execute(
        insert(view_log).values(person_id=person_id, project_id=project_id, replay_id=replay_id)
    )


async def has_viewed_since(
    connection: AsyncConnection,
    person_id: PersonId,
    project_id: ProjectId,
    replay_id: ReplayId,
    *,
    since: datetime,
) -> bool:
    """Tell whether a view of a replay by a person is recorded since a moment."""
    view = select(view_log.c.id).where(
        view_log.c.project_id == project_id,
        view_log.c.replay_id == replay_id,
        view_log.c.person_id == person_id,
        view_log.c.at >= since,
    )
    return await connection.scalar(view.limit(1)) is not None


async def mark_seen(
    connection: AsyncConnection,
    person_id: PersonId,
    replays: Iterable[tuple[ProjectId, ReplayId]],
) -> None:
    """Record that a person has marked some replays as seen."""
    rows = {
        (person_id, project_id, replay_id): {
            "person_id": person_id,
            "project_id": project_id,
            "replay_id": replay_id,
        }
        for project_id, replay_id in replays
    }
    await insert_new_rows(connection, seen_marks, rows)


async def delete_old_lines(connection: AsyncConnection) -> int:
    """Delete rows that are older than a year, the only ones that can go; returns their number."""
    deleted_rows = 0
    for table in (audit_lines, view_log, seen_marks):
        # Postgres's clock, as in the trigger, so that the two agree.
        deleted = await connection.execute(delete(table).where(table.c.at < func.now() - KEPT_FOR))
        deleted_rows += deleted.rowcount
    return deleted_rows


def _clean_fact(value: ActionFact) -> ActionFact:
    return text.clean(value, limit_bytes=_FACT_BYTES) if isinstance(value, str) else value
