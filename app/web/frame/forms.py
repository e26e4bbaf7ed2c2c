"""Reads the fields of forms, and the addresses to go to afterwards."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from app.core.errors import InvalidInput, OversizedForm
from app.web.urls import list_urls

_MOST_BYTES: Final = 64 * 1024
_MOST_FIELDS: Final = 50


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; the last value of a field that is sent twice.

    Raises:
        OversizedForm: It is over 64 KiB.
        InvalidInput: It has more than 50 fields, or a NUL character.
    """
    return dict(await read_form_pairs(request, limit=_MOST_FIELDS))


async def read_form_pairs(request: Request, *, limit: int) -> list[tuple[str, str]]:
    """Return all fields of a form, also those that are sent several times.

    Raises:
        OversizedForm: It is over 64 KiB.
        InvalidInput: It has more than `limit` fields, or a NUL character.
    """
    body = await read_body(request, most_bytes=_MOST_BYTES)
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=limit
        )
    except ValueError as error:
        raise InvalidInput(f"the form cannot be read: {error}") from error
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise InvalidInput("the form has a NUL character")
    return pairs


async def read_body(request: Request, *, most_bytes: int) -> bytes:
    """Return the body of a request.

    Raises:
        OversizedForm: It is over `most_bytes`; the rest is not read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise OversizedForm(f"the request has more than {most_bytes} bytes")
    return bytes(body)


def read_own_path(value: str | None) -> str:
    """Return a path of this server to go to, or the list of replays if it could lead elsewhere."""
    path = value or ""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    if not is_ours or "\\" in path:
        return list_urls.REPLAYS
    return path


def read_list_referer(request: Request) -> str:
    """Return the list of replays with its filters, if the visitor comes from there."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return list_urls.REPLAYS
    if parts.path != list_urls.REPLAYS or parts.netloc != request.headers.get("host"):
        return list_urls.REPLAYS
    return read_own_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
