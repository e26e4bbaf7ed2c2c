"""The body of an upload is collected into larger pieces; its size and its silence have limits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.core.errors import MalformedInput, OversizedInput
from app.debug_uploads import body
from app.debug_uploads.body import collect_pieces

KIB = 1024


async def send(*sizes: int) -> AsyncIterator[bytes]:
    """Send so many bytes at a time."""
    for size in sizes:
        yield bytes(size)


async def collect(*sizes: int, most_bytes: int = 10_000 * KIB) -> list[int]:
    """Return the sizes of the pieces."""
    return [len(piece) async for piece in collect_pieces(send(*sizes), most_bytes=most_bytes)]


async def test_small_pieces_are_joined():
    """A thread gets 256 KiB at a time, and the rest at the end."""
    assert await collect(*[64 * KIB] * 9) == [256 * KIB, 256 * KIB, 64 * KIB]
    assert await collect(1000 * KIB, 1) == [1000 * KIB, 1]
    assert await collect() == []
    assert await collect(0, 0) == []


async def test_a_body_has_a_limit():
    """The last byte that is allowed is taken, one more is not."""
    assert await collect(100, most_bytes=100) == [100]
    with pytest.raises(OversizedInput):
        await collect(100, 1, most_bytes=100)


async def test_a_silent_sender_is_refused(monkeypatch: pytest.MonkeyPatch):
    """Who sends nothing for a minute loses the request."""
    monkeypatch.setattr(body, "SILENCE_S", 0.01)

    async def be_silent() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    with pytest.raises(MalformedInput, match="nothing came"):
        async for _ in collect_pieces(be_silent(), most_bytes=100):
            pass
