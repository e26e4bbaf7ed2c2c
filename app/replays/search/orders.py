"""The orders of the list of replays.

To add one: a line here, and the column whose head offers it in `app/web/replays/columns.py`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement

from app.db.lists import CursorValue, ListOrder
from app.replays.model import Replay

type ReplayOrder = ListOrder[Replay]


def _make_order(
    name: str,
    value_type: type,
    column: Callable[[Any], ColumnElement[Any]],
    value_of: Callable[[Replay], CursorValue],
    *,
    is_indexed: bool = False,
) -> ReplayOrder:
    """Make a descending order; replays with the same value are ordered by their ids.

    An app may send one replay to two projects. Its copies have the same length and the same counts,
    so these orders need the project, too. They are not received at the same moment, and the index
    of an indexed order has no project behind the id.
    """
    if is_indexed:
        return ListOrder(
            name,
            lambda columns: (column(columns), columns.replay_id),
            lambda replay: (value_of(replay), replay.key.replay_id),
            (value_type, str),
            is_indexed=True,
        )
    return ListOrder(
        name,
        lambda columns: (column(columns), columns.replay_id, columns.project_id),
        lambda replay: (value_of(replay), replay.key.replay_id, replay.key.project_id),
        (value_type, str, int),
    )


NEWEST: Final = _make_order(
    "newest",
    datetime,
    lambda columns: columns.first_received_at,
    lambda replay: replay.first_received_at,
    is_indexed=True,
)
OLDEST: Final = NEWEST.reverse("oldest")
LONGEST: Final = _make_order(
    "longest",
    timedelta,
    lambda columns: columns.ended_at - columns.started_at,
    lambda replay: replay.ended_at - replay.started_at,
)
SHORTEST: Final = LONGEST.reverse("shortest")
MOST_FAILED_REQUESTS: Final = _make_order(
    "most_failed_requests",
    int,
    lambda columns: columns.network_failures,
    lambda replay: replay.counts.failed_requests,
)
FEWEST_FAILED_REQUESTS: Final = MOST_FAILED_REQUESTS.reverse("fewest_failed_requests")

ORDERS: Final[dict[str, ReplayOrder]] = {
    order.name: order
    for order in (
        *(NEWEST, OLDEST),
        *(LONGEST, SHORTEST),
        *(MOST_FAILED_REQUESTS, FEWEST_FAILED_REQUESTS),
    )
}
"""All orders under their names in addresses."""
