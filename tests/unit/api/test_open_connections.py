"""If too many connections are open, the one of the lowest rank is closed."""

import resource
from dataclasses import dataclass

import pytest

from app.api import open_connections
from app.api.open_connections import OpenConnections


@dataclass(eq=False)
class FakeConnection:
    """A connection in some state."""

    state: str = "head"
    is_dropped: bool = False

    def has_unfinished_head(self) -> bool:
        """Tell it by the state."""
        return self.state == "head"

    def is_between_requests(self) -> bool:
        """Tell it by the state."""
        return self.state == "idle"

    def is_not_reading(self) -> bool:
        """Tell it by the state."""
        return self.state == "not reading"

    def drop(self) -> None:
        """Record that it was closed."""
        assert not self.is_dropped
        self.is_dropped = True


def add_all(opened: OpenConnections, *states: str, address: str | None = "192.0.2.1") -> list[int]:
    """Open connections one after the other; return the numbers of those that are dropped."""
    connections = [FakeConnection(state) for state in states]
    for connection in connections:
        opened.add(connection, address)
    return [number for number, each in enumerate(connections) if each.is_dropped]


def with_limits(most: int, of_network: int = 0) -> OpenConnections:
    """Return open connections with limits, without any connection."""
    return OpenConnections(limit=most, limit_of_network=of_network)


@pytest.mark.parametrize(
    ("states", "dropped"),
    [
        (("head", "head", "head"), []),
        (("head", "head", "head", "head"), [0]),
        (("body", "head", "head", "head", "head"), [1, 2]),
        (("idle", "head", "body", "body"), [1]),
        (("not reading", "body", "idle", "body"), [2]),
        (("body", "not reading", "body", "body"), [1]),
        (("body", "body", "body", "head"), [3]),
    ],
)
def test_the_connection_of_the_lowest_rank_is_closed(states, dropped):
    """Closed first: an unfinished head, then an idle one, one that does not read, the new one."""
    for address in ("192.0.2.1", None):
        opened = with_limits(3)
        assert add_all(opened, *states, address=address) == dropped
        assert len(opened) == len(states) - len(dropped)
        assert opened.hang_ups == ({"crowded": len(dropped)} if dropped else {})


def test_an_address_has_a_limit_of_its_own():
    """An IPv6 address counts by its /64; a trusted proxy has no limit."""
    opened = with_limits(100, of_network=2)
    assert add_all(opened, "head", "head", "head") == [0]
    assert add_all(opened, "head", "head", address="192.0.2.2") == []
    for host in range(2):
        assert add_all(opened, "head", address=f"2001:db8::{host + 1}") == []
    assert add_all(opened, "body", address="2001:db8::ffff:1") == []
    assert opened.hang_ups == {"crowded_address": 2}
    assert add_all(opened, *["head"] * 9, address=None) == []


def test_closed_connections_do_not_count():
    """A connection may be removed twice, and nothing of it is kept."""
    opened = with_limits(2, of_network=2)
    for _ in range(9):
        connection = FakeConnection()
        opened.add(connection, "192.0.2.1")
        opened.remove(connection)
        opened.remove(connection)
        assert not connection.is_dropped
    assert len(opened) == 0
    assert opened._by_network == {}
    assert opened._networks == {}


def test_a_search_is_short(monkeypatch):
    """A search goes on where the last one ended, so many busy connections do not slow it down."""
    monkeypatch.setattr(open_connections, "_MOST_EXAMINED", 2)
    opened = with_limits(4)
    assert add_all(opened, "body", "body", "body", "head") == []
    assert add_all(opened, "body") == [0]  # Two were examined.
    assert add_all(opened, "body") == []  # Now the one with half a head is dropped.
    assert opened.hang_ups == {"crowded": 2}


@pytest.mark.parametrize(
    ("limits", "connections", "new_limits", "most"),
    [
        ((20_000, 20_000), 4_096, None, 4_096),
        ((1_024, 524_288), 4_096, (5_620, 524_288), 4_096),
        ((1_024, resource.RLIM_INFINITY), 4_096, (5_620, resource.RLIM_INFINITY), 4_096),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 4_096, None, 4_096),
        ((256, 4_000), 4_096, (4_000, 4_000), 2_476),
        ((900, 900), 4_096, (900, 900), 300),
        ((900, 900), 100, (900, 900), 100),
    ],
)
def test_some_files_are_reserved(monkeypatch, limits, connections, new_limits, most):
    """The limit of open files is raised as far as the system allows, or connections are fewer."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, pair: set_to.append(pair))
    assert open_connections.allow_open_files(connections) == most
    assert set_to == ([] if new_limits is None else [new_limits])
