"""Keeps the pictures that one process has drawn for visitors, and draws each of them once.

    drawn lately? ─► too many others wait? ─► one attempt for all who want it ─► media child

A message or a share link is opened by many at once. They wait for one drawing, and find it here.
They also share its failure: while storage is down, an attempt may take seconds, and all pictures
wait for the same media children.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.core.bounded_cache import BoundedCache

MOST_WAITING: Final = 8
"""The most pictures that wait to be drawn; whoever wants another one has to ask again."""
MOST_VISITORS: Final = 200
"""The most visitors who wait for pictures, each of whom holds a connection open."""


@dataclass(eq=False, slots=True)
class _Attempt[Drawn]:
    """One drawing of a picture that is still going on."""

    task: asyncio.Task[Drawn]
    visitors: int = 0
    """The number of visitors who wait for it."""


class DrawnCache[Name: Hashable, Drawn]:
    """The pictures that one process has drawn lately, and those that wait to be drawn.

    What cannot be drawn is kept as well, as a value that says so: no child tries it again for each
    visitor.
    """

    def __init__(self, limit_bytes: int, count_bytes: Callable[[Name, Drawn], int]) -> None:
        """Make an empty cache.

        Args:
            limit_bytes: Limit of the sizes of all pictures together.
            count_bytes: Returns the bytes that a picture takes with its name.
        """
        self._drawn = BoundedCache[Name, Drawn](limit_bytes)
        self._count_bytes = count_bytes
        self._attempts: dict[Name, _Attempt[Drawn]] = {}
        """The drawings that are going on, by the picture that they draw."""

    async def draw_once(
        self,
        name: Name,
        draw: Callable[[], Awaitable[Drawn]],
        *,
        drawing_slot: asyncio.Semaphore,
    ) -> Drawn | None:
        """Return a picture, drawn for the first visitor who asks; the others wait for it.

        Args:
            name: What the picture shows; another version has another name.
            draw: Draws it.
            drawing_slot: Bounds how many media children draw at once.

        Returns:
            None if `MOST_WAITING` other pictures or `MOST_VISITORS` visitors wait already, so this
            visitor has to ask again.

        Raises:
            Exception: Whatever `draw` raises, for all who wait; whoever asks later has it tried
                again.
        """
        drawn = self._drawn.get(name)
        if drawn is not None:
            return drawn
        attempts = self._attempts.values()
        if sum(attempt.visitors for attempt in attempts) >= MOST_VISITORS:
            return None
        attempt = self._attempts.get(name)
        if attempt is None:
            if len(self._attempts) >= MOST_WAITING:
                return None
            attempt = self._begin(name, draw, drawing_slot)
        attempt.visitors += 1
        try:
            # To await the task itself would cancel it for the others if this visitor goes away.
            await asyncio.wait({attempt.task})
            return attempt.task.result()
        finally:
            attempt.visitors -= 1
            if not attempt.visitors and self._attempts.get(name) is attempt:
                del self._attempts[name]
                attempt.task.cancel()

    def _begin(
        self, name: Name, draw: Callable[[], Awaitable[Drawn]], drawing_slot: asyncio.Semaphore
    ) -> _Attempt[Drawn]:
        """Begin to draw a picture, in a task of its own."""

        async def draw_and_keep() -> Drawn:
            async with drawing_slot:
                drawn = await draw()
            self._drawn.put(name, drawn, self._count_bytes(name, drawn))
            return drawn

        def end(task: asyncio.Task[Drawn]) -> None:
            if self._attempts.get(name) is attempt:
                del self._attempts[name]
            # The last visitor may go away as it fails, and then nobody else asks for its error.
            with suppress(asyncio.CancelledError):
                task.exception()

        attempt = _Attempt(asyncio.create_task(draw_and_keep()))
        self._attempts[name] = attempt
        attempt.task.add_done_callback(end)
        return attempt
