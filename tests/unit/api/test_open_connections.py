"""Where connections are too many, the one that is missed least goes."""

import resource
from dataclasses import dataclass

import pytest

from app.api import open_connections
from app.api.open_connections import OpenConnections


@dataclass(eq=False)
class Connection:
    """What one does at present."""

    name: str
    doing: str = "head"
    is_dropped: bool = False

    def has_unfinished_head(self) -> bool:
        """As the real one."""
        return self.doing == "head"

    def is_between_requests(self) -> bool:
        """As the real one."""
        return self.doing == "idle"

    def is_not_reading(self) -> bool:
        """As the real one."""
        return self.doing == "not reading"

    def drop(self) -> None:
        """Note it."""
        assert not self.is_dropped
        self.is_dropped = True


def dropped(crowd: OpenConnections, *doings: str, address: str | None = "192.0.2.1") -> list[int]:
    """Open connections one after the other; return the places of those that are dropped."""
    made = [Connection(str(number), doing) for number, doing in enumerate(doings)]
    for one in made:
        crowd.add(one, address)
    return [number for number, one in enumerate(made) if one.is_dropped]


def crowd_of(most: int, of_network: int = 0) -> OpenConnections:
    """Return an empty crowd with limits."""
    return OpenConnections(most=most, most_of_network=of_network)


@pytest.mark.parametrize(
    ("doings", "places"),
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
def test_the_one_that_is_missed_least_goes(doings, places):
    """The oldest with an unfinished head, an idle one, one that does not read, the new one."""
    for address in ("192.0.2.1", None):
        crowd = crowd_of(3)
        assert dropped(crowd, *doings, address=address) == places
        assert len(crowd) == len(doings) - len(places)
        assert crowd.hang_ups == ({"crowded": len(places)} if places else {})


def test_an_address_has_a_limit_of_its_own():
    """Of IPv6 its /64; whoever is trusted has none."""
    crowd = crowd_of(100, of_network=2)
    assert dropped(crowd, "head", "head", "head") == [0]
    assert dropped(crowd, "head", "head", address="192.0.2.2") == []
    for host in range(2):
        assert dropped(crowd, "head", address=f"2001:db8::{host + 1}") == []
    assert dropped(crowd, "body", address="2001:db8::ffff:1") == []
    assert crowd.hang_ups == {"crowded_address": 2}
    assert dropped(crowd, *["head"] * 9, address=None) == []


def test_those_that_are_gone_do_not_count():
    """However often they are taken out; nothing of them is kept."""
    crowd = crowd_of(2, of_network=2)
    for _ in range(9):
        one = Connection("a")
        crowd.add(one, "192.0.2.1")
        crowd.remove(one)
        crowd.remove(one)
        assert not one.is_dropped
    assert len(crowd) == 0
    assert crowd._by_network == {}
    assert crowd._networks == {}


def test_a_search_is_short(monkeypatch):
    """It goes on where the last one ended, so that many that work do not make it slow."""
    monkeypatch.setattr(open_connections, "_MOST_EXAMINED", 2)
    crowd = crowd_of(4)
    assert dropped(crowd, "body", "body", "body", "head") == []
    assert dropped(crowd, "body") == [0]  # two were looked at
    assert dropped(crowd, "body") == []  # and now the one with half a head
    assert crowd.hang_ups == {"crowded": 2}


@pytest.mark.parametrize(
    ("limits", "wanted", "given", "most"),
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
def test_connections_leave_files_to_the_rest(monkeypatch, limits, wanted, given, most):
    """The limit of open files is raised as far as the system allows; what is short is told."""
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, pair: set_to.append(pair))
    assert open_connections.allow_open_files(wanted) == most
    assert set_to == ([] if given is None else [given])
