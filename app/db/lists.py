"""One way to read a list page by page, whatever it holds.

A list is ordered by a value and, among equal values, by the id of the row, so every row has a place
of its own. A cursor is such a place. Pages lead from cursor to cursor, and never skip by number.

    ListOrder ─ key of the last row ─► ListCursor ─ written into an address ─► PageRequest
        └ conditions and order of the query                   read_page ─► ListPage
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import BigInteger, ColumnElement, Select, literal, tuple_

type CursorValue = datetime | timedelta | int | str
"""A value in a cursor; text is always an id of 32 hex digits."""
type ListCursor = tuple[CursorValue, ...]
"""A place in a list: the key of the row that a page begins after, or ends before."""
TIME_KEY: Final = (datetime, str)
"""Types of the key in a list by the time of receipt: that time, and the id of the row."""


@dataclass(frozen=True, slots=True)
class ListOrder[Row]:
    """An order of a list: what its rows are ordered by, and in which direction."""

    name: str
    """Name of the order in addresses, such as `longest`."""
    columns: Callable[[Any], tuple[ColumnElement[Any], ...]]
    """Returns the key of a row, given the columns of a table or a subquery; its end is unique."""
    key_of: Callable[[Row], ListCursor]
    """Returns the key of a row that has been read."""
    key_types: tuple[type, ...]
    """Types of the values of a key."""
    is_descending: bool = True
    is_indexed: bool = False
    """True if an index holds the rows in this order, so that reading a page sorts nothing."""

    def reverse(self, name: str) -> "ListOrder[Row]":
        """Return the opposite order under a name of its own."""
        return replace(self, name=name, is_descending=not self.is_descending)

    def is_decreasing(self, *, is_backward: bool) -> bool:
        """Tell whether the key decreases from row to row, reading forward or backward."""
        return self.is_descending != is_backward

    def sort(self, statement: Select[Any], columns: Any, *, is_backward: bool) -> Select[Any]:
        """Put the rows of a statement in this order."""
        is_decreasing = self.is_decreasing(is_backward=is_backward)
        key = self.columns(columns)
        return statement.order_by(*(part.desc() if is_decreasing else part.asc() for part in key))

    def is_past(
        self, columns: Any, cursor: ListCursor, *, is_backward: bool
    ) -> ColumnElement[bool]:
        """Return the condition that a row comes after a cursor; before it when reading backward."""
        key = self.columns(columns)
        edge = tuple_(*(_literal(value, part) for value, part in zip(cursor, key, strict=True)))
        if self.is_decreasing(is_backward=is_backward):
            return tuple_(*key) < edge
        return tuple_(*key) > edge


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that somebody asks for; the first one when neither cursor is given."""

    after: ListCursor | None = None
    before: ListCursor | None = None


@dataclass(frozen=True, slots=True)
class RowRun[Row]:
    """Rows that were read one after another, in the direction of reading."""

    rows: tuple[Row, ...]
    has_more: bool
    """True if further rows were found."""
    stopped_at: ListCursor | None = None
    """The place at which reading stopped, after as many rows as one page may read."""


@dataclass(frozen=True, slots=True)
class ListPage[Row]:
    """A page of a list, in the order of the list."""

    rows: tuple[Row, ...]
    back: ListCursor | None = None
    """Cursor that the page before ends at; None on the first page. An empty page has one too, if it
    is behind the end of the list."""
    next: ListCursor | None = None
    """Cursor that the next page begins after; None on the last page."""
    stopped_at: ListCursor | None = None
    """Cursor to read on from when the search stopped early; None when it looked at everything."""


class ReadRun[Row](Protocol):
    """Reads rows from a cursor on, at most `limit` of them."""

    def __call__(
        self, cursor: ListCursor | None, *, is_backward: bool, limit: int
    ) -> Awaitable[RowRun[Row]]: ...


def cut_run[Row](rows: Sequence[Row], limit: int) -> RowRun[Row]:
    """Make a run of rows that were read with a limit one higher, to know whether there are more."""
    return RowRun(tuple(rows[:limit]), has_more=len(rows) > limit)


async def read_page[Row](
    request: PageRequest,
    read_run: ReadRun[Row],
    *,
    key_of: Callable[[Row], ListCursor],
    limit: int,
) -> ListPage[Row]:
    """Read the page that is asked for.

    A page before a cursor that is not full must be the first page; it is read from the top then, so
    that it is full, too.

    Args:
        request: The page.
        read_run: Reads the rows after or before a cursor.
        key_of: Returns the key of a row.
        limit: Rows of a page.
    """
    if request.before is not None:
        run = await read_run(request.before, is_backward=True, limit=limit)
        if len(run.rows) >= limit:
            rows = run.rows[::-1]
            back = key_of(rows[0]) if run.has_more else None
            return ListPage(rows, back=back, next=key_of(rows[-1]))
    after = request.after if request.before is None else None
    run = await read_run(after, is_backward=False, limit=limit)
    rows = run.rows
    return ListPage(
        rows,
        back=key_of(rows[0]) if rows and after is not None else after,
        next=key_of(rows[-1]) if rows and run.has_more else None,
        stopped_at=run.stopped_at,
    )


def _literal(value: CursorValue, column: ColumnElement[Any]) -> ColumnElement[Any]:
    # A number from an address may be greater than the type of the column holds.
    return literal(value, BigInteger if isinstance(value, int) else column.type)
