"""Stops asking a keeper that does not answer: it gets time to come back, its callers an answer.

closed ── 3 failures in a row ──► open ── after a pause ──► one call tries ── answered ─► closed
                                    ▲                           │
                                    └────── twice the pause ────┘
"""

import random
from typing import Final

from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable

_FAILURES: Final = 3
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 4.0


class Breaker:
    """Counts how calls to one keeper end. Use it from one thread."""

    def __init__(self, keeper: str) -> None:
        self._keeper = keeper
        self._failures = 0
        self._why = ""
        self._pause_s = _FIRST_PAUSE_S
        self._blocked_until_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are answered without being made, but for one now and then."""
        return self._failures >= _FAILURES

    def check(self) -> None:
        """Let a call pass, or not.

        Raises:
            ServiceUnavailable: The keeper has not answered lately, and this is not the call that
                looks whether it does again.
        """
        if not self.is_open:
            return
        left_s = self._blocked_until_s - monotonic_s()
        if left_s > 0:
            raise ServiceUnavailable(
                f"{self._keeper} has not answered {self._failures} times in a row, it is asked "
                f"again in {left_s:.1f} s; the last time: {self._why}"
            )
        # This one looks; the others wait for what it finds.
        self._begin_pause()

    def succeeded(self) -> None:
        """Note a call that was answered, whatever the answer was."""
        self._failures = 0
        self._pause_s = _FIRST_PAUSE_S

    def failed(self, why: str) -> None:
        """Note a call that was not answered."""
        self._why = why
        self._failures += 1
        if self._failures == _FAILURES:
            self._begin_pause()

    def _begin_pause(self) -> None:
        """Block the way for a while; pauses differ, so that processes do not ask in step."""
        self._blocked_until_s = monotonic_s() + self._pause_s * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
