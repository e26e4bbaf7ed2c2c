"""Receipts of ended days, and the lease under which one process works; the caller commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId
from app.retention.tables import day_receipts, retention_runs

LEASE: Final = timedelta(minutes=2)
"""The time after which other processes take over from a process that died. A step takes seconds."""
_NAME: Final = "retention"


@dataclass(frozen=True, slots=True)
class DayReceipt:
    """A receipt for the deletion of a day of a project."""

    id: int
    project_id: ProjectId
    day: date
    retention_class: int
    rule: str
    ended_at: datetime
    is_dropped: bool
    replays: int
    item_rows: int
    size_bytes: int
    objects: int
    swept_at: datetime | None
    """The time at which nothing of it was left in object storage; None if it is not swept yet."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The times of the last run of retention, and the time at which a run was asked for."""

    wanted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    problem: str | None = None

    @property
    def is_wanted(self) -> bool:
        """True if a rule has changed since the last run began."""
        if self.wanted_at is None:
            return False
        return self.started_at is None or self.wanted_at > self.started_at


async def add_receipt(connection: AsyncConnection, receipt: DayReceipt) -> None:
    """Add the receipt of a day; its id is given by Postgres."""
    await connection.execute(
        insert(day_receipts).values(
            project_id=receipt.project_id,
            day=receipt.day,
            retention_class=receipt.retention_class,
            rule=receipt.rule,
            ended_at=receipt.ended_at,
            is_dropped=receipt.is_dropped,
            replays=receipt.replays,
            item_rows=receipt.item_rows,
            size_bytes=receipt.size_bytes,
        )
    )


async def list_unswept(
    connection: AsyncConnection, *, after_id: int, limit: int
) -> list[DayReceipt]:
    """Return receipts of days whose objects are not removed yet, the oldest after one first."""
    rows = await connection.execute(
        select(day_receipts)
        .where(day_receipts.c.swept_at.is_(None), day_receipts.c.id > after_id)
        .order_by(day_receipts.c.id)
        .limit(limit)
    )
    return [_to_receipt(row) for row in rows]


async def list_receipts(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, limit: int
) -> list[DayReceipt]:
    """Return the receipts of some projects, the newest first."""
    rows = await connection.execute(
        select(day_receipts)
        .where(day_receipts.c.project_id.in_(project_ids))
        .order_by(day_receipts.c.id.desc())
        .limit(limit)
    )
    return [_to_receipt(row) for row in rows]


async def finish_receipt(
    connection: AsyncConnection, receipt_id: int, *, objects: int, at: datetime
) -> None:
    """Note that nothing of a day is left in object storage."""
    await connection.execute(
        update(day_receipts)
        .where(day_receipts.c.id == receipt_id)
        .values(swept_at=at, objects=day_receipts.c.objects + objects)
    )


async def delete_old_receipts(connection: AsyncConnection, before: datetime) -> int:
    """Delete receipts of days that ended before a time; returns how many there were."""
    deleted = await connection.execute(
        text("delete from day_receipts where ended_at < :before and swept_at is not null"),
        {"before": before},
    )
    return deleted.rowcount


async def take_lease(connection: AsyncConnection) -> bool:
    """Take the right to run for a while; returns False if another process has it."""
    await connection.execute(upsert(retention_runs).values(name=_NAME).on_conflict_do_nothing())
    is_free = or_(
        retention_runs.c.leased_until.is_(None), retention_runs.c.leased_until < func.now()
    )
    taken = await connection.execute(
        update(retention_runs)
        .where(retention_runs.c.name == _NAME, is_free)
        .values(leased_until=func.now() + LEASE, started_at=func.now())
    )
    return bool(taken.rowcount)


async def take_daily_turn(connection: AsyncConnection, name: str) -> bool:
    """Take the right to do some work of today (UTC); returns False if a process has it already.

    If the process dies with it, the work is done on the next day.

    Args:
        connection: The transaction of the caller.
        name: The name of the work in `retention_runs`.
    """
    is_due = retention_runs.c.started_at < func.date_trunc("day", func.now(), "UTC")
    taken = await connection.execute(
        upsert(retention_runs)
        .values(name=name, started_at=func.now())
        .on_conflict_do_update(
            index_elements=[retention_runs.c.name], set_={"started_at": func.now()}, where=is_due
        )
    )
    return bool(taken.rowcount)


async def return_daily_turn(connection: AsyncConnection, name: str) -> None:
    """Give the turn of today back, so that the work can be tried again."""
    await connection.execute(
        update(retention_runs)
        .where(retention_runs.c.name == name)
        .values(started_at=retention_runs.c.started_at - timedelta(days=1))
    )


async def renew_lease(connection: AsyncConnection) -> None:
    """Keep the right to run for a further while; each step does so."""
    await connection.execute(
        update(retention_runs)
        .where(retention_runs.c.name == _NAME)
        .values(leased_until=func.now() + LEASE)
    )


async def end_run(connection: AsyncConnection, *, problem: str | None = None) -> None:
    """Give the right to run back, and note how the run went."""
    values: dict[str, Any] = {"leased_until": None, "problem": problem}
    if problem is None:
        values["finished_at"] = func.now()
    await connection.execute(
        update(retention_runs).where(retention_runs.c.name == _NAME).values(values)
    )


async def want_run(connection: AsyncConnection) -> None:
    """Ask for a run soon, because a rule has changed."""
    await connection.execute(
        upsert(retention_runs)
        .values(name=_NAME, wanted_at=func.now())
        .on_conflict_do_update(
            index_elements=[retention_runs.c.name], set_={"wanted_at": func.now()}
        )
    )


async def read_run_state(connection: AsyncConnection) -> RunState:
    """Read when retention ran last."""
    rows = await connection.execute(select(retention_runs).where(retention_runs.c.name == _NAME))
    row = rows.first()
    if row is None:
        return RunState()
    return RunState(row.wanted_at, row.started_at, row.finished_at, row.problem)


def _to_receipt(row: Row[tuple[object, ...]]) -> DayReceipt:
    return DayReceipt(**row._mapping)  # noqa: SLF001 - a public name of SQLAlchemy
