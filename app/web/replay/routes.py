"""The page of one replay, and its deletion."""

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final, get_args

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.accounts import queries as accounts
from app.audit import writes as audit_writes
from app.core import clock
from app.core.errors import NotFound, ServiceUnavailable
from app.core.ids import PersonId
from app.erasure.request import erase_replay
from app.memberships.model import Role
from app.playback.video import start
from app.playback.video.start import PlaybackStart
from app.playback.visit import ReplayReader
from app.projects import queries as projects
from app.replays import queries as replays
from app.replays.model import Replay
from app.web.frame import access, answer, forms
from app.web.frame.access import RequestedReplay
from app.web.frame.rendering.state_pages import StatePage
from app.web.frame.services import services_of
from app.web.replay import build
from app.web.replay.build import Visit
from app.web.replay.losses import lost_replays
from app.web.replay.page import DeleteReplayPage, Opened, Tab
from app.web.urls import list_urls, project_urls

router = APIRouter()

_PATH: Final = "/projects/{project_id}/replays/{replay_id}"
_TABS: Final[dict[str, Tab]] = {name: name for name in get_args(Tab)}
_GONE: Final = 410
_LATELY: Final = timedelta(days=2)
_RULE: Final = "rule: "
"""Begins the reason of a deletion that nobody asked for by name."""


@router.get(_PATH)
async def show_replay(
    request: Request,
    watching: access.CurrentReplay,
    t: str = "",
    tab: str = "",
    from_segment: access.FromSegment = 0,
) -> Response:
    """Show a replay, and note who opened it."""
    here = services_of(request)
    async with here.db.reading() as connection:
        replay = await replays.find_replay(connection, watching.key)
    if replay is None:
        return await _absent(request, watching)
    visit = _visit(request, watching, t=t, tab=tab, from_segment=from_segment)
    opening = build.opening(
        replay, start_at_ms=visit.start_at_ms, now=clock.now(), is_bare=not _is_opened(request)
    )

    async def rest() -> AsyncIterator[object]:
        # The view is noted before anything of the recording is sent, and the head need not wait.
        _, found = await asyncio.gather(
            _note_view(request, watching), _start(request, replay, visit.start_at_ms)
        )
        yield Opened(opening, found)
        reader = reader_of(request, watching)
        head = await reader.read_head(replay)
        has_picture = head.context.outline.state in {"playing", "live"}
        if has_picture:
            yield build.top(head, visit)
        everything = await reader.read_page(head, from_segment=from_segment)
        page = await asyncio.to_thread(build.build, everything, visit)
        # What stands in the place of a picture tells of the recordings, too.
        if not has_picture:
            yield page
        yield page

    return await answer.stream_page(request, "replay/page.html", Opened(opening), rest())


@router.get(f"{_PATH}/delete")
async def ask_to_delete(request: Request, watching: access.CurrentReplay) -> Response:
    """Ask before erasing, and say what goes."""
    watching.access.need(Role.MEMBER)
    try:
        found = await reader_of(request, watching).find_page()
    except NotFound:
        return await _absent(request, watching)
    page = await asyncio.to_thread(build.build, found, _visit(request, watching))
    if page.deletion is None:
        raise NotFound("nothing to delete")
    value = DeleteReplayPage(page.header, page.deletion)
    return await answer.render_page(request, "replay/delete.html", value)


@router.post(f"{_PATH}/delete")
async def delete_replay(request: Request, watching: access.CurrentReplay) -> Response:
    """Erase a replay; to erase one that is gone shows by whom it went."""
    watching.access.need(Role.MEMBER)
    here = services_of(request)
    person_id = watching.access.person.id
    try:
        await erase_replay(here.db, watching.key, person_id=person_id, at=clock.now())
    except NotFound:
        return await _absent(request, watching)
    here.sweeper.hurry()
    return answer.redirect(list_urls.REPLAYS, done="replay-deleted")


async def _note_view(request: Request, watching: RequestedReplay) -> None:
    """Note who opened the page; a script that looks for what is new opens nothing."""
    if not _is_opened(request):
        return
    key = watching.key
    async with services_of(request).db.transaction() as connection:
        await audit_writes.add_view(
            connection, watching.access.person.id, key.project_id, replay_id=key.replay_id
        )


async def _start(request: Request, replay: Replay, at_ms: int) -> PlaybackStart | None:
    """Read the picture that a page opens with; None lets the player ask, and say what is wrong."""
    if not replay.video_segments or not _is_opened(request):
        return None
    here = services_of(request)
    try:
        return await start.read_start(
            here.store, await here.index_cache.find(here.db, replay), at_ms
        )
    except ServiceUnavailable:
        return None


def reader_of(request: Request, watching: RequestedReplay) -> ReplayReader:
    """Return who reads about which replay."""
    here = services_of(request)
    inside = watching.access
    return ReplayReader(here.db, here.index_cache, inside.person, inside.project, watching.key)


def _visit(
    request: Request,
    watching: RequestedReplay,
    *,
    t: str = "",
    tab: str = "",
    from_segment: int = 0,
) -> Visit:
    return Visit(
        back_href=forms.read_list_referer(request),
        start_at_ms=_read_ms(t),
        tab=_TABS.get(tab, "activity"),
        may_delete=watching.access.role.includes(Role.MEMBER),
        from_segment=from_segment,
    )


async def _absent(request: Request, watching: RequestedReplay) -> Response:
    """Say why there is no replay at its address: deleted by somebody, or never here."""
    here = services_of(request)
    async with here.db.reading() as connection:
        mark = await replays.find_tombstone(connection, watching.key)
        by = await _name_of(connection, mark.deleted_by) if mark else None
        losses = None if mark else await _losses(connection, watching, since=clock.now() - _LATELY)
    replay_id = watching.key.replay_id
    if mark is None:
        page = StatePage(
            "not_found",
            replay_id,
            list_urls.REPLAYS,
            retry_href=request.url.path,
            losses=losses,
            losses_href=f"{project_urls.project(watching.key.project_id)}#outcomes",
        )
        return await answer.render_page(request, "state/replay.html", page, status=404)
    is_by_rule = mark.reason.startswith(_RULE)
    page = StatePage(
        "expired" if is_by_rule else "deleted",
        replay_id,
        list_urls.REPLAYS,
        deleted_by=by,
        deleted_at=mark.deleted_at,
        rule=mark.reason.removeprefix(_RULE) if is_by_rule else None,
    )
    return await answer.render_page(request, "state/replay.html", page, status=_GONE)


async def _losses(
    connection: AsyncConnection, watching: RequestedReplay, *, since: datetime
) -> str | None:
    """Say what the project lost of its replays since a day."""
    counts = await projects.outcomes_of(connection, watching.key.project_id, since=since.date())
    return lost_replays(counts)


async def _name_of(connection: AsyncConnection, person_id: int | None) -> str | None:
    """Name a person who may have left since."""
    if person_id is None:
        return None
    try:
        return (await accounts.get_person(connection, PersonId(person_id))).name
    except NotFound:
        return None


def _is_opened(request: Request) -> bool:
    """Tell somebody who opens the page from a script that looks whether the replay has grown."""
    return request.headers.get("sec-fetch-dest", "document") == "document"


def _read_ms(t: str) -> int:
    """Read a moment in seconds; anything else is the start."""
    try:
        seconds = float(t)
    except ValueError:
        return 0
    return round(seconds * 1000) if math.isfinite(seconds) and seconds > 0 else 0
