"""The orders of the list of issues.

To add one: a line here, and the column whose head offers it in `app/web/issues/columns.py`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement

from app.db.lists import CursorValue, ListOrder
from app.issues.model import Issue


class IssueColumns(NamedTuple):
    """Values that issues can be ordered by: columns of their table, and the number of replays."""

    issues: Any
    replays: ColumnElement[int]


type IssueOrder = ListOrder[Issue]


def _make_order(
    name: str,
    value_type: type,
    column: Callable[[IssueColumns], ColumnElement[Any]],
    value_of: Callable[[Issue], CursorValue],
) -> IssueOrder:
    """Make a descending order; issues with the same value are ordered by their ids.

    No order has an index: ten thousand issues are sorted within some milliseconds, and an index
    would cost every event.
    """
    return ListOrder(
        name,
        lambda columns: (column(columns), columns.issues.project_id, columns.issues.issue_id),
        lambda issue: (value_of(issue), issue.project_id, issue.issue_id),
        (value_type, int, str),
    )


LAST_SEEN: Final = _make_order(
    "last_seen",
    datetime,
    lambda columns: columns.issues.last_seen_at,
    lambda issue: issue.last_seen_at,
)
FIRST_SEEN: Final = _make_order(
    "first_seen",
    datetime,
    lambda columns: columns.issues.first_seen_at,
    lambda issue: issue.first_seen_at,
)
EVENTS: Final = _make_order(
    "events", int, lambda columns: columns.issues.events, lambda issue: issue.events
)
USERS: Final = _make_order(
    "users", int, lambda columns: columns.issues.users, lambda issue: issue.users
)
REPLAYS: Final = _make_order(
    "replays", int, lambda columns: columns.replays, lambda issue: issue.replays
)
OLDEST_LAST_SEEN: Final = LAST_SEEN.reverse("oldest_last_seen")
OLDEST_FIRST_SEEN: Final = FIRST_SEEN.reverse("oldest_first_seen")
FEWEST_EVENTS: Final = EVENTS.reverse("fewest_events")
FEWEST_USERS: Final = USERS.reverse("fewest_users")
FEWEST_REPLAYS: Final = REPLAYS.reverse("fewest_replays")

BY_REPLAYS: Final = (REPLAYS, FEWEST_REPLAYS)
"""Orders for which the replays of all issues must be counted."""
ORDERS: Final[dict[str, IssueOrder]] = {
    order.name: order
    for order in (
        *(LAST_SEEN, OLDEST_LAST_SEEN),
        *(FIRST_SEEN, OLDEST_FIRST_SEEN),
        *(EVENTS, FEWEST_EVENTS),
        *(USERS, FEWEST_USERS),
        *(REPLAYS, FEWEST_REPLAYS),
    )
}
"""All orders under their names in addresses."""
