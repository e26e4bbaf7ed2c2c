"""Quarantined envelopes of all projects: their list for admins of the server, and the way out.

somebody asks ─► the row says so ─► a process with a journal locks it ─┬─► taken out
                                                                       └─► the row says why not
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.db.list_slices import ListSlice, SliceQuery
from app.projects.model import Outcome, QuarantinedEnvelope
from app.projects.queries import QUARANTINED_COLUMNS, read_quarantined_row
from app.projects.tables import outcomes, quarantine

PART_QUARANTINED: Final = 50
QUARANTINED: Final = "quarantined"
"""The reason of the outcome of an envelope that is put into quarantine."""


@dataclass(frozen=True, slots=True)
class QuarantinedBody:
    """A quarantined envelope with its body, as it came over the wire."""

    id: int
    project_id: ProjectId
    received_at: datetime
    item_types: Sequence[str]
    content_encoding: str | None
    body: bytes


_NEWEST_FIRST: Final = SliceQuery(
    select(*QUARANTINED_COLUMNS).order_by(quarantine.c.id.desc()),
    read_quarantined_row,
    size=PART_QUARANTINED,
)


async def list_all_quarantined(
    connection: AsyncConnection, *, first: int = 0
) -> ListSlice[QuarantinedEnvelope]:
    """Return a slice of the quarantined envelopes of all projects, the newest first."""
    return await _NEWEST_FIRST.read(connection, {}, first=first)


async def ask_for_retry(
    connection: AsyncConnection, quarantined_id: int
) -> QuarantinedEnvelope | None:
    """Note that somebody wants an envelope digested again.

    Returns:
        The envelope; None if somebody has asked already, and it waits.

    Raises:
        NotFound: It is gone.
    """
    rows = await connection.execute(
        select(*QUARANTINED_COLUMNS).where(quarantine.c.id == quarantined_id).with_for_update()
    )
    row = rows.first()
    if row is None:
        raise NotFound(f"no quarantined envelope {quarantined_id}")
    if row.retry_asked_at is not None:
        return None
    await connection.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantined_id)
        .values(retry_asked_at=func.now(), retry_fault=None)
    )
    return read_quarantined_row(row)


async def list_asked_retries(connection: AsyncConnection, *, limit: int) -> list[int]:
    """Return the envelopes that somebody wants digested again, those asked for first."""
    rows = await connection.scalars(
        select(quarantine.c.id)
        .where(quarantine.c.retry_asked_at.is_not(None))
        .order_by(quarantine.c.retry_asked_at, quarantine.c.id)
        .limit(limit)
    )
    return list(rows)


async def refuse_retry(connection: AsyncConnection, quarantined_id: int, fault: str) -> None:
    """Note why an envelope could not be digested again; nobody tries until somebody asks anew."""
    await connection.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantined_id)
        .values(retry_asked_at=None, retry_fault=fault)
    )


async def lock_asked_retry(
    connection: AsyncConnection, quarantined_id: int
) -> QuarantinedBody | None:
    """Return an envelope that is to be digested again, and that nobody else takes out meanwhile.

    Returns:
        None if it is gone, if nobody asks for it any more, or if somebody else takes it out.
    """
    rows = await connection.execute(
        select(
            quarantine.c.id,
            quarantine.c.project_id,
            quarantine.c.received_at,
            quarantine.c.item_types,
            quarantine.c.content_encoding,
            quarantine.c.body,
        )
        .where(quarantine.c.id == quarantined_id, quarantine.c.retry_asked_at.is_not(None))
        .with_for_update(skip_locked=True)
    )
    row = rows.mappings().first()
    return None if row is None else QuarantinedBody(**row)


async def take_out(connection: AsyncConnection, stored: QuarantinedBody) -> None:
    """Delete a quarantined envelope that is digested again, and take its outcomes back.

    Each of its items gets another outcome soon, and an item has one.
    """
    await connection.execute(delete(quarantine).where(quarantine.c.id == stored.id))
    day = stored.received_at.astimezone(UTC).date()
    for item_type in sorted(set(stored.item_types)):
        items = list(stored.item_types).count(item_type)
        await connection.execute(
            update(outcomes)
            .where(
                outcomes.c.project_id == stored.project_id,
                outcomes.c.day == day,
                outcomes.c.item_type == item_type,
                outcomes.c.outcome == Outcome.REFUSED,
                outcomes.c.reason == QUARANTINED,
            )
            .values(quantity=func.greatest(0, outcomes.c.quantity - items))
        )
