"""Quarantined envelopes of all projects: their list for admins of the server, and the way out.

somebody asks ─► the row says so ─► a process claims it ─► its journal ─┬─► taken out
                                                                        └─► the row says why not

A claim uses up the wish, and notes what is to be said if the process does not get to the end. So
nothing is locked while a journal writes, and a crash leaves an envelope that somebody must ask for
anew. It may have been digested by then, so that no process may repeat it by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, func, select, update
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
    asked_at: datetime
    """The time at which somebody asked to digest it again."""
    claimed_at: datetime
    """The time at which this process began to; the row has it as long as the claim holds."""


_NEWEST_FIRST: Final = SliceQuery(
    select(*QUARANTINED_COLUMNS).order_by(quarantine.c.id.desc()),
    read_quarantined_row,
    size=PART_QUARANTINED,
)


_IS_WAITING: Final = and_(
    quarantine.c.retry_asked_at.is_not(None), quarantine.c.retry_fault.is_(None)
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
        The envelope; None if it waits already, or is being digested again.

    Raises:
        NotFound: It is gone.
    """
    rows = await connection.execute(
        select(*QUARANTINED_COLUMNS).where(quarantine.c.id == quarantined_id).with_for_update()
    )
    row = rows.first()
    if row is None:
        raise NotFound(f"no quarantined envelope {quarantined_id}")
    envelope = read_quarantined_row(row)
    if envelope.retry_asked_at is not None or envelope.is_being_retried:
        return None
    await connection.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantined_id)
        .values(retry_asked_at=func.now(), retry_fault=None)
    )
    return envelope


async def list_asked_retries(connection: AsyncConnection, *, limit: int) -> list[int]:
    """Return the envelopes that somebody wants digested again, those asked for first."""
    rows = await connection.scalars(
        select(quarantine.c.id)
        .where(_IS_WAITING)
        .order_by(quarantine.c.retry_asked_at, quarantine.c.id)
        .limit(limit)
    )
    return list(rows)


async def claim_retry(
    connection: AsyncConnection, quarantined_id: int, *, unfinished: str
) -> QuarantinedBody | None:
    """Take over an envelope that is to be digested again, so that no other process does it too.

    Commit at once: from then on nothing is locked, and `unfinished` is in the row.

    Args:
        connection: The transaction of the caller.
        quarantined_id: The envelope.
        unfinished: What people are told if its end is never noted.

    Returns:
        None if it is gone, if nobody asks for it any more, or if another process has claimed it.
    """
    rows = await connection.execute(
        select(
            quarantine.c.id,
            quarantine.c.project_id,
            quarantine.c.received_at,
            quarantine.c.item_types,
            quarantine.c.content_encoding,
            quarantine.c.body,
            quarantine.c.retry_asked_at.label("asked_at"),
            func.now().label("claimed_at"),
        )
        .where(quarantine.c.id == quarantined_id, _IS_WAITING)
        .with_for_update(skip_locked=True)
    )
    row = rows.mappings().first()
    if row is None:
        return None
    await connection.execute(
        update(quarantine)
        .where(quarantine.c.id == quarantined_id)
        .values(retry_asked_at=func.now(), retry_fault=unfinished)
    )
    return QuarantinedBody(**row)


async def give_back(connection: AsyncConnection, stored: QuarantinedBody) -> None:
    """Let an envelope wait again that was claimed and that no journal has kept."""
    await connection.execute(
        update(quarantine)
        .where(_is_claimed(stored))
        .values(retry_asked_at=stored.asked_at, retry_fault=None)
    )


async def refuse_retry(connection: AsyncConnection, stored: QuarantinedBody, fault: str) -> None:
    """Note why an envelope could not be digested again; nobody tries until somebody asks anew."""
    await connection.execute(
        update(quarantine).where(_is_claimed(stored)).values(retry_asked_at=None, retry_fault=fault)
    )


def _is_claimed(stored: QuarantinedBody) -> ColumnElement[bool]:
    # After the lease somebody may have asked anew, and another process may have claimed it.
    return and_(
        quarantine.c.id == stored.id,
        quarantine.c.retry_asked_at == stored.claimed_at,
        quarantine.c.retry_fault.is_not(None),
    )


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
