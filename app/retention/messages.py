"""Empties messages about replays, issues and events that are no longer kept."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.issues.deletion import expire as issue_expiry
from app.messages.erase import EXPIRED, erase_from_messages, list_named_ids
from app.replays.deletion import expire
from app.replays.model import ReplayKey

_TOLD_LATER: Final = timedelta(days=3)
"""The longest time after a day for which messages may tell of its events, as in daily summaries."""
_IDS_AT_ONCE: Final = 1_000


async def forget_replays(connection: AsyncConnection, keys: Iterable[ReplayKey]) -> None:
    """Empty the messages that tell of replays, in the transaction that deletes these replays."""
    by_project: defaultdict[ProjectId, list[str]] = defaultdict(list)
    for key in keys:
        by_project[key.project_id].append(key.replay_id)
    for project_id, replay_ids in sorted(by_project.items()):
        await erase_from_messages(connection, project_id, replay_ids, title=EXPIRED)


async def forget_expired(connection: AsyncConnection, project_id: ProjectId, day: date) -> None:
    """Empty the messages that tell of events or issues of a day that has ended.

    Events are dropped with their partition without being read. So this reads which events and
    issues the messages of that time name, and looks up which of them still exist.
    """
    since = datetime.combine(day, time(), UTC)
    named = sorted(
        await list_named_ids(connection, project_id, since=since, until=since + _TOLD_LATER)
    )
    for first in range(0, len(named), _IDS_AT_ONCE):
        ids = named[first : first + _IDS_AT_ONCE]
        living = await issue_expiry.find_living_ids(connection, project_id, ids)
        living |= await expire.find_living_replays(
            connection, project_id, {ReplayId(each) for each in ids}
        )
        gone = [each for each in ids if each not in living]
        if gone:
            await erase_from_messages(connection, project_id, gone, title=EXPIRED)
