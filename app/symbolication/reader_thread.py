"""The one thread of a process in which pure Python reads debug files.

One is enough, since Python code runs in one thread at a time anyway. And readers that keep what
they have read lately need no locks.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_pool: Final = ThreadPoolExecutor(1, thread_name_prefix="symbolication")
"""It starts its thread with the first call, and so after workers were forked."""


async def run_in_reader_thread[*Arguments, Result](
    function: Callable[[*Arguments], Result], *arguments: *Arguments
) -> Result:
    """Run a function in the thread of the readers of this process.

    When the caller is cancelled, the function runs on to its end; it calls
    `EventDraft.check_time` to come to it soon.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)
