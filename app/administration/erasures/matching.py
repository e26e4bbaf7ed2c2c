"""Deletes all replays that a query of the list finds, not only those of one page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts.model import Person
from app.core import clock
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId
from app.db.engine import Database
from app.erasure.jobs.model import ErasureAct
from app.erasure.selected import erase_replays
from app.memberships import queries as memberships
from app.memberships.model import Role
from app.playback.replay_search import ReplaySearch, search_replays
from app.replays.deletion import erase_scopes
from app.replays.keeping import holds
from app.replays.model import ReplayKey
from app.replays.search import query_language
from app.replays.search.orders import NEWEST

MOST_REPLAYS: Final = 20_000
"""Replays that one act deletes; whoever has more narrows the query, or does it again."""
_BATCH: Final = 500
_PATIENCE: Final = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class MatchingQuestion:
    """Counts of what the deletion of all matching replays would remove."""

    query_text: str
    project_id: ProjectId | None
    replays: int
    segments: int
    video_bytes: int
    held: int
    is_more: bool
    """True if more match than one act deletes."""
    until: datetime
    """Replays that came later are not meant."""


async def ask_about_matching(
    database: Database, person: Person, query_text: str, project: str
) -> MatchingQuestion:
    """Count all replays that match, of the projects in which the person may delete.

    Raises:
        InvalidInput: The query cannot be understood.
        NotFound: There is no project in which the person may delete.
    """
    until = clock.now()
    async with database.reading() as connection:
        keys, is_more = await _find_matching(connection, person, query_text, project, until)
        replays, segments, size_bytes = await erase_scopes.sum_replays(connection, keys)
        held = len(await holds.find_holds(connection, keys))
    project_id = ProjectId(int(project)) if project else None
    return MatchingQuestion(
        query_text, project_id, replays, segments, size_bytes, held, is_more, until
    )


async def erase_matching(
    database: Database, person: Person, query_text: str, project: str, *, until: datetime
) -> ErasureAct:
    """Delete all replays that match and were there when the person was asked.

    Raises:
        InvalidInput: The query cannot be understood.
        NotFound: There is no project in which the person may delete, or nothing matches any more.
    """
    async with database.reading() as connection:
        keys, _ = await _find_matching(connection, person, query_text, project, until)
    if not keys:
        raise NotFound("no replay matches any more")
    return await erase_replays(database, person, keys, at=clock.now())


async def _find_matching(
    connection: AsyncConnection, person: Person, query_text: str, project: str, until: datetime
) -> tuple[Sequence[ReplayKey], bool]:
    """Find the matching replays, the newest first, and whether there are more."""
    changeable = await memberships.list_project_ids(connection, person, role=Role.MEMBER)
    searched = [each for each in changeable if not project or str(each) == project]
    if not searched:
        raise NotFound("no such project, or not for you to change")
    readable = await memberships.list_project_ids(connection, person)
    query = query_language.read_query(query_text)
    search = ReplaySearch(person.id, tuple(readable), tuple(searched), query, NEWEST)
    keys: list[ReplayKey] = []
    began_at = clock.now()
    while True:
        run = await search_replays(connection, search, limit=_BATCH, now=until)
        keys += [
            listed.replay.key for listed in run.rows if listed.replay.first_received_at <= until
        ]
        if len(keys) > MOST_REPLAYS:
            return keys[:MOST_REPLAYS], True
        cursor = run.stopped_at
        if cursor is None and run.has_more:
            cursor = NEWEST.key_of(run.rows[-1].replay)
        if cursor is None:
            return keys, False
        if clock.now() - began_at > _PATIENCE:
            raise InvalidInput("this search takes too long to delete what it finds: narrow it")
        search = replace(search, after=cursor)
