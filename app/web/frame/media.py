"""What every answer with pictures or video carries, and who may embed it."""

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
    """Keep other sites from showing a video by a visitor's cookie.

    Raises:
        PermissionDenied: Another site asks.
    """
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise PermissionDenied("another site asks for this video")
