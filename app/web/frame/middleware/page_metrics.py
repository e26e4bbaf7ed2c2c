"""Measures and traces pages by their route; `api/metrics.py` registers the metrics for `/metrics`.

A route is named by its pattern, such as `/projects/{project_id}`, so that no id becomes a label.
What is sent as a file (video, pictures, downloads, static files) is counted, and its time is left
out: it would be the time of the reader's line. A page mostly fits into the buffers of a connection.
"""

from contextlib import AbstractContextManager
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import tracing
from app.core.clock import monotonic_s

_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNKNOWN: Final = "unknown"
"""The route of requests whose address no page has."""
_STATIC: Final = "/static/"
_UNTRACED: Final = ("/static/", "/health/", "/metrics")
_FAILED: Final = 500
_PAGES: Final = ("text/html", "application/json")


class PageMetrics:
    """The counters of the pages of one process."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._page_s: Final = Histogram(
            "playhead_page_seconds",
            "Time from the head of a request to the last byte of a page, by route.",
            ["route"],
            buckets=_BOUNDS_S,
            registry=None,
        )
        self._requests: Final = Counter(
            "playhead_page_requests",
            "Requests for pages and files, by route and status.",
            ["route", "status"],
            registry=None,
        )

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """All metrics, to be registered."""
        return self._page_s, self._requests

    def count_answer(self, route: str, status: int, took_s: float, *, is_page: bool) -> None:
        """Count an answer that is complete, or was given up."""
        self._requests.labels(route, str(status)).inc()
        if is_page:
            self._page_s.labels(route).observe(took_s)


class MeasurePages:
    """ASGI middleware directly around the application, so that it learns which route answered."""

    def __init__(self, app: ASGIApp, metrics: PageMetrics) -> None:
        """Measure an application."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = monotonic_s()
        status, is_page = _FAILED, True

        async def send_and_note(message: Message) -> None:
            nonlocal status, is_page
            if message["type"] == "http.response.start":
                status = message["status"]
                kind = Headers(raw=message["headers"]).get("content-type", _PAGES[0])
                is_page = kind.startswith(_PAGES)
            await send(message)

        try:
            with _open_span(scope) as span:
                try:
                    await self._app(scope, receive, send_and_note)
                finally:
                    _describe_span(span, scope, status)
        finally:
            took_s = monotonic_s() - began_s
            self._metrics.count_answer(_name_route(scope), status, took_s, is_page=is_page)


def _open_span(scope: Scope) -> AbstractContextManager[tracing.OpenSpan]:
    """Open the span of a request, except of those that monitors and browsers repeat for ever.

    A span that the request names as its parent is not taken up: anybody could name one.
    """
    return tracing.span("request", role="server", is_left_out=scope["path"].startswith(_UNTRACED))


def _describe_span(span: tracing.OpenSpan, scope: Scope, status: int) -> None:
    """Name a span by its route; the address itself holds ids, and in a sign-in link a secret."""
    method, route = scope["method"], _name_route(scope)
    span.rename(f"{method} {route}")
    span.set_values(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
    )


def _name_route(scope: Scope) -> str:
    """Return the pattern of the route that answered."""
    if scope["path"].startswith(_STATIC):
        return _STATIC  # a mount, which FastAPI does not name
    return getattr(scope.get("route"), "path", "") or _UNKNOWN
