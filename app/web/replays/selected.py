"""What is done to the replays that somebody ticks in the list."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts.model import Person
from app.audit import writes as audit
from app.core import clock, ids
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId, ReplayId
from app.erasure.request import erase_replay
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.playback import replay_search
from app.playback.replay_search import ReplaySearch
from app.replays import queries as replays
from app.replays.model import Replay, ReplayKey
from app.web.frame import access, answer, forms
from app.web.frame.services import services_of
from app.web.replays.page import DeleteReplaysPage
from app.web.replays.routes import PAGE_ROWS
from app.web.urls import list_urls
from app.web.words import replay_rows

router = APIRouter()

_OTHER_FIELDS: Final = 10
_DIGITS: Final = 19


@router.post(list_urls.SELECTED)
async def mark_seen(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Mark the ticked replays as seen by whoever asks."""
    fields = await _fields(request)
    async with services_of(request).db.transaction() as connection:
        keys = await _keys(connection, visitor.person, fields, role=Role.VIEWER)
        marks = [(key.project_id, key.replay_id) for key in keys]
        await audit.mark_seen(connection, visitor.person.id, marks)
    return answer.redirect(_back(fields), done="marked-seen")


@router.post(list_urls.DELETE_SELECTED)
async def delete_selected(request: Request, visitor: access.CurrentVisitor) -> Response:
    """Ask before erasing the ticked replays; erase them when the answer is yes."""
    here = services_of(request)
    fields = await _fields(request)
    async with here.db.reading() as connection:
        keys = await _keys(connection, visitor.person, fields, role=Role.MEMBER)
        if ("sure", "yes") not in fields:
            page = await _question(connection, visitor.person, keys, back=_back(fields))
            return await answer.render_page(request, "replays/delete.html", page)
    for key in keys:
        try:
            await erase_replay(here.db, key, person_id=visitor.person.id, at=clock.now())
        except NotFound:
            continue  # somebody else was quicker
    here.sweeper.hurry()
    return answer.redirect(_back(fields), done="replays-deleted")


async def _fields(request: Request) -> list[tuple[str, str]]:
    return await forms.read_form_pairs(request, most=PAGE_ROWS + _OTHER_FIELDS)


def _back(fields: Sequence[tuple[str, str]]) -> str:
    return forms.read_own_path(dict(fields).get("back"))


async def _keys(
    connection: AsyncConnection, person: Person, fields: Sequence[tuple[str, str]], *, role: Role
) -> list[ReplayKey]:
    """Read which replays are ticked.

    Raises:
        InvalidInput: None is, or a field names no replay.
        NotFound: One is in a project where the person has not this role.
    """
    keys = [_key(value) for name, value in fields if name == "replay"]
    if not keys:
        raise InvalidInput("no replay is ticked")
    reached = set(await memberships.list_project_ids(connection, person, role=role))
    if any(key.project_id not in reached for key in keys):
        raise NotFound("no such replay, or not for you to change")
    return sorted(set(keys))


def _key(value: str) -> ReplayKey:
    project_id, _, replay_id = value.partition("/")
    found = ids.read_hex32(replay_id)
    if found is None or not project_id.isdecimal() or len(project_id) > _DIGITS:
        raise InvalidInput("a ticked field names no replay")
    return ReplayKey(ProjectId(int(project_id)), ReplayId(found))


async def _question(
    connection: AsyncConnection, person: Person, keys: Sequence[ReplayKey], *, back: str
) -> DeleteReplaysPage:
    """Name what goes, replay by replay."""
    read = [await replays.find_replay(connection, key) for key in keys]
    found: list[Replay] = [one for one in read if one is not None]
    if not found:
        raise NotFound("all of them are gone")
    listed = await memberships.list_projects(connection, person)
    readable = tuple(one.id for one in listed)
    hits = await replay_search.describe_replays(
        connection, ReplaySearch(person.id, readable, readable), found
    )
    names = {one.id: one.name for one in listed}
    now = clock.now()
    return DeleteReplaysPage(
        rows=tuple(replay_rows.replay_row(hit, project_names=names, now=now) for hit in hits),
        action_href=list_urls.DELETE_SELECTED,
        back_href=back,
        video_bytes=sum(one.video_bytes for one in found),
        segments=sum(one.segments for one in found),
    )
