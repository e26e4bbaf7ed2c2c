"""Bounds how many passwords a process has under check, so that a flood makes nobody wait long.

Two passwords are checked at a time. What waits behind them holds a connection and a task, and
everybody behind it waits for it; so few may wait, and still fewer of one network.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.core.errors import TooManyAttempts

_WAIT_S: Final = 5


class PasswordAdmission:
    """Counts the checks of a process; use it from one event loop."""

    def __init__(self, *, most: int, most_of_network: int) -> None:
        self._most = most
        self._most_of_network = most_of_network
        self._by_network: Counter[str] = Counter()

    @contextmanager
    def admit(self, network: str) -> Iterator[None]:
        """Hold a place while a password is checked.

        Raises:
            TooManyAttempts: All places are taken, or all that one network may have.
        """
        is_full = self._by_network.total() >= self._most
        if is_full or self._by_network[network] >= self._most_of_network:
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
