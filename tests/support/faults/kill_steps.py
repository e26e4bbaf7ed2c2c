"""Kills the process at the n-th await of the product's own code, without changing that code.

Every task is wrapped. After each step of a task, its innermost frame that lies in `app/` is where
the code waits: that is one place at which a power cut can come.
"""

import asyncio
import os
import signal
import types
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, Final

_PRODUCT: Final = str(Path(__file__).parents[3] / "app") + os.sep


class _Steps:
    """Counts steps; at the last one it tells the place and ends the process."""

    def __init__(self, kill_at: int, tell: Callable[[str], None], within: str) -> None:
        self._left = kill_at
        self._tell = tell
        self._within = within

    def count(self, coroutine: Any) -> None:
        """Count where a coroutine waits, if that is our own code."""
        place = _place(coroutine, self._within)
        if place is None:
            return
        self._left -= 1
        if self._left == 0:
            self._tell(place)
            os.kill(os.getpid(), signal.SIGKILL)


def install_kill_at_step(
    loop: asyncio.AbstractEventLoop,
    kill_at: int,
    tell: Callable[[str], None],
    *,
    within: str = "",
) -> None:
    """Let a loop kill the process at a step.

    Args:
        loop: asyncio's own.
        kill_at: Which step, from 1; 0 for never.
        tell: Called with the place, just before.
        within: The folder of `app` in whose code, or on whose behalf, a step counts.
    """
    steps = _Steps(kill_at, tell, within)

    def make(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **named: Any
    ) -> "asyncio.Task[Any]":
        return asyncio.Task(_step_through(coroutine, steps), loop=loop, **named)

    loop.set_task_factory(make)


async def _step_through(coroutine: Coroutine[Any, Any, Any], steps: _Steps) -> Any:
    """Run a coroutine step by step; a task takes nothing but a coroutine since Python 3.12."""
    return await _stepped(coroutine, steps)


@types.coroutine
def _stepped(coroutine: Coroutine[Any, Any, Any], steps: _Steps) -> Generator[Any, Any, Any]:
    """Run a coroutine as it would run, and count its steps."""
    send: Callable[[Any], Any] = coroutine.send
    value: Any = None
    while True:
        try:
            yielded = send(value)
        except StopIteration as stop:
            return stop.value
        steps.count(coroutine)
        try:
            value = yield yielded
            send = coroutine.send
        except BaseException as error:  # noqa: BLE001 - whatever comes is for the coroutine
            value, send = error, coroutine.throw


def _place(coroutine: Any, within: str) -> str | None:
    """Name the innermost line of ours in a chain of awaits; None if none is in the folder."""
    place = None
    is_within = False
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            break
        if frame.f_code.co_filename.startswith(_PRODUCT):
            path = frame.f_code.co_filename.removeprefix(_PRODUCT)
            place = f"{path}:{frame.f_lineno} {frame.f_code.co_name}"
            is_within = is_within or path.startswith(within)
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return place if is_within else None
