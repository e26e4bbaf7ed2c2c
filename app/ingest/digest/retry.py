"""Repeats a step of digest until Postgres and the object storage answer."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from app.core import log
from app.core.errors import ServiceUnavailable

_BACKOFF_S: Final = (0.2, 1.0, 2.5, 5.0)

_logger: Final = log.get_logger("ingest.digest")


class StepRetrier:
    """Repeats steps, and knows what they wait for at the moment."""

    def __init__(self) -> None:
        self.outage: ServiceUnavailable | None = None
        """The reason why a step waits for Postgres or storage; None while none does."""
        self.is_stopping = False
        """True if a step that fails is given up, since the process is about to end."""

    async def retry[T](self, step: Callable[[], Awaitable[T]]) -> T:
        """Run a step until it succeeds; only `ServiceUnavailable` makes it run again.

        Raises:
            ServiceUnavailable: The process is about to end.
        """
        failures = 0
        while True:
            try:
                result = await step()
            except ServiceUnavailable as error:
                self.outage = error
                pause_s = _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)]
                failures += 1
                _logger.warning(
                    "Postgres or storage does not answer", error=str(error), next_try_s=pause_s
                )
                if self.is_stopping:
                    raise
                await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            else:
                if failures:
                    self.outage = None
                return result
