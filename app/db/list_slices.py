"""Reads lists by number: a slice of the rows, and how many rows the list has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, func
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class ListSlice[Value]:
    """Rows of a list that stand beside one another."""

    rows: tuple[Value, ...]
    first: int
    """The number of rows of the list before these."""
    total: int
    """The number of rows in the whole list."""
    size: int
    """The most rows of a slice."""


class SliceQuery[Value]:
    """A list that is read slice by slice.

    Make it once for each list: SQLAlchemy takes longer to put a statement together than Postgres
    to answer it.
    """

    def __init__(
        self, query: Select[Any], to_value: Callable[[Row[Any]], Value], *, size: int
    ) -> None:
        """Prepare the statements of a list.

        Args:
            query: Selects all rows of the list, in order.
            to_value: Turns a row into its value.
            size: The most rows of a slice.
        """
        self._rows = query.offset(bindparam("slice_first", type_=BigInteger)).limit(size + 1)
        self._count = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(
            None
        )
        self._to_value = to_value
        self._size = size

    async def read(
        self, connection: AsyncConnection, parameters: Mapping[str, object], *, first: int
    ) -> ListSlice[Value]:
        """Read a slice, and count the list only if the slice does not hold its end.

        Args:
            connection: The connection to read with.
            parameters: The parameters of the query.
            first: Number of rows to skip.
        """
        rows = (await connection.execute(self._rows, {**parameters, "slice_first": first})).all()
        total = first + len(rows)
        # If no row follows those before the slice, there may be fewer of them, too.
        if len(rows) > self._size or (first and not rows):
            total = await connection.scalar(self._count, parameters) or 0
        values = tuple(self._to_value(row) for row in rows[: self._size])
        return ListSlice(values, first, total, self._size)
