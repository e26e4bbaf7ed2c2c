"""A process that was told to stop goes on for a while, and can be told twice."""

import asyncio

from app.api.drain import ServerDrain
from tests.support.waiting import PATIENCE_S


async def test_a_drain_ends_after_its_time():
    """The server is stopped once the time is over, and the drain has begun at once."""
    stopped = asyncio.Event()
    drain = ServerDrain(0.01)
    drain.begin(stopped.set)
    assert drain.has_begun
    assert not stopped.is_set()
    await asyncio.wait_for(stopped.wait(), PATIENCE_S)


async def test_a_second_order_to_stop_is_obeyed_at_once():
    """A person who sends the signal again does not have to wait."""
    orders: list[str] = []
    drain = ServerDrain(600)
    drain.begin(lambda: orders.append("first"))
    assert orders == []
    drain.begin(lambda: orders.append("second"))
    assert orders == ["second"]


def test_without_a_drain_a_server_stops_at_once():
    """A server whose drain takes 0 s stops within the signal."""
    orders: list[str] = []
    ServerDrain(0).begin(lambda: orders.append("stop"))
    assert orders == ["stop"]
