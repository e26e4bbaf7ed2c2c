"""The list of replays, and the way from a replay's id alone to its page."""

from dataclasses import replace
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.demo import names
from app.playback import replay_list
from app.playback.replay_list import ReplayListRequest
from app.replays.search.orders import NEWEST, ORDERS, ReplayOrder
from app.web.frame import access, answer, cursors
from app.web.frame.access import Visitor
from app.web.frame.rendering.state_pages import StatePage
from app.web.frame.services import services_of
from app.web.replays import build
from app.web.replays.row_values import read_row_value, write_row_value
from app.web.replays.search_bar import ListAddress
from app.web.urls import list_urls, project_urls, replay_urls

router = APIRouter()

_DEMO_PROJECTS: Final = frozenset({names.APP, names.BACKEND})


class ListParameters(BaseModel):
    """The query of the address of the list."""

    project: str = ""
    query: str = ""
    sort: str = ""
    after: str = ""
    before: str = ""
    since: str = ""
    """Cursor in the list, newest first; new replays are those that came after it."""
    awaited: str = ""
    """Project and id of a replay that the list waits for: `318/0af7…`."""

    @property
    def order(self) -> ReplayOrder:
        """The order of the list; newest first unless the address names another."""
        return ORDERS.get(self.sort, NEWEST)


@router.get("/")
async def open_start_page() -> RedirectResponse:
    """Lead from the bare address to the list."""
    return answer.redirect(list_urls.REPLAYS)


@router.get(list_urls.REPLAYS)
async def show_list(
    request: Request, visitor: access.CurrentVisitor, parameters: Annotated[ListParameters, Query()]
) -> Response:
    """Show a page of replays."""
    services, asked = services_of(request), _read_request(visitor, parameters)
    data = await replay_list.read_replay_list(services.db, asked)
    selected_id = data.selected.id if data.selected else None
    page = build.build_list(
        data,
        ListAddress(selected_id, asked.query_text, asked.order),
        demo_href=project_urls.PLAY_DEMO if visitor.person.is_admin else None,
        services=services,
    )
    status = 400 if page.state == "problem" else 200
    return await answer.render_page(request, "replays/page.html", page, status=status)


@router.get(list_urls.NEW_REPLAYS)
async def send_new(
    request: Request, visitor: access.CurrentVisitor, parameters: Annotated[ListParameters, Query()]
) -> Response:
    """Name the replays that match and came since a place in the list, the newest first."""
    asked = replace(_read_request(visitor, parameters), order=NEWEST)
    since = cursors.read_cursor(parameters.since, NEWEST.key_types)
    recent = await replay_list.read_new_replays(services_of(request).db, asked, since=since)
    values = [write_row_value(key) for key in recent.keys]
    body = msgspec.json.encode({"replays": values, "has_more": recent.has_more})
    return Response(body, 200, {"Cache-Control": "private, no-store"}, "application/json")


@router.get("/replays/{replay_id}")
async def find_replay(
    request: Request, visitor: access.CurrentVisitor, replay_id: str, t: str = ""
) -> Response:
    """Lead from a replay's id to its page in the project that holds it."""
    read_id = access.read_replay_id(replay_id)
    key = await replay_list.find_replay_by_id(services_of(request).db, visitor.person, read_id)
    if key is None:
        page = StatePage("not_found", read_id, list_urls.REPLAYS)
        return await answer.render_page(request, "state/replay.html", page, status=404)
    href = replay_urls.replay(key.project_id, key.replay_id)
    return RedirectResponse(f"{href}?t={t}" if t.replace(".", "").isdecimal() else href, 303)


def _read_request(visitor: Visitor, parameters: ListParameters) -> ReplayListRequest:
    order = parameters.order
    return ReplayListRequest(
        visitor.person,
        parameters.project,
        parameters.query.strip(),
        order,
        cursors.read_page_request(
            order.key_types, after=parameters.after, before=parameters.before
        ),
        awaited=read_row_value(parameters.awaited),
        demo_projects=_DEMO_PROJECTS,
    )
