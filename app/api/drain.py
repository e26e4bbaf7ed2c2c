"""The time between the order to stop and the end, in which load balancers learn of it.

    SIGTERM ─► begin ─► health checks answer 503 for PLAYHEAD_DRAIN_S ─► the listener closes

Everything is served as before meanwhile. A load balancer that asks `/health/door`, `/health/pages`
or `/health/ready` sends its requests elsewhere by the time the port is closed.
"""

import asyncio
from collections.abc import Callable

from app.core import log

_logger = log.get_logger("api.drain")


def _tell_nobody() -> None:
    """Do nothing: no other process is to be told."""


class ServerDrain:
    """The state of a process that may be about to stop, and still serves for a while."""

    def __init__(self, duration_s: float, tell_others: Callable[[], None] = _tell_nobody) -> None:
        """Make a drain that has not begun.

        Args:
            duration_s: Time from `begin` until the server stops; 0 to stop at once.
            tell_others: Called when it begins.
        """
        self._duration_s = duration_s
        self._tell_others = tell_others
        self._has_begun = False

    @property
    def has_begun(self) -> bool:
        """True if the process was told to stop, so that no new requests should be sent to it."""
        return self._has_begun

    def begin(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the time is over, or at once at the second order to stop."""
        if self._has_begun or not self._duration_s:
            self._has_begun = True
            stop()
            return
        self._has_begun = True
        self._tell_others()
        _logger.info("stopping soon", seconds=self._duration_s)
        asyncio.get_running_loop().call_later(self._duration_s, stop)
