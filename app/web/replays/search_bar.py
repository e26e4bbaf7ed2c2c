"""The search bar of the list: the query, a chip for each condition, and the orders."""

from dataclasses import dataclass

from app.core.ids import ProjectId
from app.db.lists import ListCursor
from app.replays.search import query_language
from app.replays.search.orders import NEWEST, ReplayOrder
from app.replays.search.query_language import Conjunction
from app.web.frame.cursors import write_cursor
from app.web.replays.columns import COLUMNS
from app.web.urls import list_urls
from app.web.words.lists import OrderOption, describe_orders


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition of the query; `href` leads to the list without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class SearchBar:
    """The search field, its chips, and the orders to choose from."""

    text: str = ""
    chips: tuple[Chip, ...] = ()
    orders: tuple[OrderOption, ...] = describe_orders(COLUMNS, NEWEST)
    clear_href: str | None = None
    """The list without any query; None when there is none."""
    problem: str | None = None
    """The reason why the query cannot be understood."""

    @property
    def order_text(self) -> str:
        """The chosen order in words that may stand inside a sentence."""
        return next(option.label for option in self.orders if option.is_selected).lower()


@dataclass(frozen=True, slots=True)
class ListAddress:
    """The filters in the address of a list, without the page; makes addresses like it."""

    project_id: ProjectId | None = None
    text: str = ""
    order: ReplayOrder = NEWEST

    def href(
        self, *, query: str | None = None, after: ListCursor = (), before: ListCursor = ()
    ) -> str:
        """Return the address of this list, with another query, or of another page."""
        return list_urls.replays(
            self.project_id,
            query=self.text if query is None else query,
            sort="" if self.order is NEWEST else self.order.name,
            after=write_cursor(after),
            before=write_cursor(before),
        )


def describe_search(
    address: ListAddress, query: Conjunction | None, *, problem: str | None = None
) -> SearchBar:
    """Describe the search bar; `query` is None when its text cannot be understood."""
    return SearchBar(
        text=address.text,
        chips=_describe_chips(address, query) if query else (),
        orders=describe_orders(COLUMNS, address.order),
        clear_href=address.href(query="") if address.text.strip() else None,
        problem=problem,
    )


def _describe_chips(address: ListAddress, query: Conjunction) -> tuple[Chip, ...]:
    return tuple(
        Chip(
            query_language.write_query(Conjunction((part,))),
            address.href(query=query_language.write_query(query_language.remove_part(query, part))),
        )
        for part in query.parts
    )
