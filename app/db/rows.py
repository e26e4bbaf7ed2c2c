"""Adding rows: those of which the first write wins, and any number as arrays."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection


async def add_new[Key: tuple[Any, ...]](
    connection: AsyncConnection, table: Table, rows: Mapping[Key, Mapping[str, Any]]
) -> set[Key]:
    """Insert the rows whose key is not there yet.

    Args:
        connection: Where to write.
        table: With a primary key.
        rows: Values by column, under the primary key in the order of its columns.

    Returns:
        The keys of those that were inserted; the others were duplicates.
    """
    if not rows:
        return set()
    # Sorted, so that two processes lock rows in the same order.
    found = await connection.execute(
        insert(table).on_conflict_do_nothing().returning(*table.primary_key.columns),
        [rows[key] for key in sorted(rows)],
    )
    return {cast("Key", tuple(row)) for row in found}


def arrays(kinds: Iterable[str]) -> str:
    """Write the parameters of a statement that takes an array for each column.

    Args:
        kinds: The types of the columns, in their order.
    """
    return ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(kinds, 1))
