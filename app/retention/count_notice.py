"""Keeps counts for a week after the update to the first release that deletes them.

Earlier releases kept counts for ever, and rules were set by people who could not know that they
concern counts. The migration writes a row to `retention_runs` if there were projects already.
The log of each project then says what will be deleted, and nothing goes before the week is over.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Date, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.retention.plan import DeleteCounts
from app.retention.tables import retention_runs

NOTICE: Final = timedelta(days=7)
_NAME: Final = "old counts"


async def read_first_day(connection: AsyncConnection) -> date | None:
    """Return the day (UTC) on which the first counts are deleted; None if none has to wait."""
    updated_on = await connection.scalar(
        select(cast(func.timezone("UTC", retention_runs.c.started_at), Date)).where(
            retention_runs.c.name == _NAME, retention_runs.c.started_at > func.now() - NOTICE
        )
    )
    return updated_on + NOTICE if updated_on else None


async def announce(connection: AsyncConnection, waiting: Sequence[DeleteCounts]) -> None:
    """Write to the log of each project what will be deleted, unless that was done before."""
    first = await connection.execute(
        update(retention_runs)
        .where(retention_runs.c.name == _NAME, retention_runs.c.finished_at.is_(None))
        .values(finished_at=func.now())
    )
    if not first.rowcount:
        return
    for act in waiting:
        await audit.add_audit_line(
            connection,
            Action.COUNTS_WILL_EXPIRE,
            person_id=None,
            project_id=act.project_id,
            subject=act.last_day.isoformat(),
            detail={
                "rule": act.rule,
                "first_day": act.first_day.isoformat(),
                "rows": act.rows,
                "deleted_from": str(act.waits_until),
            },
        )
