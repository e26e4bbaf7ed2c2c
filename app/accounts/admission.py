"""Limits how many passwords a process checks at once, so that a flood makes nobody wait long.

Two passwords are checked at a time. Each check that waits behind them holds a connection and a
task, and delays everybody behind it. So only a few may wait, and still fewer from one network.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.errors import TooManyAttempts

_WAIT_S: Final = 5


class PasswordAdmission:
    """Counts the password checks of a process; use it from one event loop."""

    def __init__(self, *, limit: int, limit_of_network: int) -> None:
        self._limit = limit
        self._limit_of_network = limit_of_network
        self._by_network: Counter[str] = Counter()

    @contextmanager
    def admit(self, network: str) -> Iterator[None]:
        """Count a check while its password is being checked.

        Raises:
            TooManyAttempts: The process, or this network, has as many checks as are allowed.
        """
        is_full = self._by_network.total() >= self._limit
        if is_full or self._by_network[network] >= self._limit_of_network:
            raise TooManyAttempts(
                "many people are signing in right now; try again in a few seconds", wait_s=_WAIT_S
            )
        self._by_network[network] += 1
        try:
            yield
        finally:
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]
