"""Waits for a condition instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool], *, deadline_s: float = 60.0) -> None:
    """Let other tasks run until `condition` holds.

    Raises:
        TimeoutError: It did not come to hold; the deadline is far beyond what is expected.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of the product have no event
            await asyncio.sleep(0.005)


async def until_asked(question: Callable[[], Awaitable[bool]], *, deadline_s: float = 60.0) -> None:
    """Ask again and again until the answer is yes.

    Raises:
        TimeoutError: It never was; the deadline is far beyond what is expected.
    """
    async with asyncio.timeout(deadline_s):
        while not await question():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
