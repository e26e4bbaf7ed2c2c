"""Writes of the logs and of marks; nothing here changes a line, and Postgres refuses it too."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, insert
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
    """Write down that somebody did something, in the transaction that does it.

    Args:
        connection: A transaction of the story.
        action: What was done.
        person_id: By whom; None when the program did it by itself.
        project_id: In which project.
        subject: The id of what it was done to, such as a replay id or another person's id.
        detail: A few facts; texts are cut to 200 bytes.
    """
    facts = list((detail or {}).items())[:_MOST_FACTS]
    await connection.execute(
        insert(audit_lines).values(
            action=action,
            person_id=person_id,
            project_id=project_id,
            subject=text.clean_or_none(subject, limit_bytes=_FACT_BYTES),
            detail={
                text.clean(name, limit_bytes=_FACT_BYTES): _fact(value) for name, value in facts
            },
        )
    )


async def add_replay_view(
    connection: AsyncConnection, person_id: PersonId, project_id: ProjectId, *, replay_id: ReplayId
) -> None:
    """Write down that a person opened the page of a replay: one row a page."""
    await connection.execute(
        insert(view_log).values(person_id=person_id, project_id=project_id, replay_id=replay_id)
    )


async def mark_seen(
    connection: AsyncConnection,
    person_id: PersonId,
    replays: Iterable[tuple[ProjectId, ReplayId]],
) -> None:
    """Note that a person has done with some replays without opening them."""
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
    """Delete what is older than a year, the only lines and views that can go; returns how many."""
    gone = 0
    for table in (audit_lines, view_log, seen_marks):
        # Postgres's clock, as in the trigger, so that the two agree.
        old = await connection.execute(delete(table).where(table.c.at < func.now() - KEPT_FOR))
        gone += old.rowcount
    return gone


def _fact(value: ActionFact) -> ActionFact:
    return text.clean(value, limit_bytes=_FACT_BYTES) if isinstance(value, str) else value
