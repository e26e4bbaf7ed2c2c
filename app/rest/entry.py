"""Leads requests below `/api/0/` to the REST API, and all others to the pages.

The guard of the pages is not around it: that refuses every form that no page of ours has sent. Here
a token in a header says who asks, which no browser sends by itself.
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.rest.answers import write_detail

_PREFIX: Final = b"/api/0"
_MOST_REQUESTS: Final = 64
"""Requests that a process answers at once: an upload has up to four, and may be slow.
`rates.MOST_OF_A_TOKEN` keeps one token from taking them all."""
_RETRY: Final = {"Retry-After": "2"}
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS: Final = "max-age=31536000"


class RestEntry:
    """ASGI application before the pages."""

    def __init__(self, rest: ASGIApp, pages: ASGIApp, *, is_https: bool) -> None:
        """Join two applications.

        Args:
            rest: The REST API.
            pages: The application that answers all other requests.
            is_https: True if the public address begins with https.
        """
        self._rest = rest
        self._pages = pages
        self._is_https = is_https
        self._open_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        raw_path = _read_raw_path(scope)
        if raw_path is None:
            await self._pages(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._is_https:
                    headers.setdefault("Strict-Transport-Security", _HSTS)
            await send(message)

        # Routes see the path as it was sent, always with a slash at its end.
        path = raw_path if raw_path.endswith("/") else f"{raw_path}/"
        await self._answer({**scope, "path": path}, receive, send_with_headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open_requests >= _MOST_REQUESTS:
            busy = write_detail("Too many requests at once. Try again.", status=503, headers=_RETRY)
            await busy(scope, receive, send)
            return
        self._open_requests += 1
        try:
            await self._rest(scope, receive, send)
        finally:
            self._open_requests -= 1


def _read_raw_path(scope: Scope) -> str | None:
    """Return the path of a request to the REST API as it was sent; None for any other request."""
    if scope["type"] != "http":
        return None
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    if raw_path != _PREFIX and not raw_path.startswith(_PREFIX + b"/"):
        return None
    return raw_path.decode("ascii", "backslashreplace")
