"""The search bar of the list: what is asked, as chips that can be taken off, and what can be."""

from dataclasses import dataclass
from typing import Final

from app.core.ids import ProjectId
from app.replays import query_language as search
from app.replays.list_queries import Order
from app.replays.query_language import Conjunction
from app.web.urls import list_urls

ORDERS: Final = {
    Order.NEWEST: "Newest arrival first",
    Order.OLDEST: "Oldest arrival first",
    Order.LONGEST: "Longest first",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition of the query; `href` leads to the list without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class OrderOption:
    """An order to choose."""

    value: str
    name: str
    is_selected: bool


@dataclass(frozen=True, slots=True)
class SearchBar:
    """The field, its chips, and the orders to choose from."""

    text: str = ""
    chips: tuple[Chip, ...] = ()
    orders: tuple[OrderOption, ...] = tuple(
        OrderOption(order.value, name, order is Order.NEWEST) for order, name in ORDERS.items()
    )
    clear_href: str | None = None
    """The list without any query; None when there is none."""
    problem: str | None = None
    """Why the query cannot be understood."""

    @property
    def order_text(self) -> str:
        """The chosen order in words that may stand inside a sentence."""
        return next(one.name for one in self.orders if one.is_selected).lower()


@dataclass(frozen=True, slots=True)
class Asking:
    """What the address asks for, as text; makes the addresses of lists like this one."""

    project_id: ProjectId | None = None
    text: str = ""
    order: Order = Order.NEWEST

    def href(self, *, query: str | None = None, **place: str) -> str:
        """Return the address of this list, with another query, or from a place on."""
        text = self.text if query is None else query
        sort = "" if self.order is Order.NEWEST else self.order.value
        return list_urls.replays(self.project_id, query=text, sort=sort, **place)


def read_order(value: str) -> Order:
    """Read an order; anything unknown is the newest first."""
    return Order(value) if value in set(Order) else Order.NEWEST


def bar(asking: Asking, query: Conjunction | None, *, problem: str | None = None) -> SearchBar:
    """Describe the search bar; `query` is None when the text cannot be understood."""
    parts = query.parts if query else ()
    return SearchBar(
        text=asking.text,
        chips=tuple(
            Chip(
                search.write_query(Conjunction((part,))),
                asking.href(
                    query=search.write_query(search.remove_part(query or Conjunction(()), part))
                ),
            )
            for part in parts
        ),
        orders=tuple(
            OrderOption(order.value, name, order is asking.order) for order, name in ORDERS.items()
        ),
        clear_href=asking.href(query="") if asking.text.strip() else None,
        problem=problem,
    )
