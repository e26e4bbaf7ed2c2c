"""Reads lists by number: a slice of the rows, and how many rows the list has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class ListSlice[Value]:
    """Rows of a list that stand beside one another."""

    rows: tuple[Value, ...]
    first: int
    """How many rows of the list stand before these."""
    total: int
    """How many rows the list has."""
    size: int
    """How many rows a slice has at most."""


async def read_slice[Value](
    connection: AsyncConnection,
    query: Select[Any],
    to_value: Callable[[Row[Any]], Value],
    *,
    first: int,
    size: int,
) -> ListSlice[Value]:
    """Read a slice of a list, and count the list only if the slice does not hold its end.

    Args:
        connection: Where to read.
        query: Selects the rows of the list, in order.
        to_value: Turns a row into its value.
        first: How many rows stand before the slice.
        size: How many rows the slice has at most.
    """
    rows = (await connection.execute(query.offset(first).limit(size + 1))).all()
    total = first + len(rows)
    # Nothing after a first row that is not the list's first may also mean that the list is shorter.
    if len(rows) > size or (first and not rows):
        count = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        total = await connection.scalar(count) or 0
    return ListSlice(tuple(to_value(row) for row in rows[:size]), first, total, size)
