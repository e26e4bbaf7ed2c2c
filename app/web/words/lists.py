"""The parts that pages of lists share: states, projects to choose, columns and orders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.core.ids import ProjectId
from app.db.lists import ListOrder

ListState = Literal["rows", "empty", "nothing_matches", "problem"]
SortDirection = Literal["ascending", "descending"]


@dataclass(frozen=True, slots=True)
class ProjectOption:
    """A project to filter by."""

    project_id: ProjectId
    name: str
    is_selected: bool = False


@dataclass(frozen=True, slots=True)
class OfferedOrder:
    """An order that the head of a column offers, and its name for people."""

    order: ListOrder[Any]
    label: str


@dataclass(frozen=True, slots=True)
class ListColumn[OrderT: OfferedOrder]:
    """A column of a list.

    `css_class` is the class of its head and its cells. `orders` are those that its head offers:
    a click chooses the first, and the next one after that.
    """

    css_class: str
    label: str
    orders: tuple[OrderT, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnHead:
    """The head of a column, as a page shows it."""

    css_class: str
    label: str
    direction: SortDirection | None = None
    """How the list is ordered by this column; None when it is not."""
    href: str | None = None
    """The list in the order that a click chooses; None when nobody can sort by this column."""
    hint: str = ""
    """Name of that order."""


@dataclass(frozen=True, slots=True)
class OrderOption:
    """An order to choose where the heads of columns are hidden."""

    name: str
    label: str
    is_selected: bool


def describe_heads(
    columns: Sequence[ListColumn[OfferedOrder]],
    order: ListOrder[Any],
    href_of: Callable[[ListOrder[Any]], str],
) -> tuple[ColumnHead, ...]:
    """Describe the heads of columns.

    Args:
        columns: The columns from left to right.
        order: The order of the list.
        href_of: Returns the address of the first page of the list in another order.
    """
    return tuple(_describe_head(column, order, href_of) for column in columns)


def describe_orders(
    columns: Sequence[ListColumn[OfferedOrder]], order: ListOrder[Any]
) -> tuple[OrderOption, ...]:
    """Describe the orders to choose from, in the order of the columns."""
    return tuple(
        OrderOption(offered.order.name, offered.label, offered.order.name == order.name)
        for column in columns
        for offered in column.orders
    )


def _describe_head(
    column: ListColumn[OfferedOrder],
    order: ListOrder[Any],
    href_of: Callable[[ListOrder[Any]], str],
) -> ColumnHead:
    if not column.orders:
        return ColumnHead(column.css_class, column.label)
    names = [offered.order.name for offered in column.orders]
    is_sorted = order.name in names
    number = (names.index(order.name) + 1) % len(names) if is_sorted else 0
    offered = column.orders[number]
    direction: SortDirection = "descending" if order.is_descending else "ascending"
    return ColumnHead(
        column.css_class,
        column.label,
        direction if is_sorted else None,
        href_of(offered.order),
        offered.label,
    )
