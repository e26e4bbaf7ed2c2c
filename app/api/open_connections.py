"""The connections that are open, and whom to hang up on when there are too many.

    limit in all       bounded by the setting, and by the files that the process may open
    limit by address   of IPv6 by its /64; trusted proxies have none, since they speak for many

A new connection is let in; in its place goes the one that has waited longest with an unfinished
head, or else one that is idle or does not read its answers. Only if none is found, the new one
goes. So somebody who opens thousands of connections and sends nothing drives out his own.
"""

import resource
from collections import Counter, OrderedDict
from functools import lru_cache
from typing import Final, Protocol

from app.accounts.networks import network_of
from app.core import log
from app.core.clock import monotonic_s

_RESERVED_FILES: Final = 1_524
"""Files that connections leave alone: 500 for database, journal, storage and children, and 1,024
for connections that are accepted in one turn, before the first of them can be closed."""
_LOOKS: Final = 512
"""Connections that are looked at to find one; the next search goes on where this one ended."""
_BUSY: Final = 3
_REMEMBERED: Final = 4_096
_TELL_S: Final = 60.0

_logger: Final = log.get_logger("api.connections")
_network_again: Final = lru_cache(maxsize=_REMEMBERED)(network_of)


class DroppableConnection(Protocol):
    """What is asked of a connection."""

    def has_unfinished_head(self) -> bool:
        """Tell whether nothing or not a whole head has come of its request."""

    def is_between_requests(self) -> bool:
        """Tell whether everything is answered and no request has begun."""

    def is_not_reading(self) -> bool:
        """Tell whether answers wait for the other end to read them."""

    def drop(self) -> None:
        """Close it at once, without a status line."""


_Crowd = OrderedDict[DroppableConnection, None]


class OpenConnections:
    """The open connections of a process. Use it from one event loop."""

    def __init__(self, *, most: int, most_of_network: int) -> None:
        """Begin without any.

        Args:
            most: Limit in all.
            most_of_network: Limit by address; 0: none.
        """
        self.most = most
        self.most_of_network = most_of_network
        self.hang_ups: Counter[str] = Counter()
        """Connections that were ended without an answer, by reason."""
        self._all: _Crowd = OrderedDict()
        self._by_network: dict[str, _Crowd] = {}
        self._networks: dict[DroppableConnection, str] = {}
        self._told_s: float | None = None

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._all)

    def add(self, connection: DroppableConnection, address: str | None) -> None:
        """Let a connection in; it or another may be dropped for it.

        Args:
            connection: The new one.
            address: Address of its other end; None: that one is trusted.
        """
        self._all[connection] = None
        if address is not None:
            network = self._networks[connection] = _network_again(address)
            crowd = self._by_network.setdefault(network, OrderedDict())
            crowd[connection] = None
            if 0 < self.most_of_network < len(crowd):
                self._make_room(crowd, connection, "crowded_address")
        if len(self._all) > self.most:
            self._make_room(self._all, connection, "crowded")

    def remove(self, connection: DroppableConnection) -> None:
        """Forget a connection; one that is forgotten already is none of our business."""
        self._all.pop(connection, None)
        network = self._networks.pop(connection, None)
        if network is not None:
            crowd = self._by_network[network]
            del crowd[connection]
            if not crowd:
                del self._by_network[network]

    def _make_room(self, crowd: _Crowd, newest: DroppableConnection, reason: str) -> None:
        victim = _find_victim(crowd, newest)
        self.hang_ups[reason] += 1
        self.remove(victim)
        victim.drop()
        now_s = monotonic_s()
        if self._told_s is None or now_s - self._told_s > _TELL_S:
            self._told_s = now_s
            _logger.warning("too many connections are open, some are closed", reason=reason)


def _find_victim(crowd: _Crowd, newest: DroppableConnection) -> DroppableConnection:
    """Find the oldest that is missed least; those that were looked at are looked at last again."""
    victim, least = newest, _BUSY
    for _ in range(min(_LOOKS, len(crowd))):
        oldest = next(iter(crowd))
        rank = _BUSY if oldest is newest else _rank(oldest)
        if rank < least:
            victim, least = oldest, rank
            if rank == 0:
                break
        crowd.move_to_end(oldest)
    return victim


def _rank(connection: DroppableConnection) -> int:
    """Say how much a connection would be missed."""
    if connection.has_unfinished_head():
        return 0
    if connection.is_between_requests():
        return 1
    return 2 if connection.is_not_reading() else _BUSY


def allow_open_files(connections: int) -> int:
    """Let the process open enough files for so many connections.

    Returns:
        How many connections there may be: fewer, if the system does not allow as many files.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections
    most = min(connections, max(soft - _RESERVED_FILES, soft // 3))
    _logger.warning("few files may be open, so few connections", files=soft, connections=most)
    return most
