"""Moves spans and logs that a release before days stored to their own day, step by step."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.traces.tables import logs, span_blocks, spans, transactions

OLD_TABLES: Final = (span_blocks, logs)
"""Tables whose rows `db/partitions/old_rows.py` moves."""


async def has_single_spans(connection: AsyncConnection) -> bool:
    """Tell whether a release before blocks has left spans that `backfill.py` moves into blocks."""
    for table in (transactions, spans):
        if await connection.scalar(select(select(table).exists())):
            return True
    return False
