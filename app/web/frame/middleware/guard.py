"""Guards every page: refuses requests that other sites make, and adds security headers.

An unsafe method must come from our own pages. The browser says so in `Sec-Fetch-Site`; where that
is absent (plain http, old browsers) `Origin` must be our own; with neither, the request is refused.
Where the public address is set, `Origin` must name it whenever it is sent: `Host` holds whatever
name leads to this server, and strangers may own such a name.

Source: OWASP ASVS 5.0, 3.4 and 3.5; Fetch Metadata Request Headers (W3C).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.frame.middleware.proxies import ProxyMonitor
from app.web.urls.share_urls import SHARES

REPORTS: Final = "/csp-report"
"""Takes POSTs that browsers send by themselves; it changes nothing."""


def write_policy(script: str = "", style: str = "") -> str:
    """Write a Content-Security-Policy.

    Args:
        script: A blank and the hash of the one script that may stand in the page; empty for none.
        style: The same for its one style sheet.
    """
    return (
        f"default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self'; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "report-uri /csp-report"
    )


def allow_frames(policy: str, origins: Sequence[str]) -> str:
    """Return a policy that lets some sites show the page in a frame.

    Args:
        policy: The policy that `write_policy` returns.
        origins: The sites, such as `https://wiki.example.com`; empty allows none.
    """
    return policy.replace(_NO_FRAMES, f"frame-ancestors {' '.join(origins)}") if origins else policy


_NO_FRAMES: Final = "frame-ancestors 'none'"
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
        proxies: ProxyMonitor | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            app: The pages.
            base_url: The public address; https there turns HSTS on.
            is_only_origin: True if forms must come from pages of the public address; otherwise
                they may also come from pages of the host that was asked.
            proxies: Notices proxies that are not trusted.
        """
        self._app = app
        self._is_https = base_url.startswith("https://")
        self._origin = _read_origin(base_url)
        self._is_only_origin = is_only_origin
        self._proxies = proxies or ProxyMonitor()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        self._proxies.check_request(scope, headers)
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
        """Return the answer to a request that is refused; None if it is not."""
        hosts = len(headers.getlist("host"))
        if hosts > 1 or (hosts == 0 and scope["http_version"] != "1.0"):
            return PlainTextResponse("A request must name one host.\n", 400)
        # Postgres stores no text with a NUL character, and no page has one in its address.
        if "\0" in scope["path"] or b"%00" in scope.get("query_string", b""):
            return PlainTextResponse("An address may not have a NUL character.\n", 400)
        if (
            scope["method"] in _SAFE
            or scope["path"] == REPORTS
            or self._comes_from_own_page(headers)
        ):
            return None
        return PlainTextResponse("This request does not come from a page of this server.\n", 403)

    def _comes_from_own_page(self, headers: Headers) -> bool:
        """Tell whether an unsafe request comes from a page of this server."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None and site != _SAME_ORIGIN:
            return False
        if site == _SAME_ORIGIN and (origin is None or not self._is_only_origin):
            return True
        return self._is_own(origin, host=headers.get("host"))

    def _is_own(self, origin: str | None, *, host: str | None) -> bool:
        """Tell whether an origin is this server: the public address, or the host that was asked."""
        sender = _read_origin(origin or "")
        if sender is None:
            return False
        if sender == self._origin:
            return True
        return not self._is_only_origin and sender == _read_origin(f"{sender[0]}://{host}")


def _read_origin(url: str) -> tuple[str, str, int] | None:
    """Return the scheme, host and port of an address; None if it is not http or https."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port


def add_headers(headers: MutableHeaders, path: str, status: int, *, is_https: bool) -> None:
    """Add the headers of every answer; headers that the answer has already stay."""
    if path.startswith(SHARES):
        # The address is a secret. `Referrer-Policy` keeps it from other sites, as of every page.
        headers.setdefault("X-Robots-Tag", "noindex, nofollow, noarchive")
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    is_lasting = path.startswith(_STATIC) and status < _FIRST_FAILURE
    headers.setdefault("Cache-Control", _FOR_EVER if is_lasting else "no-store")
    if is_https:
        headers.setdefault("Strict-Transport-Security", _HSTS)
