"""Keeps the pictures that one process has drawn for visitors, and draws each of them once.

    drawn lately? ─► too many others wait? ─► wait for a media child ─► drawn meanwhile? ─► draw

A message or a share link is opened by many at once. They wait for one drawing, and find it here.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from app.core.bounded_cache import BoundedCache

MOST_WAITING: Final = 8
"""The most pictures that wait to be drawn; whoever wants another one has to ask again."""


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
        self._waiting = Counter[Name]()
        """The number of visitors who wait, by the picture that they wait for."""

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
            None if `MOST_WAITING` other pictures wait already, so this visitor has to ask again.
            Any number of visitors may wait for a picture that is among these.

        Raises:
            Exception: Whatever `draw` raises; the next visitor has it tried again.
        """
        drawn = self._drawn.get(name)
        if drawn is not None:
            return drawn
        if name not in self._waiting and len(self._waiting) >= MOST_WAITING:
            return None
        self._waiting[name] += 1
        try:
            async with drawing_slot:
                # Somebody else may have waited for the same picture, and had it drawn.
                drawn = self._drawn.get(name)
                if drawn is None:
                    drawn = await draw()
                    self._drawn.put(name, drawn, self._count_bytes(name, drawn))
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
        return drawn
