"""Answers requests for bytes: with one range of them, or with all.

Source: RFC 9110, section 14.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.errors import NotFound

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class UnsatisfiableRange(Exception):
    """The range lies outside the bytes, or cannot be read."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to, not including, `end`; partial if a range was asked for."""

    start: int
    end: int
    is_partial: bool


def read_range(request: Request, size_bytes: int) -> ByteRange:
    """Return the range of bytes that a request asks for.

    Raises:
        UnsatisfiableRange: It asks for bytes that do not exist, or for several ranges at once.
    """
    header = request.headers.get("range")
    if header is None:
        return ByteRange(0, size_bytes, is_partial=False)
    match = _RANGE.match(header.strip())
    if match is None or match.groups() == ("", ""):
        raise UnsatisfiableRange
    first, last = match.groups()
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(size_bytes, int(last) + 1) if first and last else size_bytes
    if start >= end:
        raise UnsatisfiableRange
    return ByteRange(start, end, is_partial=True)


def refuse_range(size_bytes: int) -> Response:
    """Answer a request for a range that cannot be sent."""
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size_bytes}"})


async def send_range(
    chunks: AsyncIterator[bytes],
    byte_range: ByteRange,
    *,
    size_bytes: int,
    media_type: str,
    headers: dict[str, str],
) -> Response:
    """Stream the bytes of a range.

    Raises:
        NotFound: The first of them cannot be read.
        ServiceUnavailable: Storage is down.
    """
    length = byte_range.end - byte_range.start
    sized = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(length)}
    if byte_range.is_partial:
        sized["Content-Range"] = f"bytes {byte_range.start}-{byte_range.end - 1}/{size_bytes}"
    if not length:
        return Response(b"", 200, sized, media_type)
    first = await anext(chunks, None)
    if first is None:
        raise NotFound("the bytes are gone")
    body = _chain(first, chunks)
    return StreamingResponse(body, 206 if byte_range.is_partial else 200, sized, media_type)


async def _chain(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
