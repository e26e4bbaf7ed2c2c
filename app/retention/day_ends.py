"""Records that a day of a project was deleted: in its totals, a receipt and the audit log."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.ids import ProjectId
from app.db.partitions import day_rows, days
from app.projects import day_totals
from app.replays.totals import sizes
from app.retention import receipts
from app.retention.receipts import DayReceipt

KIND_OF_FAMILY: Final = {
    "events": "events",
    "span_blocks": "spans",
    "logs": "logs",
    "attachments": "attachments",
}


@dataclass(frozen=True, slots=True)
class EndedPart:
    """Counts of what was deleted of a project in the partitions of a day and class."""

    project_id: ProjectId
    rule: str
    replays: int
    segments: int
    rows: Counter[str]
    """Rows of other tables, by table."""
    bytes_before: int | None = None
    """Bytes that the project had stored on the day before its rows were deleted. None if they were
    dropped with their partition: then no trigger has subtracted them from the totals yet."""


async def write_end(
    connection: AsyncConnection,
    part: EndedPart,
    day: date,
    retention_class: int,
    *,
    is_dropped: bool,
) -> None:
    """Correct the totals of a day that ended, and write its receipt and its audit line."""
    freed = await _correct_totals(connection, part, day)
    now = clock.now()
    await receipts.add_receipt(
        connection,
        DayReceipt(
            0, part.project_id, day, retention_class, part.rule, now, is_dropped,
            part.replays, sum(part.rows.values()) or part.segments, freed, 0, None,
        ),
    )  # fmt: skip
    await audit.add_audit_line(
        connection,
        Action.DAY_EXPIRED,
        person_id=None,
        project_id=part.project_id,
        subject=day.isoformat(),
        detail={"rule": part.rule, "replays": part.replays, "size_bytes": freed},
    )


async def _correct_totals(connection: AsyncConnection, part: EndedPart, day: date) -> int:
    """Subtract what was deleted from the totals of its day; return its bytes."""
    before = part.bytes_before
    items = {"pictures": part.replays}
    if before is None:
        before = await day_totals.sum_day(connection, part.project_id, day)
        items |= {kind: part.rows[family] for family, kind in KIND_OF_FAMILY.items()}
        items |= dict.fromkeys(("video", "recordings"), part.segments)
    if await _is_day_empty(connection, part.project_id, day):
        await day_totals.end_day(connection, part.project_id, day)
        return before
    await day_totals.subtract_items(connection, part.project_id, day, items)
    return before - await day_totals.sum_day(connection, part.project_id, day)


async def _is_day_empty(connection: AsyncConnection, project_id: ProjectId, day: date) -> bool:
    counts = await sizes.count_replays_on_days(connection, [day])
    if any(count.project_id == project_id for count in counts):
        return False
    for partition in await days.list_partitions(connection):
        if partition.day == day and await day_rows.has_rows(
            connection, partition, [project_id], spared=()
        ):
            return False
    return True
