"""Pictures for visitors are drawn once, and a bounded number of them waits."""

import asyncio

import pytest

from app.core.errors import ServiceUnavailable
from app.playback.pictures.drawn_cache import MOST_VISITORS, MOST_WAITING, DrawnCache


class Artist:
    """Draws pictures as soon as it may, and remembers which ones."""

    def __init__(self) -> None:
        self.cache = DrawnCache[str, bytes](10_000, lambda name, drawn: len(name) + len(drawn))
        self.slot = asyncio.Semaphore(1)
        self.may_draw = asyncio.Event()
        self.fault: Exception | None = None
        self.drawn: list[str] = []

    async def ask(self, name: str) -> bytes | None:
        """Ask for a picture as one visitor does."""

        async def draw() -> bytes:
            await self.may_draw.wait()
            self.drawn.append(name)
            if self.fault is not None:
                raise self.fault
            return name.encode()

        return await self.cache.draw_once(name, draw, drawing_slot=self.slot)


async def test_all_who_wait_for_a_picture_get_the_same_drawing():
    """It is drawn once, and kept for those who come later."""
    artist = Artist()
    async with asyncio.TaskGroup() as group:
        visitors = [group.create_task(artist.ask("a")) for _ in range(5 * MOST_WAITING)]
        await asyncio.sleep(0)
        artist.may_draw.set()
    assert {visitor.result() for visitor in visitors} == {b"a"}
    assert await artist.ask("a") == b"a"
    assert artist.drawn == ["a"]


async def test_a_bounded_number_of_pictures_waits():
    """One more has to be asked for again; those that wait already take any number of visitors."""
    artist = Artist()
    names = [str(number) for number in range(MOST_WAITING)]
    async with asyncio.TaskGroup() as group:
        for name in (*names, names[0]):
            group.create_task(artist.ask(name))
        await asyncio.sleep(0)
        assert await artist.ask("one more") is None
        artist.may_draw.set()
    assert artist.drawn == names
    assert await artist.ask("one more") == b"one more"


async def test_all_who_wait_share_a_failure_and_their_number_is_bounded():
    """It is tried once for all of them, although the first who asked goes away."""
    artist = Artist()
    artist.fault = ServiceUnavailable("the store does not answer")
    visitors = [asyncio.create_task(artist.ask("a")) for _ in range(MOST_VISITORS)]
    await asyncio.sleep(0)
    assert await artist.ask("a") is None
    visitors[0].cancel()
    artist.may_draw.set()
    await asyncio.wait(visitors)
    assert {type(visitor.exception()) for visitor in visitors[1:]} == {ServiceUnavailable}
    assert artist.drawn == ["a"]


async def test_a_failed_drawing_is_tried_again_by_the_next_visitor():
    """Neither a failure nor a visitor who goes away leaves anything that waits."""
    artist = Artist()
    gone = [asyncio.create_task(artist.ask(str(number))) for number in range(MOST_WAITING)]
    await asyncio.sleep(0)
    for visitor in gone:
        visitor.cancel()
    await asyncio.wait(gone)
    artist.may_draw.set()
    artist.fault = ServiceUnavailable("the store does not answer")
    with pytest.raises(ServiceUnavailable):
        await artist.ask("a")
    artist.fault = None
    assert await artist.ask("a") == b"a"
    assert artist.drawn == ["a", "a"]
