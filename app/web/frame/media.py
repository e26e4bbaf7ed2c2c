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


_OTHER_SITES: Final = {"cross-site", "same-site"}


def refuse_other_sites(request: Request) -> None:
    """Make sure that no other site shows a picture or a video with a visitor's cookie.

    A link on another site may be followed: reports are pasted into trackers and chats, and a
    browser that opens a picture in a tab of its own shows it to the visitor alone.

    Raises:
        PermissionDenied: Another site asks.
    """
    headers = request.headers
    # Frames and objects navigate as well, with destinations of their own.
    is_opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )
    if headers.get("sec-fetch-site") in _OTHER_SITES and not is_opened:
        raise PermissionDenied("another site asks for this picture or video")
