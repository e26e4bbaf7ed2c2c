"""Reads one event of an issue with everything its page shows, and sends its files."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.accounts import queries as accounts
from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock, ids, log
from app.core.errors import NotFound, PermissionDenied, ReplayError
from app.core.ids import EventId, PersonId, ProjectId
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.formats.events.view_hierarchy import HierarchyView
from app.issues import attachments, queries as issues
from app.issues.model import Attachment, StoredEvent
from app.issues.queries import EventNeighbours
from app.memberships.model import ProjectAccess, Role
from app.playback.recording import contents as playback
from app.playback.video.index import PlaybackIndex
from app.projects import queries as projects
from app.replays import queries as replays
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRules
from app.triage import issue_links
from app.web.frame import access
from app.web.frame.services import services_of
from app.web.issue import build, build_event
from app.web.issue.page import AbsentReplay, EventBlock, Preview

router = APIRouter()

_PROJECT: Final = "/projects/{project_id}"
_CHUNK_BYTES: Final = 256 * 1024
_FILE_HEADERS: Final = {
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}

_log: Final = log.get_logger("web.issue_event")


@dataclass(frozen=True, slots=True)
class Found:
    """One event, and what the database knows around it."""

    event: StoredEvent
    files: Sequence[Attachment]
    first_file: int
    """How many files stand before these."""
    file_total: int
    hierarchy: Attachment | None
    """The file that tells which views were on the screen."""
    beside: EventNeighbours
    preview: Preview | None
    absent: AbsentReplay | None


async def gather(
    request: Request,
    connection: AsyncConnection,
    event: StoredEvent,
    project_ids: Sequence[ProjectId],
    *,
    first_file: int = 0,
) -> Found:
    """Read what belongs to an event, its files from a number on."""
    key = (event.project_id, event.event_id)
    linked = await issue_links.find_replay_of_event(connection, event, project_ids)
    return Found(
        event=event,
        files=await attachments.read_attachments(connection, *key, first=first_file),
        first_file=first_file,
        file_total=await attachments.count_attachments(connection, *key),
        hierarchy=await attachments.find_attachment(
            connection, *key, view_hierarchy.ATTACHMENT_TYPE
        ),
        beside=await issues.find_neighbours(connection, event),
        preview=await _preview(request, connection, linked) if linked else None,
        absent=None if linked else await _absent(connection, event, project_ids),
    )


async def describe(request: Request, found: Found, role: Role) -> EventBlock:
    """Describe an event for its page, away from the event loop."""
    hierarchy = await _hierarchy(request, found.hierarchy)
    return await asyncio.to_thread(
        build_event.build,
        found.event,
        build_event.unpack(found.event),
        beside=found.beside,
        files=found.files,
        first_file=found.first_file,
        file_total=found.file_total,
        hierarchy=hierarchy,
        preview=found.preview,
        absent=found.absent,
        may_download=role.includes(Role.MEMBER),
        may_show=role.includes(Role.MEMBER) and services_of(request).settings.pictures,
    )


@router.get(f"{_PROJECT}/events/{{event_id}}/files/{{number}}")
async def send_file(
    request: Request, inside: access.CurrentProject, event_id: str, number: access.RowId
) -> Response:
    """Send a file of an event as nothing but bytes: it was never scrubbed or looked into."""
    inside.need(Role.MEMBER)
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise PermissionDenied("another site asks for this file")
    here = services_of(request)
    async with here.db.transaction() as connection:
        one = await find_file(connection, inside, event_id, number)
        await audit.add_line(
            connection,
            Action.FILE_DOWNLOADED,
            person_id=inside.person.id,
            project_id=inside.project.id,
            subject=one.event_id,
            detail={"bytes": one.size_bytes},
        )
    headers = {**_FILE_HEADERS, "Content-Length": str(one.size_bytes)}
    return StreamingResponse(
        _chunks(request, one), headers=headers, media_type="application/octet-stream"
    )


async def find_file(
    connection: AsyncConnection, inside: ProjectAccess, event_id: str, number: int
) -> Attachment:
    """Find a file of an event by its place in the list.

    Raises:
        NotFound: There is none, or no such event.
    """
    wanted = ids.read_hex32(event_id)
    if wanted is None:
        raise NotFound("no such event")
    files = await attachments.read_attachments(
        connection, inside.project.id, EventId(wanted), first=number, most=1
    )
    if not files:
        raise NotFound("no such file")
    return files[0]


async def _chunks(request: Request, one: Attachment) -> AsyncIterator[bytes]:
    start = 0
    while start < one.size_bytes:
        size = min(_CHUNK_BYTES, one.size_bytes - start)
        data = await services_of(request).store.read(one.object_key, start, size)
        if not data:
            return
        yield data
        start += len(data)


async def _preview(
    request: Request, connection: AsyncConnection, linked: issue_links.LinkedReplay
) -> Preview:
    playable = await services_of(request).index_cache.read_over(connection, linked.replay)
    newest = playable.newest
    has_video = bool(newest.gops)
    state = playback.state_of(linked.replay, has_video=has_video, now=clock.now())
    return build.preview(
        linked,
        zero_ms=build.zero_of(linked, newest.started_at_ms) if has_video else 0,
        duration_ms=newest.duration_ms if has_video else 0,
        size_px=_size_px(newest),
        is_processing=state == "processing",
    )


def _size_px(newest: PlaybackIndex) -> tuple[int, int] | None:
    """Return the size of the first picture as it is shown."""
    if not newest.configs:
        return None
    first = newest.configs[0]
    is_turned = first.rotation_degrees % 180 != 0
    return (first.height, first.width) if is_turned else (first.width, first.height)


async def _absent(
    connection: AsyncConnection, event: StoredEvent, project_ids: Sequence[ProjectId]
) -> AbsentReplay:
    """Say why an event has no replay: deleted by whom, or lost how, as far as it is known."""
    is_recent = clock.now() - event.received_at < build.RECENT
    if event.replay_id is None:
        return AbsentReplay(None, None, None, (), is_recent)
    for mark in await replays.find_tombstones_with_id(connection, event.replay_id, project_ids):
        name = "somebody"
        if mark.deleted_by is not None:
            try:
                person = await accounts.get_person(connection, PersonId(mark.deleted_by))
                name = person.name
            except NotFound:
                pass  # they have left since
        return AbsentReplay(event.replay_id, name, mark.deleted_at, (), is_recent=False)
    since = (event.received_at - build.DAY).date()
    outcomes = await projects.outcomes_of(connection, event.project_id, since=since)
    losses = build.losses(outcomes, event.received_at)
    return AbsentReplay(event.replay_id, None, None, losses, is_recent)


async def _hierarchy(request: Request, one: Attachment | None) -> tuple[HierarchyView, ...]:
    """Read the view hierarchy that came with an event; a broken one is left to download.

    One that an older release stored was not scrubbed then: it is now.
    """
    if one is None or one.size_bytes > LIMITS.view_hierarchy_bytes:
        return ()
    try:
        data = await services_of(request).store.read(one.object_key, 0, one.size_bytes)
        sent = jsonish.decode(data, "view hierarchy")
        clean = walk.scrub_json(sent, ScrubRules(), kind=PayloadKind.VIEW_HIERARCHY).value
        return view_hierarchy.read_view_hierarchy(clean)
    except ReplayError as error:
        _log.warning("view_hierarchy_unreadable", error=str(error))
        return ()
