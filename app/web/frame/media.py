"""The headers of answers with pictures or video, and who may embed them."""

from typing import Final

from starlette.requests import Request

from app.core.errors import PermissionDenied

MEDIA_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def refuse_other_sites(request: Request) -> None:
    """Make sure that no other site shows a video with a visitor's cookie.

    Raises:
        PermissionDenied: Another site asks.
    """
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise PermissionDenied("another site asks for this video")
