"""The columns of the list of replays, and its orders in words."""

from dataclasses import dataclass
from typing import Final

from app.replays.search.orders import (
    FEWEST_FAILED_REQUESTS,
    LONGEST,
    MOST_FAILED_REQUESTS,
    NEWEST,
    OLDEST,
    SHORTEST,
)
from app.web.words.lists import ListColumn, OfferedOrder


@dataclass(frozen=True, slots=True)
class ReachWords:
    """Words about a search that stopped at a value before it had looked at every replay."""

    before: str
    after: str
    """Words around the value: `of` 0:10 `or longer`."""
    unread: str
    """Name of the replays that were not looked at: `Older ones`."""


@dataclass(frozen=True, slots=True)
class SearchedOrder(OfferedOrder):
    """An order of the list, with the words that say how far a search in it reached."""

    reach: ReachWords


COLUMNS: Final[tuple[ListColumn[SearchedOrder], ...]] = (
    ListColumn(
        "who",
        "User and time",
        (
            SearchedOrder(NEWEST, "Newest arrival first", ReachWords("back to", "", "Older ones")),
            SearchedOrder(OLDEST, "Oldest arrival first", ReachWords("up to", "", "Newer ones")),
        ),
    ),
    ListColumn("way", "Screens"),
    ListColumn("device", "Device and app"),
    ListColumn(
        "length end",
        "Length",
        (
            SearchedOrder(LONGEST, "Longest first", ReachWords("of", "or longer", "Shorter ones")),
            SearchedOrder(
                SHORTEST, "Shortest first", ReachWords("of", "or shorter", "Longer ones")
            ),
        ),
    ),
    ListColumn("errors", "Errors"),
    ListColumn(
        "failed end",
        "Failed requests",
        (
            SearchedOrder(
                MOST_FAILED_REQUESTS,
                "Most failed requests first",
                ReachWords("with", "or more failed requests", "Those with fewer failed requests"),
            ),
            SearchedOrder(
                FEWEST_FAILED_REQUESTS,
                "Fewest failed requests first",
                ReachWords("with", "or fewer failed requests", "Those with more failed requests"),
            ),
        ),
    ),
    ListColumn("ended", "Ended"),
)
"""The columns from left to right, without the boxes to select rows by."""

REACH_WORDS: Final = {
    offered.order.name: offered.reach for column in COLUMNS for offered in column.orders
}
"""Words for each order, by its name."""
