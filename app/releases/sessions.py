"""Counts how many sessions of a release began on a day, and how they ended.

update of one session ─► mark of its id and status, if it is not there yet ─► count
counts that the sender added up ────────────────────────────────────────────► count
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.db.rows import RowShape, insert_new_rows, run_with_rows
from app.db.text import clean
from app.releases.model import SessionCohort, SessionUpdate
from app.releases.tables import release_sessions, session_marks

_NAME_BYTES: Final = 400
_MOST_COUNTS: Final = 10_000

_SessionMark = tuple[ProjectId, str, str]
"""Project, session id and status."""

_COUNTS: Final = RowShape.of_table(
    release_sessions, ("project_id", "release", "environment", "day", "status", "quantity")
)
_ADD: Final = f"""
    insert into release_sessions as kept ({_COUNTS.columns}) select * from {_COUNTS.source}
    on conflict (project_id, release, environment, day, status)
    do update set quantity = kept.quantity + excluded.quantity
    """  # noqa: S608 - made of the names of columns


async def add_sessions(connection: AsyncConnection, updates: Sequence[SessionUpdate]) -> list[bool]:
    """Add to the counts of sessions; the order of updates does not matter.

    A session with an id counts once for each status, however often that is reported. Counts
    without an id are added each time, so call this in the transaction that advances the journal.

    Returns:
        For each update whether it added anything; one without counts is never a duplicate.
    """
    new_marks = await _add_marks(connection, updates)
    quantities: Counter[SessionCohort] = Counter()
    are_new: list[bool] = []
    for update in updates:
        new_counts = [
            (cohort, quantity)
            for cohort, quantity in update.counts
            if update.sid is None or _make_mark(update, cohort) in new_marks
        ]
        for cohort, quantity in new_counts:
            quantities[_clean_cohort(cohort)] += quantity
            new_marks.discard(_make_mark(update, cohort))
        are_new.append(bool(new_counts) or not update.counts)
    await _add_counts(connection, quantities)
    return are_new


async def _add_marks(
    connection: AsyncConnection, updates: Sequence[SessionUpdate]
) -> set[_SessionMark]:
    """Mark the statuses of sessions with an id; returns the marks that were not there yet."""
    days = {
        _make_mark(update, cohort): cohort.day
        for update in updates
        if update.sid
        for cohort, _ in update.counts
    }
    marks = {
        mark: {"project_id": mark[0], "sid": mark[1], "status": mark[2], "day": day}
        for mark, day in days.items()
    }
    return await insert_new_rows(connection, session_marks, marks)


def _make_mark(update: SessionUpdate, cohort: SessionCohort) -> _SessionMark:
    return update.project_id, update.sid or "", cohort.status


async def _add_counts(connection: AsyncConnection, quantities: Counter[SessionCohort]) -> None:
    if not quantities:
        return
    # Sorted, so that two processes lock rows in the same order.
    ordered = sorted(quantities.items())
    rows = [asdict(cohort) | {"quantity": quantity} for cohort, quantity in ordered]
    await run_with_rows(connection, _ADD, _COUNTS, rows)


async def read_session_counts(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, since: date
) -> dict[SessionCohort, int]:
    """Read the counts of some projects from a day on, the newest day first."""
    columns = release_sessions.c
    rows = await connection.execute(
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
        .limit(_MOST_COUNTS)
    )
    return {
        SessionCohort(
            ProjectId(row.project_id), row.release, row.environment, row.day, row.status
        ): row.quantity
        for row in rows
    }


def _clean_cohort(cohort: SessionCohort) -> SessionCohort:
    return replace(
        cohort,
        release=clean(cohort.release, limit_bytes=_NAME_BYTES),
        environment=clean(cohort.environment, limit_bytes=_NAME_BYTES),
    )


async def find_releases_in_use(
    connection: AsyncConnection,
    project_id: ProjectId,
    releases: Collection[str],
    *,
    since: date,
) -> set[str]:
    """Find the releases among some of which a session began on a day or later."""
    columns = release_sessions.c
    rows = await connection.execute(
        select(columns.release)
        .where(
            columns.project_id == project_id,
            columns.release.in_(sorted(releases)),
            columns.day >= since,
        )
        .distinct()
    )
    return {row.release for row in rows}
