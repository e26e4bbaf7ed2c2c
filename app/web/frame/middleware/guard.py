"""Stands before every page: refuses what another site makes a browser send, adds the headers.

An unsafe method must come from our own pages. The browser says so in `Sec-Fetch-Site`; where that
is absent (plain http, old browsers) `Origin` must be our own; with neither, the answer is no. Where
the public address is set, `Origin` must name it whenever it is there: `Host` is what a stranger's
name that leads to this server makes of it.

Source: OWASP ASVS 5.0, 3.4 and 3.5; Fetch Metadata Request Headers (W3C).
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.frame.middleware.proxies import ProxyWatch

REPORTS: Final = "/csp-report"
"""Takes POSTs that browsers send on their own; it changes nothing."""


def write_policy(script: str = "", style: str = "") -> str:
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
    "Content-Security-Policy": write_policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), payment=(), usb=()",
}
_SAME_ORIGIN: Final = "same-origin"
_PORTS: Final = {"http": 80, "https": 443}
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_HSTS: Final = "max-age=31536000"
_FIRST_FAILURE: Final = 400


class Guard:
    """ASGI middleware around the pages."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_url: str = "",
        is_only_origin: bool = False,
        proxies: ProxyWatch | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: The pages.
            base_url: The public address; https there turns HSTS on.
            is_only_origin: Whether forms come from pages of the public address alone; else also
                from pages of the host that was asked.
            proxies: What looks out for proxies that are not trusted.
        """
        self._app = app
        self._is_https = base_url.startswith("https://")
        self._origin = _read_origin(base_url)
        self._is_only_origin = is_only_origin
        self._proxies = proxies or ProxyWatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        self._proxies.look_at(scope, headers)
        is_https = scope.get("scheme") == "https" or self._is_https

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                add_headers(own, scope["path"], message["status"], is_https=is_https)
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
        else:
            await refusal(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is not taken; None for one that is."""
        hosts = len(headers.getlist("host"))
        if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
            return PlainTextResponse("A request names one host.\n", 400)
        # No text in Postgres has one, and no page has an address with one.
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return PlainTextResponse("An address has no NUL character.\n", 400)
        if scope["method"] in _SAFE or scope["path"] == REPORTS or self._is_welcome(headers):
            return None
        return PlainTextResponse("This request does not come from a page of ours.\n", 403)

    def _is_welcome(self, headers: Headers) -> bool:
        """Tell whether an unsafe request comes from a page of ours."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site != _SAME_ORIGIN:
            return False
        if site == _SAME_ORIGIN and (origin is None or not self._is_only_origin):
            return True
        return self._is_own(origin, host=headers.get("host"))

    def _is_own(self, origin: str | None, *, host: str | None) -> bool:
        """Tell whether an origin is ours: the public address, or the host that was asked."""
        found = _read_origin(origin or "")
        if found is None:
            return False
        if found == self._origin:
            return True
        return not self._is_only_origin and found == _read_origin(f"{found[0]}://{host}")


def _read_origin(url: str) -> tuple[str, str, int] | None:
    """Return the scheme, host and port of an address; None if it is not of the web."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port


def add_headers(headers: MutableHeaders, path: str, status: int, *, is_https: bool) -> None:
    """Add what every answer carries; an answer's own, stricter headers stay."""
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    is_lasting = path.startswith(_STATIC) and status < _FIRST_FAILURE
    headers.setdefault("Cache-Control", _FOR_EVER if is_lasting else "no-store")
    if is_https:
        headers.setdefault("Strict-Transport-Security", _HSTS)
