"""Limits what strangers ask of shares; each process counts for itself.

A token has 256 random bits, so guessing is hopeless. The limits keep one network from wearing the
server out, with a link or without one.
"""

from collections import OrderedDict
from typing import Final

from app.accounts.networks import network_of
from app.core import clock
from app.core.errors import TooManyAttempts

_WITHIN_S: Final = 60.0
_MOST_NETWORKS: Final = 10_000
MOST_OPENINGS: Final = 60
"""Pages of shares that one network opens in a minute."""
MOST_PARTS: Final = 1_200
"""Ranges of video, pictures and the like that one network fetches in a minute. A player that is
dragged along its timeline asks for some ten a second."""
MOST_UNKNOWN: Final = 30
"""Addresses without a share that one network asks for in a minute."""


class _NetworkCounter:
    """Counts the requests of each network in the minute that it is in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def require_room(self, network: str) -> None:
        """Make sure that a network has not used up its minute.

        Raises:
            TooManyAttempts: It has.
        """
        now_s = clock.monotonic_s()
        began_s, count = self._counts.get(network, (now_s, 0))
        if now_s - began_s < _WITHIN_S and count >= self._most:
            wait_s = max(1, round(began_s + _WITHIN_S - now_s))
            raise TooManyAttempts("too many requests; try again in a minute", wait_s=wait_s)

    def count(self, network: str) -> None:
        """Count a request; a minute after the first one, counting begins anew."""
        now_s = clock.monotonic_s()
        began_s, count = self._counts.pop(network, (now_s, 0))
        if now_s - began_s >= _WITHIN_S:
            began_s, count = now_s, 0
        self._counts[network] = (began_s, count + 1)
        while len(self._counts) > _MOST_NETWORKS:
            self._counts.popitem(last=False)


class ShareLimiter:
    """The limits of one process."""

    def __init__(self) -> None:
        self._openings = _NetworkCounter(MOST_OPENINGS)
        self._parts = _NetworkCounter(MOST_PARTS)
        self._unknown = _NetworkCounter(MOST_UNKNOWN)

    def count_request(self, address: str, *, is_page: bool) -> None:
        """Count a request for a share, before anything is looked up.

        Args:
            address: Where it comes from.
            is_page: Whether it is for a page, which costs much more than a part of one.

        Raises:
            TooManyAttempts: The network of the address has asked too often.
        """
        network = network_of(address)
        counter = self._openings if is_page else self._parts
        counter.require_room(network)
        counter.count(network)

    def count_unknown(self, address: str) -> None:
        """Count a request whose token opens nothing; links that work are not affected.

        Raises:
            TooManyAttempts: The network of the address has asked too often.
        """
        network = network_of(address)
        self._unknown.require_room(network)
        self._unknown.count(network)
