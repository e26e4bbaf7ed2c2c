"""The list of replays, and the way from a replay's id alone to its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.model import Person
from app.core import clock, ids
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, ReplayId
from app.demo import names
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.playback import replay_search as playback
from app.playback.replay_search import ListedReplay, ReplaySearch
from app.projects import queries as projects
from app.projects.model import Project
from app.replays import pictures, queries as replays, query_language as search
from app.replays.list_queries import Order, Place, place_at, place_of
from app.replays.model import ReplayKey
from app.replays.pictures import ReplayPictures
from app.replays.query_language import Conjunction
from app.web.frame import access, answer, cursors, dsn
from app.web.frame.rendering.state_pages import StatePage
from app.web.frame.services import services_of
from app.web.replays.page import AwaitedReplay, NewReplays, ReplayListPage, search_reach
from app.web.replays.search_bar import Asking, bar, read_order
from app.web.urls import list_urls, project_urls, replay_urls
from app.web.words import replay_rows
from app.web.words.lists import ProjectOption
from app.web.words.phrases import sentence

router = APIRouter()

PAGE_ROWS: Final = 50
_STORED_LATE: Final = timedelta(minutes=2)
"""So much later than it was received a replay may be stored, when much is waiting."""


class Wanted(BaseModel):
    """What the address of the list asks for."""

    project: str = ""
    query: str = ""
    sort: str = ""
    after: str = ""
    before: str = ""
    since: str = ""
    """Place in the list, newest first, from which on new replays are asked for."""
    awaited: str = ""
    """Project and id of a replay that the list waits for: `318/0af7…`."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of replays, and whether there are more in either direction."""

    hits: Sequence[ListedReplay]
    has_back: bool
    has_next: bool
    looked_to: Place | None = None


@router.get("/")
async def start() -> RedirectResponse:
    """Lead from the bare address to the list."""
    return answer.redirect(list_urls.REPLAYS)


@router.get(list_urls.REPLAYS)
async def show_list(
    request: Request, visitor: access.CurrentVisitor, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Show a page of replays."""
    async with services_of(request).db.reading() as connection:
        listed = await memberships.list_projects(connection, visitor.person)
        selected = _selected(listed, wanted.project)
        asking = Asking(
            selected.id if selected else None, wanted.query.strip(), read_order(wanted.sort)
        )
        frame = await _frame(connection, visitor.person, listed, selected)
        frame = replace(frame, awaited=await _awaited(connection, listed, wanted.awaited))
        frame = await _with_hint(connection, request, frame, listed, selected)
        try:
            query = search.read_query(asking.text)
            asked = _asked(visitor.person, listed, asking, query)
            found = await _find(connection, asked, wanted)
            small = await pictures.read_pictures(connection, [hit.replay.key for hit in found.hits])
        except InvalidInput as error:
            problem = sentence(str(error))
            page = replace(frame, state="problem", search=bar(asking, None, problem=problem))
            return await answer.render_page(request, "replays/page.html", page, status=error.status)
    by_id = {one.id: one.name for one in listed}
    page = _page(frame, asking, query, found, names=by_id, small=small)
    return await answer.render_page(request, "replays/page.html", page)


@router.get(list_urls.NEW_REPLAYS)
async def send_new(
    request: Request, visitor: access.CurrentVisitor, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Name the replays that match, and came since a place in the list; the newest first.

    Raises:
        InvalidInput: The query or the place cannot be understood.
    """
    query, since = search.read_query(wanted.query.strip()), cursors.read(wanted.since)
    async with services_of(request).db.reading() as connection:
        listed = await memberships.list_projects(connection, visitor.person)
        selected = _selected(listed, wanted.project)
        asking = Asking(selected.id if selected else None, wanted.query)
        asked = _asked(visitor.person, listed, asking, query)
        newer = replace(asked, after=since, is_backward=True)
        found = await playback.search_replays(connection, newer, limit=PAGE_ROWS, now=clock.now())
    keys = [hit.replay.key for hit in reversed(found.hits)]
    values = [f"{key.project_id}/{key.replay_id}" for key in keys]
    body = msgspec.json.encode({"replays": values, "has_more": found.has_more})
    return Response(body, 200, {"Cache-Control": "private, no-store"}, "application/json")


@router.get("/replays/{replay_id}")
async def find_replay(
    request: Request, visitor: access.CurrentVisitor, replay_id: str, t: str = ""
) -> Response:
    """Lead from a replay's id to its page in the project that holds it."""
    wanted = access.read_replay_id(replay_id)
    async with services_of(request).db.reading() as connection:
        project_ids = await memberships.list_project_ids(connection, visitor.person)
        keys = await replays.find_replays_with_id(connection, wanted, project_ids)
    if not keys:
        page = StatePage("not_found", wanted, list_urls.REPLAYS)
        return await answer.render_page(request, "state/replay.html", page, status=404)
    href = replay_urls.replay(keys[0].project_id, wanted)
    return RedirectResponse(f"{href}?t={t}" if t.replace(".", "").isdecimal() else href, 303)


def _selected(listed: Sequence[Project], wanted: str) -> Project | None:
    """Find the project to filter by.

    Raises:
        NotFound: The person has no such project.
    """
    if not wanted:
        return None
    for one in listed:
        if str(one.id) == wanted:
            return one
    raise NotFound("no such project")


def _asked(
    person: Person, listed: Sequence[Project], asking: Asking, query: Conjunction
) -> ReplaySearch:
    readable = tuple(one.id for one in listed)
    searched = (asking.project_id,) if asking.project_id is not None else readable
    return ReplaySearch(person.id, readable, searched, query, asking.order)


async def _find(connection: AsyncConnection, asked: ReplaySearch, wanted: Wanted) -> _Page:
    """Read a page; one towards the beginning that is not full is the first page."""
    now = clock.now()
    after, before = cursors.read(wanted.after), cursors.read(wanted.before)
    if before is not None:
        back = replace(asked, after=before, is_backward=True)
        found = await playback.search_replays(connection, back, limit=PAGE_ROWS, now=now)
        if len(found.hits) >= PAGE_ROWS:
            return _Page(found.hits[::-1], has_back=found.has_more, has_next=True)
        after = None
    found = await playback.search_replays(
        connection, replace(asked, after=after), limit=PAGE_ROWS, now=now
    )
    return _Page(found.hits, after is not None, found.has_more, found.looked_to)


async def _with_hint(
    connection: AsyncConnection,
    request: Request,
    frame: ReplayListPage,
    listed: Sequence[Project],
    selected: Project | None,
) -> ReplayListPage:
    """Say which project to set up while nothing has arrived, and its DSN.

    The projects that the demo made come last: nobody sends an app of their own to them.
    """
    own = [one for one in listed if one.name not in {names.APP, names.BACKEND}]
    project = selected or next(iter([*own, *listed]), None)
    if project is None:
        return frame
    keys = await projects.keys_of(connection, project.id)
    return replace(
        frame,
        setup_href=project_urls.set_up(project.id),
        dsn=dsn.write_first_dsn(services_of(request), keys),
        dsn_project=project.name if len(listed) > 1 else None,
    )


async def _awaited(
    connection: AsyncConnection, listed: Sequence[Project], wanted: str
) -> AwaitedReplay | None:
    """Look for the replay that the address waits for; None if it names none of a project."""
    project_text, _, id_text = wanted.partition("/")
    project = next((one for one in listed if str(one.id) == project_text), None)
    found = ids.read_hex32(id_text)
    if project is None or found is None:
        return None
    key = ReplayKey(project.id, ReplayId(found))
    return AwaitedReplay(
        value=f"{key.project_id}/{key.replay_id}",
        href=replay_urls.replay(key.project_id, key.replay_id),
        has_arrived=await replays.find_replay(connection, key) is not None,
    )


async def _frame(
    connection: AsyncConnection,
    person: Person,
    listed: Sequence[Project],
    selected: Project | None,
) -> ReplayListPage:
    """Describe what stands around the rows, whatever is found."""
    options = tuple(ProjectOption(one.id, one.name, one == selected) for one in listed)
    erasable = set(await memberships.list_project_ids(connection, person, role=Role.MEMBER))
    return ReplayListPage(
        state="empty",
        rows=(),
        projects=options,
        selected=next((option for option in options if option.is_selected), None),
        demo_href=project_urls.PLAY_DEMO if person.is_admin else None,
        may_delete=bool(erasable & ({selected.id} if selected else {one.id for one in listed})),
    )


def _page(
    frame: ReplayListPage,
    asking: Asking,
    query: Conjunction,
    found: _Page,
    *,
    names: Mapping[ProjectId, str],
    small: Mapping[ReplayKey, ReplayPictures],
) -> ReplayListPage:
    now = clock.now()
    shown = tuple(
        replay_rows.replay_row(
            hit, project_names=names, now=now, pictures=small.get(hit.replay.key)
        )
        for hit in found.hits
    )
    is_filtered = bool(query.parts) or frame.selected is not None or found.has_back
    is_all = not (found.has_back or found.has_next or found.looked_to)
    first, last = (found.hits[0], found.hits[-1]) if found.hits else (None, None)
    return replace(
        frame,
        news=None if found.has_back else _news(asking, found, now),
        state="rows" if shown else "nothing_matches" if is_filtered else "empty",
        rows=shown,
        total=len(shown) if is_all else None,
        search=bar(asking, query),
        back_href=_turn(asking, first, "before") if found.has_back else None,
        next_href=_turn(asking, last, "after") if found.has_next else None,
        further_href=(
            asking.href(after=cursors.write(found.looked_to)) if found.looked_to else None
        ),
        reach=search_reach(found.looked_to, asking.order) if found.looked_to else None,
    )


def _news(asking: Asking, found: _Page, now: datetime) -> NewReplays:
    """Describe how the first page of a list learns of what comes later.

    A replay gets its place in the list when it is received, and is stored a moment later. So
    those of the last minutes are asked for, and the page leaves out which of them it shows.
    """
    is_newest_first = asking.order is Order.NEWEST
    since = place_at(now - _STORED_LATE, "0" * 32)
    if is_newest_first and len(found.hits) >= PAGE_ROWS:
        # Further down there may be rows of the last minutes that this page does not show.
        last = place_of(found.hits[-1].replay, asking.order)
        since = max(since, last, key=lambda place: (place.value_us, place.item_id))
    return NewReplays(
        href=list_urls.new_replays(
            asking.project_id, query=asking.text, since=cursors.write(since)
        ),
        show_href=replace(asking, order=Order.NEWEST).href(),
        are_on_top=is_newest_first,
    )


def _turn(asking: Asking, hit: ListedReplay | None, way: str) -> str | None:
    """Return the address of the page before or after a row."""
    if hit is None:
        return None
    return asking.href(**{way: cursors.write(place_of(hit.replay, asking.order))})
