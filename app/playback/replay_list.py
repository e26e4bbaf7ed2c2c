"""Reads what the list of replays shows, as far as a person may see it.

projects of the person ─► the one to filter by ─┐
query ──────────────────────────────────────────┴► page of replays ─► errors, pictures
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, ReplayId
from app.db.engine import Database
from app.db.lists import ListCursor, ListPage, PageRequest, RowRun, read_page
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.playback.listed_replays import ListedReplay
from app.playback.replay_search import ReplaySearch, search_replays
from app.projects import queries as projects
from app.projects.model import Project, ProjectKey
from app.replays import pictures, queries as replays
from app.replays.model import ReplayKey
from app.replays.pictures import ReplayPictures
from app.replays.search import query_language
from app.replays.search.orders import NEWEST, ReplayOrder
from app.replays.search.query_language import Conjunction

PAGE_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class ReplayListRequest:
    """The page of the list that somebody asks for."""

    person: Person
    project: str = ""
    """Id of the project to filter by, as an address has it; empty for all."""
    query_text: str = ""
    order: ReplayOrder = NEWEST
    page: PageRequest = field(default_factory=PageRequest)
    awaited: ReplayKey | None = None
    """A replay that the person was promised, such as the demo's."""
    demo_projects: Collection[str] = ()
    """Names of the projects that the demo makes: nobody sends an app of their own to them."""


@dataclass(frozen=True, slots=True)
class SetUpHint:
    """The project to set up while no replay has arrived."""

    project: Project
    active_key: ProjectKey | None
    """The oldest key that is on; None if all are off."""


@dataclass(frozen=True, slots=True)
class ReplayListData:
    """The values that the list shows."""

    read_at: datetime
    projects: tuple[Project, ...]
    """All projects that the person may see."""
    selected: Project | None
    """The project to filter by; None for all."""
    may_delete: bool
    """True if the person may delete replays of any of the projects shown."""
    query: Conjunction | None
    """None when the text of the query cannot be understood."""
    problem: str | None = None
    """The reason why the query cannot be understood."""
    page: ListPage[ListedReplay] = field(default_factory=lambda: ListPage(()))
    pictures: Mapping[ReplayKey, ReplayPictures] = field(default_factory=dict)
    awaited: ReplayKey | None = None
    """The replay that the person was promised, if it is of a project that they may see."""
    has_awaited: bool = False
    """True if that replay is here."""
    hint: SetUpHint | None = None
    """None when there is no project, or when there are rows to show."""


@dataclass(frozen=True, slots=True)
class RecentReplays:
    """The replays that an open list does not show yet, the newest first."""

    keys: tuple[ReplayKey, ...]
    has_more: bool


async def read_replay_list(database: Database, request: ReplayListRequest) -> ReplayListData:
    """Read a page of the list of replays.

    Raises:
        NotFound: The person has no such project.
    """
    async with database.reading() as connection:
        data = await _read_frame(connection, request)
        try:
            query = query_language.read_query(request.query_text)
            page = await _read_page(connection, request, data, query)
        except InvalidInput as error:
            return replace(
                data, problem=str(error), hint=await _find_hint(connection, request, data)
            )
        keys = [listed.replay.key for listed in page.rows]
        return replace(
            data,
            query=query,
            page=page,
            pictures=await pictures.read_pictures(connection, keys),
            hint=None if page.rows else await _find_hint(connection, request, data),
        )


async def read_new_replays(
    database: Database, request: ReplayListRequest, *, since: ListCursor | None
) -> RecentReplays:
    """Find the replays that match and were received after a place in the list, newest first.

    Raises:
        InvalidInput: The query cannot be understood.
        NotFound: The person has no such project.
    """
    query = query_language.read_query(request.query_text)
    async with database.reading() as connection:
        listed = await memberships.list_projects(connection, request.person)
        search = _make_search(request, listed, query)
        newer = replace(search, order=NEWEST, after=since, is_backward=True)
        run = await search_replays(connection, newer, limit=PAGE_ROWS, now=clock.now())
    return RecentReplays(tuple(listed.replay.key for listed in reversed(run.rows)), run.has_more)


async def find_replay_by_id(
    database: Database, person: Person, replay_id: ReplayId
) -> ReplayKey | None:
    """Find the project that holds a replay or its tombstone, among those a person may see."""
    async with database.reading() as connection:
        project_ids = await memberships.list_project_ids(connection, person)
        keys = await replays.find_replays_with_id(connection, replay_id, project_ids)
        if not keys:
            marks = await replays.find_tombstones_with_id(connection, replay_id, project_ids)
            keys = [mark.key for mark in marks]
    return keys[0] if keys else None


async def _read_frame(connection: AsyncConnection, request: ReplayListRequest) -> ReplayListData:
    """Read what stands around the rows, whatever is found."""
    listed = await memberships.list_projects(connection, request.person)
    selected = _select_project(listed, request.project)
    shown = [selected] if selected else listed
    awaited = request.awaited
    if awaited is not None and all(project.id != awaited.project_id for project in listed):
        awaited = None
    return ReplayListData(
        read_at=clock.now(),
        projects=tuple(listed),
        selected=selected,
        may_delete=await _may_delete(connection, request.person, shown),
        query=None,
        awaited=awaited,
        has_awaited=bool(awaited and await replays.find_replay(connection, awaited)),
    )


async def _read_page(
    connection: AsyncConnection,
    request: ReplayListRequest,
    data: ReplayListData,
    query: Conjunction,
) -> ListPage[ListedReplay]:
    search = _make_search(request, data.projects, query)

    async def read_run(
        cursor: ListCursor | None, *, is_backward: bool, limit: int
    ) -> RowRun[ListedReplay]:
        part = replace(search, after=cursor, is_backward=is_backward)
        return await search_replays(connection, part, limit=limit, now=data.read_at)

    return await read_page(
        request.page,
        read_run,
        key_of=lambda listed: request.order.key_of(listed.replay),
        limit=PAGE_ROWS,
    )


def _make_search(
    request: ReplayListRequest, listed: Sequence[Project], query: Conjunction
) -> ReplaySearch:
    selected = _select_project(listed, request.project)
    readable = tuple(project.id for project in listed)
    searched = (selected.id,) if selected else readable
    return ReplaySearch(request.person.id, readable, searched, query, request.order)


def _select_project(listed: Sequence[Project], project_id: str) -> Project | None:
    """Find the project to filter by; None for all.

    Raises:
        NotFound: The person has no such project.
    """
    if not project_id:
        return None
    for project in listed:
        if str(project.id) == project_id:
            return project
    raise NotFound("no such project")


async def _may_delete(
    connection: AsyncConnection, person: Person, shown: Sequence[Project]
) -> bool:
    project_ids: set[ProjectId] = {project.id for project in shown}
    if person.is_admin:
        return bool(project_ids)
    changeable = await memberships.list_project_ids(connection, person, role=Role.MEMBER)
    return not project_ids.isdisjoint(changeable)


async def _find_hint(
    connection: AsyncConnection, request: ReplayListRequest, data: ReplayListData
) -> SetUpHint | None:
    """Choose the project to set up while nothing has arrived; those of the demo come last."""
    own = [project for project in data.projects if project.name not in request.demo_projects]
    project = data.selected or next(iter([*own, *data.projects]), None)
    if project is None:
        return None
    return SetUpHint(project, await projects.find_active_key(connection, project.id))
