"""Waiting for a condition, never for a time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], *, deadline_s: float = 20.0) -> None:
    """Let other tasks run until `condition` holds.

    Raises:
        TimeoutError: It did not come to hold; the deadline is far beyond what is expected.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of the product have no event
            await asyncio.sleep(0.005)
