"""Reads the bodies of requests and writes answers, as Sentry's clients want them.

Every answer has `Content-Type: application/json`: without it sentry-cli says "not a JSON response".
An error is `{"detail": "a sentence"}`, which sentry-cli prints.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import InvalidInput, MalformedInput, OversizedForm
from app.formats import jsonish

MOST_BODY_BYTES: Final = 4 * 1024 * 1024
"""A release with 1,000 commits and their files has about 1 MB."""

_BODY_S: Final = 30.0
"""The longest time in which a body comes: who sends it a byte at a time must not hold a place."""


def write_json(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an answer from a JSON value."""
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def write_detail(detail: str, *, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Make the answer to a request that fails, with a sentence for the person who reads the log."""
    return write_json({"detail": detail}, status=status, headers=headers)


def write_time(moment: datetime | None) -> str | None:
    """Write a time as Sentry does: `2026-01-31T12:00:00.000000Z`; clients refuse `+00:00`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def read_json(request: Request, *, most_bytes: int = MOST_BODY_BYTES) -> Any:
    """Read the body of a request as JSON.

    Args:
        request: The request.
        most_bytes: The most bytes that the body may have.

    Raises:
        OversizedForm: It is longer; the rest is not read.
        OversizedInput: It has too many values.
        MalformedInput: It is not JSON, or nested too deeply, or has not come in time.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise OversizedForm(f"the body has more than {most_bytes} bytes")
    except TimeoutError:
        raise MalformedInput(f"the body has not come within {_BODY_S:.0f} s") from None
    return jsonish.decode(body, "the body")


async def read_json_object(
    request: Request, *, most_bytes: int = MOST_BODY_BYTES
) -> dict[str, Any]:
    """Read the body of a request as a JSON object; raises as `read_json` does."""
    value = await read_json(request, most_bytes=most_bytes)
    if not isinstance(value, dict):
        raise InvalidInput("the body must be a JSON object")
    return value
