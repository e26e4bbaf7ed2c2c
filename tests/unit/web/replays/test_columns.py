"""Tests of the columns of the list of replays."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from app.db.lists import CursorValue
from app.replays.search.orders import ORDERS, ReplayOrder
from app.web.replays.build import describe_reach

VALUES: Final[dict[type, CursorValue]] = {
    datetime: datetime(2026, 11, 24, tzinfo=UTC),
    timedelta: timedelta(seconds=10),
    int: 3,
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=list(ORDERS))
def test_every_order_says_how_far_a_search_reached(order: ReplayOrder):
    """A search that stops early has words around the value and a name for the other replays."""
    reach = describe_reach((VALUES[order.key_types[0]], "id"), order)
    assert reach.before
    assert reach.unread
    assert [reach.at, reach.length_ms, reach.number].count(None) == 2
