"""Adding blocks of spans: the first write of an id wins."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import BatchDays, DaySlot
from app.core.ids import EventId, ProjectId
from app.db.rows import insert_new_rows
from app.db.text import clean_or_none
from app.traces.model import NewBlock
from app.traces.tables import span_blocks

_NAME_BYTES: Final = 2_048


async def add_blocks(
    connection: AsyncConnection, new: Sequence[NewBlock], days: BatchDays
) -> set[tuple[ProjectId, EventId]]:
    """Store blocks that are not there yet.

    Args:
        connection: The transaction of the caller.
        new: The blocks, in the order of arrival.
        days: The days of the batch. A block that was stored the day before is there too.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    first = {(block.project_id, block.block_id): block for block in reversed(new)}
    rows = {key: _block_row(block, days.slot_of(block.project_id)) for key, block in first.items()}
    return await insert_new_rows(connection, span_blocks, rows, days=days.recent)


def _block_row(block: NewBlock, slot: DaySlot) -> dict[str, Any]:
    return {
        "day": slot.day,
        "retention_class": slot.retention_class,
        "project_id": block.project_id,
        "block_id": block.block_id,
        "transaction_id": block.transaction_id,
        "trace_id": block.trace_id,
        "replay_id": block.replay_id,
        "received_at": block.received_at,
        "started_at": block.started_at,
        "ended_at": block.ended_at,
        "drift_ms": block.drift_ms,
        "spans": block.spans,
        "content": block.content,
        "name": clean_or_none(block.name, limit_bytes=_NAME_BYTES),
        "op": clean_or_none(block.op, limit_bytes=_NAME_BYTES),
        "status": clean_or_none(block.status, limit_bytes=_NAME_BYTES),
        "platform": clean_or_none(block.platform, limit_bytes=_NAME_BYTES),
        "release": clean_or_none(block.release, limit_bytes=_NAME_BYTES),
        "environment": clean_or_none(block.environment, limit_bytes=_NAME_BYTES),
    }
