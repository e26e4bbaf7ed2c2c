"""Waits for work that goes on when whoever awaits it is cancelled, such as that of a thread."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def finish_first[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """Do some work to its end, even if the caller is cancelled meanwhile, and again.

    A thread cannot be cancelled. Whoever closes a file after this knows that no thread still uses
    its number, which may be another file's by then.

    Raises:
        asyncio.CancelledError: The caller was cancelled; the work has ended, whatever came of it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            # Taken, so that asyncio does not complain about a failure that nobody looked at.
            task.exception()
        raise cancelled
    return task.result()
