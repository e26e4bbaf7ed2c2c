"""Pages of lists: `per_page` and `cursor` in, the header `Link` out, as Sentry's clients read it.

    Link: <URL?cursor=0:100:0>; rel="next"; results="true"; cursor="0:100:0"

A cursor is `0:<row>:<1 if backwards>`. Every list has the header, since some clients fail without.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request

from app.core.errors import InvalidInput
from app.rest.services import services_of

_CURSOR: Final = re.compile(r"\d{1,4}:(\d{1,7}):[01]\Z")
_MOST_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class RequestedRows:
    """The rows of a list that a request asks for."""

    first: int
    limit: int


def read_page(request: Request) -> RequestedRows:
    """Read which rows a request asks for; an empty cursor is the first page, as sentry-cli has it.

    Raises:
        InvalidInput: The cursor was not made here.
    """
    cursor = request.query_params.get("cursor", "")
    match = _CURSOR.match(cursor)
    if cursor and not match:
        raise InvalidInput("the cursor leads to no place in this list")
    wanted = request.query_params.get("per_page") or request.query_params.get("limit") or ""
    limit = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 8 else 0  # noqa: PLR2004 - longer numbers are capped all the same
    return RequestedRows(int(match[1]) if match else 0, min(limit or _MOST_ROWS, _MOST_ROWS))


def write_link(request: Request, page: RequestedRows, *, has_more: bool) -> dict[str, str]:
    """Write the header `Link` of a list.

    Args:
        request: The request, whose other parameters stay in the addresses.
        page: The rows that it asked for.
        has_more: True if the list goes on after them.
    """
    before = max(page.first - page.limit, 0)
    places = (
        ("previous", f"0:{before}:1", page.first > 0),
        ("next", f"0:{page.first + page.limit}:0", has_more),
    )
    address = f"{services_of(request).settings.base_url}{request.scope['path']}"
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "cursor"]
    return {
        "Link": ", ".join(
            f'<{address}?{urlencode([*kept, ("cursor", cursor)])}>; rel="{rel}"; '
            f'results="{"true" if has_results else "false"}"; cursor="{cursor}"'
            for rel, cursor, has_results in places
        )
    }
