"""The list of replays, and the way from a replay's id alone to its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.accounts.model import Person
from app.core import clock
from app.core.errors import NotFound
from app.core.ids import ProjectId
from app.playback import links
from app.projects import queries as projects
from app.projects.model import Project
from app.replays import queries as replays
from app.replays.model import Replay
from app.web import access, answer, cursors, dsn, house
from app.web.view import hrefs, rows
from app.web.view.replay_list import ProjectOption, ReplayListPage
from app.web.view.states import StatePage

router = APIRouter()

PAGE_ROWS: Final = 50
_DEMO: Final = "/demo"


@dataclass(frozen=True, slots=True)
class _Found:
    """A page of replays, and whether there are more in either direction."""

    replays: Sequence[Replay]
    has_newer: bool
    has_older: bool


@router.get("/")
async def start() -> RedirectResponse:
    """Lead from the bare address to the list."""
    return answer.go(hrefs.REPLAYS)


@router.get(hrefs.REPLAYS)
async def show_list(
    request: Request,
    visitor: access.SomebodyHere,
    project: str = "",
    after: str = "",
    before: str = "",
) -> Response:
    """Show a page of replays, newest first."""
    async with house.of(request).db.reading() as connection:
        listed = await projects.projects_of(connection, visitor.person)
        selected = _selected(listed, project)
        searched = [selected.id] if selected else [one.id for one in listed]
        found = await _find(connection, searched, after=after, before=before)
        seen = [one.id for one in listed]
        counts = await links.counts_of(connection, found.replays, seen)
        hint = await _hint(connection, request, listed if selected is None else [selected])
    page = _page(visitor.person, listed, selected, found=found, counts=counts, hint=hint)
    return await answer.page(request, "replays/page.html", page)


@router.get("/replays/{replay_id}")
async def find_replay(
    request: Request, visitor: access.SomebodyHere, replay_id: str, t: str = ""
) -> Response:
    """Lead from a replay's id to its page in the project that holds it."""
    wanted = access.read_replay_id(replay_id)
    async with house.of(request).db.reading() as connection:
        project_ids = await projects.project_ids_of(connection, visitor.person)
        keys = await replays.with_id(connection, wanted, project_ids)
    if not keys:
        page = StatePage("not_found", wanted, hrefs.REPLAYS)
        return await answer.page(request, "state/replay.html", page, status=404)
    href = hrefs.replay(keys[0].project_id, wanted)
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


async def _find(
    connection: AsyncConnection, project_ids: Sequence[ProjectId], *, after: str, before: str
) -> _Found:
    """Read one replay more than a page shows, to know whether there is another page."""
    most = PAGE_ROWS + 1
    if after:
        cursor = cursors.read(after, is_backward=True)
        newer = await replays.newest(connection, project_ids, cursor=cursor, limit=most)
        if len(newer) >= PAGE_ROWS:
            return _Found(newer[-PAGE_ROWS:], len(newer) > PAGE_ROWS, has_older=True)
    # A page towards newer replays that is not full is the first page.
    cursor_before = cursors.read(before, is_backward=False) if before and not after else None
    found = await replays.newest(connection, project_ids, cursor=cursor_before, limit=most)
    return _Found(found[:PAGE_ROWS], cursor_before is not None, len(found) > PAGE_ROWS)


async def _hint(
    connection: AsyncConnection, request: Request, listed: Sequence[Project]
) -> str | None:
    """Return the DSN to show while nothing has arrived: that of the only project."""
    if len(listed) != 1:
        return None
    keys = await projects.keys_of(connection, listed[0].id)
    return dsn.first(house.of(request), keys)


def _page(
    person: Person,
    listed: Sequence[Project],
    selected: Project | None,
    *,
    found: _Found,
    counts: Sequence[links.ErrorCounts],
    hint: str | None,
) -> ReplayListPage:
    names = {one.id: one.name for one in listed}
    now = clock.now()
    shown = tuple(
        rows.replay_row(replay, one, project_names=names, now=now)
        for replay, one in zip(found.replays, counts, strict=True)
    )
    options = tuple(ProjectOption(one.id, one.name, one == selected) for one in listed)
    setup = selected or (listed[0] if listed else None)
    is_filtered = selected is not None or found.has_newer
    return ReplayListPage(
        state="rows" if shown else "nothing_matches" if is_filtered else "empty",
        rows=shown,
        projects=options,
        selected=next((option for option in options if option.is_selected), None),
        newer_href=_turn(found, selected, newer=True),
        older_href=_turn(found, selected, newer=False),
        demo_href=_DEMO if person.is_admin else None,
        dsn=hint,
        setup_href=f"{hrefs.project(setup.id)}#set-up" if setup else None,
    )


def _turn(found: _Found, selected: Project | None, *, newer: bool) -> str | None:
    """Return the address of the next page in one direction, if there is one."""
    if not found.replays or not (found.has_newer if newer else found.has_older):
        return None
    project_id = selected.id if selected else None
    if newer:
        return hrefs.replays(project_id, after=cursors.write(found.replays[0]))
    return hrefs.replays(project_id, before=cursors.write(found.replays[-1]))
