"""Reads the replays in which an issue happened, as rows of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.core.ids import ProjectId
from app.db.lists import ListPage, PageRequest
from app.memberships import queries as memberships
from app.playback.listed_replays import ListedReplay, describe_replays
from app.playback.video.index_cache import IndexCache
from app.replays import pictures
from app.replays.pictures import ReplayPictures
from app.triage.issue import issue_links
from app.triage.issue.issue_links import LinkedReplay
from app.triage.issue.issue_reader import IssueReader, IssueSummary, read_summary

_ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class IssueReplay:
    """A replay in which an issue happened, and when the issue happened in it."""

    listed: ListedReplay
    pictures: ReplayPictures | None
    at_ms: int
    """On the clock of the player."""


@dataclass(frozen=True, slots=True)
class IssueReplaysData:
    """A page of the replays of an issue; the replay that was received last comes first."""

    summary: IssueSummary
    page: ListPage[IssueReplay]
    project_names: Mapping[ProjectId, str]
    """Names of the projects that the reader may see."""


async def read_issue_replays(reader: IssueReader, request: PageRequest) -> IssueReplaysData:
    """Read a page of the replays of an issue.

    Args:
        reader: The person who reads, and the issue.
        request: The page; its cursors are those of `NEWEST_LINKS`.

    Raises:
        NotFound: There is no such issue.
    """
    async with reader.db.reading() as connection:
        visible = await memberships.list_projects(connection, reader.person)
        visible_ids = tuple(project.id for project in visible)
        summary = await read_summary(connection, reader, visible_ids)
        page = await issue_links.read_linked_replays(
            connection, reader.key, visible_ids, request, limit=_ROWS
        )
        replays = [linked.replay for linked in page.rows]
        listed = await describe_replays(
            connection, replays, person_id=reader.person.id, readable=visible_ids
        )
        drawn = await pictures.read_pictures(connection, [replay.key for replay in replays])
        rows = [
            IssueReplay(
                row,
                drawn.get(linked.replay.key),
                await find_player_ms(connection, reader.index_cache, linked),
            )
            for linked, row in zip(page.rows, listed, strict=True)
        ]
        return IssueReplaysData(
            summary=summary,
            page=ListPage(tuple(rows), back=page.back, next=page.next),
            project_names={project.id: project.name for project in visible},
        )


async def find_player_ms(
    connection: AsyncConnection, index_cache: IndexCache, linked: LinkedReplay
) -> int:
    """Return when the issue happened on the clock of the player, which begins with the video."""
    if not linked.replay.video_segments:
        return linked.at_ms
    index = (await index_cache.read_over(connection, linked.replay)).newest
    return linked.at_ms - index.started_at_ms + units.ms_from_at(linked.replay.started_at)
