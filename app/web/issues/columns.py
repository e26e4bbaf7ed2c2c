"""The columns of the list of issues, and its orders in words."""

from typing import Final

from app.issues.orders import (
    EVENTS,
    FEWEST_EVENTS,
    FEWEST_REPLAYS,
    FEWEST_USERS,
    FIRST_SEEN,
    LAST_SEEN,
    OLDEST_FIRST_SEEN,
    OLDEST_LAST_SEEN,
    REPLAYS,
    USERS,
)
from app.web.words.lists import ListColumn, OfferedOrder

COLUMNS: Final[tuple[ListColumn[OfferedOrder], ...]] = (
    ListColumn("issue-what", "Issue"),
    ListColumn("trend", "Last 14 days"),
    ListColumn(
        "end",
        "Events",
        (
            OfferedOrder(EVENTS, "Most events first"),
            OfferedOrder(FEWEST_EVENTS, "Fewest events first"),
        ),
    ),
    ListColumn(
        "end",
        "Users",
        (OfferedOrder(USERS, "Most users first"), OfferedOrder(FEWEST_USERS, "Fewest users first")),
    ),
    ListColumn(
        "end",
        "Replays",
        (
            OfferedOrder(REPLAYS, "Most replays first"),
            OfferedOrder(FEWEST_REPLAYS, "Fewest replays first"),
        ),
    ),
    ListColumn(
        "issue-first",
        "First seen",
        (
            OfferedOrder(FIRST_SEEN, "Newest issue first"),
            OfferedOrder(OLDEST_FIRST_SEEN, "Oldest issue first"),
        ),
    ),
    ListColumn(
        "issue-when",
        "Last seen",
        (
            OfferedOrder(LAST_SEEN, "Last seen first"),
            OfferedOrder(OLDEST_LAST_SEEN, "Least recently seen first"),
        ),
    ),
)
"""The columns from left to right."""
