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
from app.web.words.lists import ListColumn

COLUMNS: Final = (
    ListColumn("issue-what", "Issue"),
    ListColumn("trend", "Last 14 days"),
    ListColumn(
        "end", "Events", ((EVENTS, "Most events first"), (FEWEST_EVENTS, "Fewest events first"))
    ),
    ListColumn("end", "Users", ((USERS, "Most users first"), (FEWEST_USERS, "Fewest users first"))),
    ListColumn(
        "end",
        "Replays",
        ((REPLAYS, "Most replays first"), (FEWEST_REPLAYS, "Fewest replays first")),
    ),
    ListColumn(
        "issue-first",
        "First seen",
        ((FIRST_SEEN, "Newest issue first"), (OLDEST_FIRST_SEEN, "Oldest issue first")),
    ),
    ListColumn(
        "issue-when",
        "Last seen",
        ((LAST_SEEN, "Last seen first"), (OLDEST_LAST_SEEN, "Longest unseen first")),
    ),
)
"""The columns from left to right."""
