"""Makes the answers of pages: HTML in its frame, and the redirection after a form."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from app.core import log
from app.core.errors import TooManyAttempts
from app.web.frame import access, notices
from app.web.frame.alerts import visitor_alerts
from app.web.frame.rendering.chrome import Chrome, read_theme
from app.web.frame.rendering.page_compression import PageCompressor
from app.web.frame.rendering.renderer import ReplaceableValue
from app.web.frame.services import services_of

_logger: Final = log.get_logger("web.answer")


async def render_page(
    request: Request,
    template: str,
    value: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Render a page in its frame, away from the event loop."""
    chrome = await build_chrome(request)
    html = await asyncio.to_thread(
        services_of(request).renderer.render_page, template, value, chrome=chrome
    )
    return HTMLResponse(html, status, headers=headers)


async def stream_page(
    request: Request, template: str, first_value: object, later_values: AsyncIterator[object]
) -> Response:
    """Send the head of a page before the values of its body are read.

    The status is sent with the head, so whatever leads to another status must be checked before.

    Args:
        request: The request that is answered.
        template: A template with as many marks `flush` as `later_values` yields values.
        first_value: The value of the page with all that the first piece needs.
        later_values: Yields the values that the following pieces need; the last one is complete.
    """
    chrome = await build_chrome(request)
    value, renderer = ReplaceableValue(first_value), services_of(request).renderer
    pieces = renderer.render_pieces(template, value, chrome=chrome)
    policy = renderer.inlined.policy
    headers = {"Vary": "Accept-Encoding", "Content-Security-Policy": policy}
    compressor = None
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        compressor = PageCompressor(renderer.compressed_part)

    async def pieces_with_values() -> AsyncIterator[Iterator[str]]:
        yield pieces
        async for later_value in later_values:
            value.replace_by(later_value)
            yield pieces

    return StreamingResponse(
        _render_pieces(request, pieces_with_values(), compressor),
        media_type="text/html",
        headers=headers,
    )


async def _render_pieces(
    request: Request,
    pieces_with_values: AsyncIterator[Iterator[str]],
    compressor: PageCompressor | None,
) -> AsyncIterator[bytes]:
    """Yield the head at once and each piece when its value is there, as the browser takes it."""

    def render_next(pieces: Iterator[str]) -> bytes:
        data = next(pieces).encode()
        return compressor.add(data) if compressor else data

    try:
        async for pieces in pieces_with_values:
            yield await asyncio.to_thread(render_next, pieces)
    except Exception:
        _logger.exception("page_unfinished", path=request.url.path)
        yield render_next(iter([services_of(request).renderer.render_unfinished()]))
    if compressor:
        yield compressor.end()


async def build_chrome(request: Request) -> Chrome:
    """Return the frame around the page of a request."""
    visitor = access.known_visitor(request)
    return Chrome(
        person_name=visitor.person.name if visitor else None,
        path=write_path(request),
        theme=read_theme(request.cookies.get("theme")),
        notice=notices.find_notice(request.url.query),
        alerts=await visitor_alerts.find_alerts(request, visitor),
        is_admin=visitor is not None and visitor.person.is_admin,
    )


def write_path(request: Request) -> str:
    """Write the path of a request with its query, at which the same page is opened again."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"


def add_retry_after[Answer: Response](response: Answer, error: Exception) -> Answer:
    """Say when a new try is worth it, if a limit is why the request was refused."""
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.wait_s)
    return response


def redirect(path: str, *, done: str | None = None, count: int | None = None) -> RedirectResponse:
    """Send the browser on after a form.

    Args:
        path: The address of the next page.
        done: The code of the notice that the next page shows, one of `notices`.
        count: The number in that notice, if it has one.
    """
    return RedirectResponse(notices.add_notice(path, done, count), 303)
