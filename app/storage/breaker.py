"""Stops calling a service that does not answer, so that callers fail at once while it recovers.

closed ── 3 failures in a row ──► open ── after a pause ──► one call tries ── answered ─► closed
                                    ▲                           │
                                    └────── twice the pause ────┘
"""

import random
from typing import Final

from app.core.clock import monotonic_s
from app.core.errors import StorageUnavailable

_FAILURES: Final = 3
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 4.0


class CircuitBreaker:
    """Counts how calls to one service end. Use it from one thread."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._failures = 0
        self._last_error = ""
        self._pause_s = _FIRST_PAUSE_S
        self._blocked_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """True if calls are refused, except for one after each pause."""
        return self._failures >= _FAILURES

    def check(self) -> None:
        """Let a call pass, or refuse it.

        Raises:
            StorageUnavailable: The service has not answered lately, and it is not yet time to try
                again.
        """
        if not self.is_open:
            return
        left_s = self._blocked_until_s - monotonic_s()
        if left_s > 0:
            raise StorageUnavailable(
                f"{self._service} has not answered {self._failures} times in a row and is tried "
                f"again in {left_s:.1f} s; the last error: {self._last_error}"
            )
        # This call tries; further ones are refused until it has ended or the pause is over.
        self._begin_pause()

    def succeeded(self) -> None:
        """Record a call that was answered, whatever the answer was."""
        self._failures = 0
        self._pause_s = _FIRST_PAUSE_S

    def failed(self, error: str) -> None:
        """Record a call that was not answered."""
        self._last_error = error
        self._failures += 1
        if self._failures == _FAILURES:
            self._begin_pause()

    def _begin_pause(self) -> None:
        """Refuse calls for a while; pauses are random, so that processes do not try in step."""
        self._blocked_until_s = monotonic_s() + self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
