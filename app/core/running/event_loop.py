"""Measures how late the event loop is: what holds it up delays every answer of the process."""

import asyncio
from typing import Final

from prometheus_client import Histogram

_PAUSE_S: Final = 0.5
_BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class EventLoopMonitor:
    """Sleeps again and again, and counts how much longer each sleep took than it should."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.delay_s: Final = Histogram(
            "playhead_event_loop_delay_seconds",
            "Time by which the event loop was late, looked at twice a second.",
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.create_task(self._measure_for_ever(), name="event loop delay")

    async def stop(self) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _measure_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _PAUSE_S
            await asyncio.sleep(_PAUSE_S)
            self.delay_s.observe(max(0.0, loop.time() - due_s))
