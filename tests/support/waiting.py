"""Waits for a condition instead of sleeping."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE_S: Final = 120.0
"""Seconds after which a test gives up: a hundred times what it takes where nothing else runs."""


async def until(condition: Callable[[], bool], *, deadline_s: float = PATIENCE_S) -> None:
    """Let other tasks run until `condition` holds.

    Raises:
        TimeoutError: It did not come to hold; the deadline is far beyond what is expected.
    """
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - conditions of the product have no event
            await asyncio.sleep(0.005)


async def until_asked(
    question: Callable[[], Awaitable[bool]], *, deadline_s: float = PATIENCE_S
) -> None:
    """Ask again and again until the answer is yes.

    Raises:
        TimeoutError: It never was; the deadline is far beyond what is expected.
    """
    async with asyncio.timeout(deadline_s):
        while not await question():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.05)
