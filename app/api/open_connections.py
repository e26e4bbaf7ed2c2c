"""The connections that are open, and the choice of one to close when there are too many.

    limit in all       the setting, or the number of files that the process may open
    limit by address   an IPv6 address counts by its /64; trusted proxies have no limit

A new connection is let in, and another one is closed for it: the one that has waited longest with
an unfinished head, or else one that is idle or does not read its answers. Only if there is none,
the new one is closed. So a sender that opens thousands of connections without sending anything
loses its own ones.
"""

import resource
from collections import Counter, OrderedDict
from functools import lru_cache
from typing import Final, Protocol

from app.accounts.networks import network_of
from app.core import log
from app.core.clock import monotonic_s

_RESERVED_FILES: Final = 1_524
"""Open files that are reserved: 500 for database, journal, storage and child processes, and 1,024
for connections that are accepted at once, before the first of them can be closed."""
_MOST_EXAMINED: Final = 512
"""Connections examined in one search for a victim; the next search goes on where it ended."""
_BUSY: Final = 3
"""Rank of a connection that is not closed for others."""
_CACHED_NETWORKS: Final = 4_096
_WARNING_INTERVAL_S: Final = 60.0

_logger: Final = log.get_logger("api.connections")
_cached_network_of: Final = lru_cache(maxsize=_CACHED_NETWORKS)(network_of)


class DroppableConnection(Protocol):
    """The methods of a connection that this module uses."""

    def has_unfinished_head(self) -> bool:
        """Tell whether the head of a request is awaited or incomplete."""

    def is_between_requests(self) -> bool:
        """Tell whether all requests are answered and no other has begun."""

    def is_not_reading(self) -> bool:
        """Tell whether answers wait for the other end to read them."""

    def drop(self) -> None:
        """Close the connection at once, without a status line."""


_ConnectionQueue = OrderedDict[DroppableConnection, None]


class OpenConnections:
    """The open connections of a process. Use it from one event loop."""

    def __init__(self, *, limit: int, limit_of_network: int) -> None:
        """Begin without connections.

        Args:
            limit: Limit of all connections.
            limit_of_network: Limit for one address or IPv6 network; 0 for none.
        """
        self.limit = limit
        self.limit_of_network = limit_of_network
        self.hang_ups: Counter[str] = Counter()
        """Counts of connections that were closed without an answer, by reason."""
        self._all: _ConnectionQueue = OrderedDict()
        self._by_network: dict[str, _ConnectionQueue] = {}
        self._networks: dict[DroppableConnection, str] = {}
        self._warned_s: float | None = None

    def __len__(self) -> int:
        """Return the number of open connections."""
        return len(self._all)

    def add(self, connection: DroppableConnection, address: str | None) -> None:
        """Add a connection; it or another one is dropped if there are too many.

        Args:
            connection: The new connection.
            address: Address of its other end, or None for a trusted proxy.
        """
        self._all[connection] = None
        if address is not None:
            network = self._networks[connection] = _cached_network_of(address)
            queue = self._by_network.setdefault(network, OrderedDict())
            queue[connection] = None
            if 0 < self.limit_of_network < len(queue):
                self._make_room(queue, connection, "crowded_address")
        if len(self._all) > self.limit:
            self._make_room(self._all, connection, "crowded")

    def remove(self, connection: DroppableConnection) -> None:
        """Remove a connection, unless that was done before."""
        self._all.pop(connection, None)
        network = self._networks.pop(connection, None)
        if network is not None:
            queue = self._by_network[network]
            del queue[connection]
            if not queue:
                del self._by_network[network]

    def _make_room(self, queue: _ConnectionQueue, newest: DroppableConnection, reason: str) -> None:
        victim = _find_victim(queue, newest)
        self.hang_ups[reason] += 1
        self.remove(victim)
        victim.drop()
        now_s = monotonic_s()
        if self._warned_s is None or now_s - self._warned_s > _WARNING_INTERVAL_S:
            self._warned_s = now_s
            _logger.warning("too many connections are open, some are closed", reason=reason)


def _find_victim(queue: _ConnectionQueue, newest: DroppableConnection) -> DroppableConnection:
    """Find the oldest connection of the lowest rank; examined ones go to the end of the queue."""
    victim, lowest_rank = newest, _BUSY
    for _ in range(min(_MOST_EXAMINED, len(queue))):
        oldest = next(iter(queue))
        rank = _BUSY if oldest is newest else _rank_connection(oldest)
        if rank < lowest_rank:
            victim, lowest_rank = oldest, rank
            if rank == 0:
                break
        queue.move_to_end(oldest)
    return victim


def _rank_connection(connection: DroppableConnection) -> int:
    """Rank a connection: the lower, the sooner it is closed for another one."""
    if connection.has_unfinished_head():
        return 0
    if connection.is_between_requests():
        return 1
    return 2 if connection.is_not_reading() else _BUSY


def allow_open_files(connections: int) -> int:
    """Raise the limit of open files to what a number of connections needs.

    Returns:
        The number of connections that may be open: fewer if the system does not allow the files.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return connections
    limit = min(connections, max(soft - _RESERVED_FILES, soft // 3))
    _logger.warning("few files may be open, so few connections", files=soft, connections=limit)
    return limit
