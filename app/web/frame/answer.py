"""Makes the answers of pages: HTML in its frame, and the way on after a form."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from app.core import log
from app.core.errors import TooManyAttempts
from app.web.frame import access
from app.web.frame.alerts import visitor_alerts
from app.web.frame.rendering.chrome import Chrome, Notice, read_theme
from app.web.frame.rendering.page_compression import PageCompressor
from app.web.frame.rendering.renderer import Later
from app.web.frame.services import services_of
from app.web.words import phrases

_log = log.get_logger("web.answer")

_NOTICES: Final = {
    "replay-deleted": Notice("The replay is deleted."),
    "issue-resolved": Notice("The issue is resolved. An event of a later release opens it again."),
    "issue-ignored": Notice("The issue is ignored: it counts on, and stays out of the list."),
    "issue-open": Notice("The issue is open again."),
    "issue-deleted": Notice("The issue is deleted, with its events and their files."),
    "password-saved": Notice("The password is saved. All other sign-ins have ended."),
    "sign-in-ended": Notice("That sign-in has ended."),
    "project-made": Notice("The project is ready: point an app at its DSN."),
    "project-renamed": Notice("The project has its new name."),
    "member-set": Notice("The role is saved."),
    "invited": Notice("The invitation waits on the page of projects of whoever has this address."),
    "invitation-withdrawn": Notice("The invitation is withdrawn."),
    "invitation-accepted": Notice("You are a member of the project now."),
    "invitation-declined": Notice("The invitation is declined."),
    "member-removed": Notice("They are no member any more."),
    "name-saved": Notice("The name is saved."),
    "storage-limited": Notice("The limit of storage is saved."),
}
"""Words about what a form did, by the code that the next address carries."""
_REPLAY_NOTICES: Final = {"replays-deleted": "deleted", "marked-seen": "marked as seen"}
"""What a form did to as many replays as the next address says."""
_COUNT_DIGITS: Final = 4
_NOTICE_PAIRS: Final = ("done=", "count=")


async def render_page(
    request: Request, template: str, value: object, *, status: int = 200
) -> HTMLResponse:
    """Render a page in its frame, away from the event loop."""
    visitor = access.known_visitor(request)
    chrome = replace(
        build_chrome(request), alerts=await visitor_alerts.find_alerts(request, visitor)
    )
    html = await asyncio.to_thread(
        services_of(request).renderer.page, template, value, chrome=chrome
    )
    return HTMLResponse(html, status)


async def stream_page(
    request: Request, template: str, first: object, rest: AsyncIterator[object]
) -> Response:
    """Send the head of a page before the rest of it is found.

    The status is told with the head, so what can end otherwise must be asked before.

    Args:
        request: What is answered.
        template: One that is cut by `flush`, as often as `rest` yields.
        first: The value of the page as far as its first piece needs it.
        rest: Finds the value that the next piece needs, one by one; the last one is the whole.
    """
    visitor = access.known_visitor(request)
    chrome = replace(
        build_chrome(request), alerts=await visitor_alerts.find_alerts(request, visitor)
    )
    value, renderer = Later(first), services_of(request).renderer
    pieces = renderer.pieces(template, value, chrome=chrome)
    policy = renderer.inlined.policy
    headers = {"Vary": "Accept-Encoding", "Content-Security-Policy": policy}
    packer = None
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        packer = PageCompressor(renderer.ready)

    async def fills() -> AsyncIterator[Iterator[str]]:
        yield pieces
        async for found in rest:
            value.become(found)
            yield pieces

    return StreamingResponse(
        _pieces(request, fills(), packer), media_type="text/html", headers=headers
    )


async def _pieces(
    request: Request, fills: AsyncIterator[Iterator[str]], packer: PageCompressor | None
) -> AsyncIterator[bytes]:
    """Yield the head at once and each piece when its value is there, as the browser takes it."""

    def pack(piece: Iterator[str]) -> bytes:
        data = next(piece).encode()
        return packer.add(data) if packer else data

    try:
        async for pieces in fills:
            yield await asyncio.to_thread(pack, pieces)
    except Exception as error:  # noqa: BLE001 - the status is sent; only the page itself can tell
        _log.error("page_unfinished", path=request.url.path, exc_info=error)
        yield pack(iter([services_of(request).renderer.unfinished()]))
    if packer:
        yield packer.end()


def build_chrome(request: Request) -> Chrome:
    """Return what stands around the page of a request."""
    visitor = access.known_visitor(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return Chrome(
        person_name=visitor.person.name if visitor else None,
        path=f"{request.url.path}{query}",
        theme=read_theme(request.cookies.get("theme")),
        notice=_find_notice(request.query_params),
    )


def add_retry_after[Answer: Response](response: Answer, error: Exception) -> Answer:
    """Tell a program when it is worth a new try, if a limit is why it was refused."""
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.wait_s)
    return response


def redirect(path: str, *, done: str | None = None, count: int | None = None) -> RedirectResponse:
    """Send the browser on after a form.

    Args:
        path: Where to; it may carry the notice of an earlier form, which is left out.
        done: Code of the notice that the next page shows.
        count: Number in that notice.
    """
    place, hash_mark, fragment = path.partition("#")
    page_path, _, query = place.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith(_NOTICE_PAIRS)]
    if done:
        pairs.append(f"done={done}")
    if count is not None:
        pairs.append(f"count={count}")
    mark = "?" if pairs else ""
    return RedirectResponse(f"{page_path}{mark}{'&'.join(pairs)}{hash_mark}{fragment}", 303)


def _find_notice(parameters: QueryParams) -> Notice | None:
    """Find the notice that an address asks for."""
    done, count = parameters.get("done", ""), parameters.get("count", "")
    if done not in _REPLAY_NOTICES:
        return _NOTICES.get(done)
    is_number = count.isascii() and count.isdecimal() and len(count) <= _COUNT_DIGITS
    replays = phrases.count(int(count), "replay") if is_number else "Replays"
    return Notice(f"{replays} {_REPLAY_NOTICES[done]}.")
