"""Makes the answers of pages: HTML in its frame, and the way on after a form."""

import asyncio
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from app.web import access, alerts, house
from app.web.view.chrome import Chrome, Notice, read_theme

_NOTICES: Final = {
    "replay-deleted": Notice("The replay is deleted."),
    "replays-deleted": Notice("The ticked replays are deleted."),
    "marked-seen": Notice("The ticked replays are marked as seen."),
    "issue-resolved": Notice("The issue is resolved. An event of a later release opens it again."),
    "issue-ignored": Notice("The issue is ignored: it counts on, and stays out of the list."),
    "issue-open": Notice("The issue is open again."),
    "issue-deleted": Notice("The issue is deleted, with its events and their files."),
    "password-saved": Notice("The password is saved. All other sign-ins have ended."),
    "sign-in-ended": Notice("That sign-in has ended."),
    "project-made": Notice("The project is ready: point an app at its DSN."),
    "storage-limited": Notice("The limit of storage is saved."),
    "demo": Notice("The demo app is playing. Its replay appears here in a few seconds."),
}
"""Words about what a form did, by the code that the next address carries."""


async def page(
    request: Request, template: str, value: object, *, status: int = 200
) -> HTMLResponse:
    """Render a page in its frame, away from the event loop."""
    visitor = access.visitor_of(request)
    chrome = replace(frame(request), alerts=await alerts.of(request, visitor))
    html = await asyncio.to_thread(house.of(request).renderer.page, template, value, chrome=chrome)
    return HTMLResponse(html, status)


def frame(request: Request) -> Chrome:
    """Return what stands around the page of a request."""
    visitor = access.visitor_of(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return Chrome(
        person_name=visitor.person.name if visitor else None,
        path=f"{request.url.path}{query}",
        theme=read_theme(request.cookies.get("theme")),
        notice=_NOTICES.get(request.query_params.get("done", "")),
    )


def go(path: str, *, done: str | None = None) -> RedirectResponse:
    """Send the browser on after a form; `done` names the notice that the next page shows."""
    place, hash_mark, fragment = path.partition("#")
    mark = "&" if "?" in place else "?"
    query = f"{mark}done={done}" if done else ""
    return RedirectResponse(f"{place}{query}{hash_mark}{fragment}", 303)
