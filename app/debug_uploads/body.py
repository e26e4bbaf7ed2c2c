"""Collects the body of an upload into pieces that are worth a change to another thread."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from app.core.errors import MalformedInput, OversizedInput

_PIECE_BYTES: Final = 256 * 1024
"""The bytes that a thread gets at once: switching to it takes as long as reading 20 KB."""
SILENCE_S: Final = 60.0
"""The longest time without a byte, in seconds, so that a silent client cannot hold a request."""


async def collect_pieces(body: AsyncIterator[bytes], *, most_bytes: int) -> AsyncIterator[bytes]:
    """Join the parts of a body into larger pieces.

    Args:
        body: The parts as they arrive.
        most_bytes: The most bytes that the body may have.

    Raises:
        OversizedInput: It has more.
        MalformedInput: Nothing came for a minute.
    """
    arriving = aiter(body)
    piece = bytearray()
    size_bytes = 0
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                data = await anext(arriving)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise MalformedInput(f"nothing came for {SILENCE_S:.0f} s") from None
        size_bytes += len(data)
        if size_bytes > most_bytes:
            raise OversizedInput(f"the body has more than {most_bytes} bytes")
        piece += data
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)
