"""The columns of the list of replays, and its orders in words."""

from dataclasses import dataclass
from typing import Final

from app.replays.orders import (
    FEWEST_FAILED_REQUESTS,
    LONGEST,
    MOST_FAILED_REQUESTS,
    NEWEST,
    OLDEST,
    SHORTEST,
)
from app.web.words.lists import ListColumn

COLUMNS: Final = (
    ListColumn(
        "who",
        "User and time",
        ((NEWEST, "Newest arrival first"), (OLDEST, "Oldest arrival first")),
    ),
    ListColumn("way", "Screens"),
    ListColumn("device", "Device and app"),
    ListColumn("length end", "Length", ((LONGEST, "Longest first"), (SHORTEST, "Shortest first"))),
    ListColumn("errors", "Errors"),
    ListColumn(
        "failed end",
        "Failed requests",
        (
            (MOST_FAILED_REQUESTS, "Most failed requests first"),
            (FEWEST_FAILED_REQUESTS, "Fewest failed requests first"),
        ),
    ),
    ListColumn("ended", "Ended"),
)
"""The columns from left to right, without the boxes to select rows by."""


@dataclass(frozen=True, slots=True)
class ReachWords:
    """Words about a search that stopped at a value before it had looked at every replay."""

    before: str
    after: str
    """Words around the value: `of` 0:10 `or longer`."""
    rest: str
    """Name of the replays that were not looked at: `Older ones`."""


REACH_WORDS: Final = {
    NEWEST.name: ReachWords("back to", "", "Older ones"),
    OLDEST.name: ReachWords("up to", "", "Newer ones"),
    LONGEST.name: ReachWords("of", "or longer", "Shorter ones"),
    SHORTEST.name: ReachWords("of", "or shorter", "Longer ones"),
    MOST_FAILED_REQUESTS.name: ReachWords(
        "with", "or more failed requests", "Those with fewer failed requests"
    ),
    FEWEST_FAILED_REQUESTS.name: ReachWords(
        "with", "or fewer failed requests", "Those with more failed requests"
    ),
}
"""Words for each order."""
