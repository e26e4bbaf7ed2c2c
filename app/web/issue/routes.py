"""The page of an issue: its events one by one, its replays, what a person decides about it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, get_args

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock, ids, units
from app.core.errors import InvalidInput, NotFound
from app.core.ids import EventId, IssueId, ProjectId
from app.erasure.issue import erase_issue
from app.issues import erase, queries as issues, status
from app.issues.model import Issue, IssueKey, Status, StoredEvent
from app.memberships import queries as memberships
from app.memberships.model import ProjectAccess, Role
from app.playback import replay_search
from app.playback.replay_search import ReplaySearch
from app.replays import pictures
from app.triage import issue_links, issue_users, tag_counts
from app.web.frame import access, answer, cursors, forms
from app.web.frame.services import services_of
from app.web.issue import build
from app.web.issue.event_routes import describe, gather
from app.web.issue.page import (
    DeleteIssuePage,
    IssueHead,
    IssuePage,
    IssueReplayRow,
    IssueReplaysPage,
)
from app.web.urls import issue_urls, list_urls, replay_urls
from app.web.words import charts, replay_rows
from app.web.words.parts import describe_rows

router = APIRouter()

_PROJECT: Final = "/projects/{project_id}"
PATH: Final = f"{_PROJECT}/issues/{{issue_id}}"
_STATUSES: Final[dict[str, Status]] = {name: name for name in get_args(Status)}
_ACTIONS: Final[dict[Status, Action]] = {
    "open": Action.ISSUE_REOPENED,
    "resolved": Action.ISSUE_RESOLVED,
    "ignored": Action.ISSUE_IGNORED,
}
_SAMPLES: Final = 100
"""Events over which tags are counted."""
_MONTH: Final = timedelta(days=31)
_REPLAY_ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class _FirstRows:
    """How many rows of the lists of an issue's page stand before those that are shown."""

    releases: int
    files: int


@router.get(PATH)
async def show_issue(
    request: Request,
    inside: access.CurrentProject,
    issue_id: str,
    releases: access.RowId = 0,
    files: access.RowId = 0,
) -> Response:
    """Show an issue with its newest event; releases and files from a number on."""
    key, parts = key_of(inside, issue_id), _FirstRows(releases, files)
    return await _show(request, inside, key, None, parts)


@router.get(f"{PATH}/events/{{event_id}}")
async def show_event(
    request: Request,
    inside: access.CurrentProject,
    issue_id: str,
    event_id: str,
    *,
    releases: access.RowId = 0,
    files: access.RowId = 0,
) -> Response:
    """Show an issue with one of its events; releases and files from a number on."""
    wanted = ids.read_hex32(event_id)
    if wanted is None:
        raise NotFound("no event has such an id")
    key, parts = key_of(inside, issue_id), _FirstRows(releases, files)
    return await _show(request, inside, key, EventId(wanted), parts)


@router.get(f"{_PROJECT}/events/{{event_id}}")
async def find_event(request: Request, inside: access.CurrentProject, event_id: str) -> Response:
    """Lead from an event to its page in its issue."""
    wanted = ids.read_hex32(event_id)
    async with services_of(request).db.reading() as connection:
        found = (
            await issues.find_issue_of_event(connection, inside.project.id, EventId(wanted))
            if wanted
            else None
        )
    if wanted is None or found is None:
        raise NotFound("no such event")
    return answer.redirect(issue_urls.issue_event(inside.project.id, found, EventId(wanted)))


@router.get(f"{PATH}/replays")
async def show_replays(
    request: Request, inside: access.CurrentProject, issue_id: str, before: str = ""
) -> Response:
    """Show the replays in which an issue happened, the newest first."""
    key = key_of(inside, issue_id)
    here = services_of(request)
    place = cursors.read(before)
    async with here.db.reading() as connection:
        seen = await memberships.list_projects(connection, inside.person)
        project_ids = [one.id for one in seen]
        issue, head = await head_of(connection, inside, key, project_ids)
        found = await issue_links.read_linked_replays(
            connection, key, project_ids, before=place, limit=_REPLAY_ROWS
        )
        asked = ReplaySearch(inside.person.id, tuple(project_ids), tuple(project_ids))
        names = {one.id: one.name for one in seen}
        shown = await _replay_rows(request, connection, asked, found.replays, names)
    page = IssueReplaysPage(
        head=head,
        rows=shown,
        older_href=issue_urls.issue_replays(*key, before=cursors.write(found.older))
        if found.older
        else None,
        is_first=place is None,
        named=issue.named_replays,
    )
    return await answer.render_page(request, "issue/replays.html", page)


@router.post(f"{PATH}/status")
async def set_status(request: Request, inside: access.CurrentProject, issue_id: str) -> Response:
    """Resolve, ignore or reopen an issue, and note who did."""
    inside.need(Role.MEMBER)
    key = key_of(inside, issue_id)
    wanted = _STATUSES.get((await forms.read_form(request)).get("status", ""))
    if wanted is None:
        raise InvalidInput("the form names no status of an issue")
    async with services_of(request).db.transaction() as connection:
        await status.set_issue_status(connection, key, wanted, at=clock.now())
        await audit.add_line(
            connection,
            _ACTIONS[wanted],
            person_id=inside.person.id,
            project_id=key[0],
            subject=key[1],
        )
    return answer.redirect(issue_urls.issue(*key), done=f"issue-{wanted}")


@router.get(f"{PATH}/delete")
async def ask_to_delete(request: Request, inside: access.CurrentProject, issue_id: str) -> Response:
    """Ask before erasing, and say what goes."""
    inside.need(Role.ADMIN)
    key = key_of(inside, issue_id)
    async with services_of(request).db.reading() as connection:
        project_ids = await memberships.list_project_ids(connection, inside.person)
        _, head = await head_of(connection, inside, key, project_ids)
        files, size_bytes = await erase.count_files(connection, key)
    page = DeleteIssuePage(head, files, size_bytes)
    return await answer.render_page(request, "issue/delete.html", page)


@router.post(f"{PATH}/delete")
async def delete_issue(request: Request, inside: access.CurrentProject, issue_id: str) -> Response:
    """Erase an issue with its events and their files."""
    inside.need(Role.ADMIN)
    here = services_of(request)
    key = key_of(inside, issue_id)
    await erase_issue(here.db, key, person_id=inside.person.id, at=clock.now())
    here.sweeper.hurry()
    return answer.redirect(list_urls.ISSUES, done="issue-deleted")


def key_of(inside: ProjectAccess, issue_id: str) -> IssueKey:
    """Read the issue of an address.

    Raises:
        NotFound: It is no id.
    """
    found = ids.read_hex32(issue_id)
    if found is None:
        raise NotFound("no issue has such an id")
    return inside.project.id, IssueId(found)


async def _show(
    request: Request,
    inside: ProjectAccess,
    key: IssueKey,
    event_id: EventId | None,
    parts: _FirstRows,
) -> Response:
    now = clock.now()
    async with services_of(request).db.reading() as connection:
        project_ids = await memberships.list_project_ids(connection, inside.person)
        _, head = await head_of(connection, inside, key, project_ids)
        event = await _event(connection, key, event_id)
        hours = (await issues.count_events_over_time(connection, [key], now - _MONTH, "hour"))[key]
        releases = await issues.read_releases(connection, key, first=parts.releases)
        release_total = await issues.count_releases(connection, key)
        samples = await issues.read_sample_payloads(connection, key, limit=_SAMPLES)
        found = (
            await gather(request, connection, event, project_ids, first_file=parts.files)
            if event
            else None
        )
    tags, hidden_tags = await asyncio.to_thread(tag_counts.count_tags, samples)
    path = issue_urls.issue_event(*key, event_id) if event_id else issue_urls.issue(*key)
    page = IssuePage(
        head=head,
        event=await describe(request, found, inside.role) if found else None,
        day=charts.hours(hours, now),
        month=charts.days(hours, now),
        releases=tuple(releases),
        release_part=describe_rows(
            "release",
            first=parts.releases,
            total=release_total,
            size=issues.PART_RELEASES,
            href=lambda first: issue_urls.issue_releases(path, first=first),
        ),
        tags=tags,
        hidden_tags=hidden_tags,
        tagged_events=len(samples),
    )
    return await answer.render_page(request, "issue/page.html", page)


async def head_of(
    connection: AsyncConnection,
    inside: ProjectAccess,
    key: IssueKey,
    project_ids: Sequence[ProjectId],
) -> tuple[Issue, IssueHead]:
    """Read an issue and count its replays.

    Raises:
        NotFound: There is no such issue.
    """
    issue = await issues.find_issue(connection, key, project_ids)
    if issue is None:
        raise NotFound("no such issue")
    return issue, build.head(
        issue,
        inside.project,
        replay_users=await issue_users.count_replay_users(connection, key, project_ids),
        may_change=inside.role.includes(Role.MEMBER),
        may_delete=inside.role.includes(Role.ADMIN),
    )


async def _event(
    connection: AsyncConnection, key: IssueKey, event_id: EventId | None
) -> StoredEvent | None:
    """Read the event that the address names, or the newest.

    Raises:
        NotFound: The issue has no such event.
    """
    if event_id is None:
        return next(iter(await issues.read_newest_events(connection, key)), None)
    event = await issues.find_event(connection, key, event_id)
    if event is None:
        raise NotFound("no such event in this issue")
    return event


async def _replay_rows(
    request: Request,
    connection: AsyncConnection,
    asked: ReplaySearch,
    found: Sequence[issue_links.LinkedReplay],
    names: Mapping[ProjectId, str],
) -> tuple[IssueReplayRow, ...]:
    """Describe replays as the list of replays does, and lead into each at the event."""
    now = clock.now()
    replays = [linked.replay for linked in found]
    hits = await replay_search.describe_replays(connection, asked, replays)
    small = await pictures.read_pictures(connection, [replay.key for replay in replays])
    shown = []
    for linked, hit in zip(found, hits, strict=True):
        held = small.get(hit.replay.key)
        row = replay_rows.replay_row(hit, project_names=names, now=now, pictures=held)
        at_ms = linked.at_ms
        if linked.replay.video_segments:
            index = await services_of(request).index_cache.read_over(connection, linked.replay)
            at_ms -= index.newest.started_at_ms - units.ms_from_at(linked.replay.started_at)
        at_ms = min(max(0, at_ms), row.duration_ms)
        href = (
            replay_urls.replay_at(row.project_id, row.replay_id, at_ms=at_ms) if at_ms else row.href
        )
        shown.append(IssueReplayRow(row, at_ms, href))
    return tuple(shown)
