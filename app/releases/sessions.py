"""Release health: how many sessions of a release began on a day, and how they ended.

update (sid, status) ─► mark, if it is not there yet ─► count
aggregate ────────────────────────────────────────────► count
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.rows import RowShape, insert_new_rows, run_with_rows
from app.db.text import clean
from app.releases.model import SessionCount, SessionUpdate
from app.releases.tables import release_sessions, session_marks

_NAME_BYTES: Final = 400
_MOST: Final = 10_000

_SessionMark = tuple[ProjectId, str, str]
"""Project, session, status."""

_COUNTS: Final = RowShape.of_table(
    release_sessions, ("project_id", "release", "environment", "day", "status", "quantity")
)
_ADD: Final = f"""
    insert into release_sessions as kept ({_COUNTS.columns}) select * from {_COUNTS.source}
    on conflict (project_id, release, environment, day, status)
    do update set quantity = kept.quantity + excluded.quantity
    """  # noqa: S608 - made of the names of columns


async def add_sessions(connection: AsyncConnection, new: Sequence[SessionUpdate]) -> list[bool]:
    """Add to the counts of sessions, whatever the order.

    One session counts once for each status, however often that is told. Sessions that their
    sender counted have no id: call this in the transaction that moves the journal's mark.

    Returns:
        For each of `new` whether it told anything new; one without counts is not told twice.
    """
    added = await _add_marks(connection, new)
    counts: Counter[SessionCount] = Counter()
    are_new: list[bool] = []
    for one in new:
        fresh = [(key, quantity) for key, quantity in one.counts if _is_new(one, key, added)]
        for key, quantity in fresh:
            counts[_clean_key(key)] += quantity
            added.discard(_make_mark(one, key))
        are_new.append(bool(fresh) or not one.counts)
    await _add_counts(connection, counts)
    return are_new


async def _add_marks(
    connection: AsyncConnection, new: Sequence[SessionUpdate]
) -> set[_SessionMark]:
    """Mark what is told of single sessions; returns the marks that were not there yet."""
    days = {_make_mark(one, key): key.day for one in new if one.sid for key, _ in one.counts}
    marks = {
        mark: {"project_id": mark[0], "sid": mark[1], "status": mark[2], "day": day}
        for mark, day in days.items()
    }
    return await insert_new_rows(connection, session_marks, marks)


def _make_mark(one: SessionUpdate, key: SessionCount) -> _SessionMark:
    return one.project_id, one.sid or "", key.status


def _is_new(one: SessionUpdate, key: SessionCount, added: set[_SessionMark]) -> bool:
    return one.sid is None or _make_mark(one, key) in added


async def _add_counts(connection: AsyncConnection, counts: Counter[SessionCount]) -> None:
    if not counts:
        return
    # Sorted, so that two processes lock rows in the same order.
    rows = [asdict(key) | {"quantity": quantity} for key, quantity in sorted(counts.items())]
    await run_with_rows(connection, _ADD, _COUNTS, rows)


async def read_session_counts(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, since: date
) -> dict[SessionCount, int]:
    """Read the counts of these projects from a day on, the newest day first."""
    columns = release_sessions.c
    found = await connection.execute(
        select(
            columns.project_id,
            columns.release,
            columns.environment,
            columns.day,
            columns.status,
            columns.quantity,
        )
        .where(columns.project_id.in_(project_ids), columns.day >= since)
        .order_by(columns.day.desc(), columns.project_id, columns.release, columns.environment)
        .limit(_MOST)
    )
    return {
        SessionCount(
            ProjectId(row.project_id), row.release, row.environment, row.day, row.status
        ): row.quantity
        for row in found
    }


def _clean_key(key: SessionCount) -> SessionCount:
    return SessionCount(
        project_id=key.project_id,
        release=clean(key.release, limit_bytes=_NAME_BYTES),
        environment=clean(key.environment, limit_bytes=_NAME_BYTES),
        day=key.day,
        status=key.status,
    )
