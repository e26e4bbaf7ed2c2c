"""Answers for bytes: one range of them, or all.

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
    """The range lies outside the bytes, or is none."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to, not including, `end`; partial when somebody asked for them."""

    start: int
    end: int
    is_partial: bool


def read_range(request: Request, size_bytes: int) -> ByteRange:
    """Read which bytes a request is about.

    Raises:
        Unsatisfiable: None of the bytes there are, or several ranges at once.
    """
    wanted = request.headers.get("range")
    if wanted is None:
        return ByteRange(0, size_bytes, is_partial=False)
    found = _RANGE.match(wanted.strip())
    if found is None or found.groups() == ("", ""):
        raise UnsatisfiableRange
    first, last = found.groups()
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(size_bytes, int(last) + 1) if first and last else size_bytes
    if start >= end:
        raise UnsatisfiableRange
    return ByteRange(start, end, is_partial=True)


def refuse_range(size_bytes: int) -> Response:
    """Answer a range that cannot be given."""
    return Response(status_code=416, headers={"Content-Range": f"bytes */{size_bytes}"})


async def send_range(
    chunks: AsyncIterator[bytes],
    wanted: ByteRange,
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
    length = wanted.end - wanted.start
    sized = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(length)}
    if wanted.is_partial:
        sized["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size_bytes}"
    if not length:
        return Response(b"", 200, sized, media_type)
    first = await anext(chunks, None)
    if first is None:
        raise NotFound("the bytes are gone")
    body = _rest(first, chunks)
    return StreamingResponse(body, 206 if wanted.is_partial else 200, sized, media_type)


async def _rest(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
