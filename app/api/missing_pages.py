"""Answers requests for pages in a process that serves none."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from app.core.process_roles import ProcessRole

_METHODS: Final = ["GET", "HEAD", "POST"]
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def make_missing_pages_routes(roles: Sequence[ProcessRole]) -> APIRouter:
    """Make a route that answers every address with the role that is missing.

    The answer is 503, not 404: the page exists, and a proxy may ask another server for it.
    """
    message = (
        f"No pages here: this process has the roles {', '.join(roles)}, and pages need the role "
        f"{ProcessRole.PAGES}. See PLAYHEAD_ROLES.\n"
    )
    router = APIRouter(include_in_schema=False)

    @router.api_route("/{path:path}", methods=_METHODS)
    async def refuse(path: str) -> PlainTextResponse:  # noqa: ARG001 - the same for each
        """Say that pages are served by other processes."""
        return PlainTextResponse(message, status_code=503, headers=_HEADERS)

    return router
