"""Stands before every page: refuses what another site makes a browser send, adds the headers.

An unsafe method must come from our own pages. The browser says so in `Sec-Fetch-Site`; where that
is absent (plain http, old browsers) `Origin` must be our own; with neither, the answer is no.

Source: OWASP ASVS 5.0, 3.4 and 3.5; Fetch Metadata Request Headers (W3C).
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REPORTS: Final = "/csp-report"
"""Takes POSTs that browsers send on their own; it changes nothing."""


def policy(script: str = "", style: str = "") -> str:
    """Write a Content-Security-Policy.

    Args:
        script: What names the one script that may stand in the page: a blank and its hash.
        style: The same of its one style sheet.
    """
    return (
        f"default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self'; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "report-uri /csp-report"
    )


_STATIC: Final = "/static/"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), payment=(), usb=()",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_HSTS: Final = "max-age=31536000"
_FIRST_FAILURE: Final = 400


class Guard:
    """ASGI middleware around the pages."""

    def __init__(self, app: ASGIApp, *, base_url: str = "") -> None:
        """Wrap an application.

        Args:
            app: The pages.
            base_url: The public address; forms from there are ours too when a proxy changes
                `Host`, and https there turns HSTS on.
        """
        self._app = app
        self._base_url = base_url.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_https = scope.get("scheme") == "https" or self._base_url.startswith("https://")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                add_headers(headers, scope["path"], message["status"], is_https=is_https)
            await send(message)

        if self._is_welcome(scope):
            await self._app(scope, receive, send_with_headers)
        else:
            refusal = PlainTextResponse("This request does not come from a page of ours.\n", 403)
            await refusal(scope, receive, send_with_headers)

    def _is_welcome(self, scope: Scope) -> bool:
        if scope["method"] in _SAFE or scope["path"] == REPORTS:
            return True
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return self._is_own(headers.get("origin"), host=headers.get("host"))

    def _is_own(self, origin: str | None, *, host: str | None) -> bool:
        """Tell whether an origin is ours: the host that was asked, or the public address."""
        if not origin:
            return False
        if origin == self._base_url:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and bool(host) and parts.netloc == host


def add_headers(headers: MutableHeaders, path: str, status: int, *, is_https: bool) -> None:
    """Add what every answer carries; an answer's own, stricter headers stay."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    is_lasting = path.startswith(_STATIC) and status < _FIRST_FAILURE
    headers.setdefault("Cache-Control", _FOR_EVER if is_lasting else "no-store")
    if is_https:
        headers.setdefault("Strict-Transport-Security", _HSTS)
