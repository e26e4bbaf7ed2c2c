"""Finds projects from which no envelope was accepted for a while."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.describe import write_time
from app.alerts.model import AlertRule
from app.alerts.watch.condition import WatchedCondition
from app.core.ids import ProjectId
from app.projects import queries as projects

_MOST_KEYS: Final = 1_000


async def find_silence(
    connection: AsyncConnection, rule: AlertRule, addresses: MessageAddresses, now: datetime
) -> list[WatchedCondition]:
    """Return the silence of a project if nothing was accepted for as long as its rule says.

    A project that has never received anything is not silent: it is not set up yet.
    """
    if rule.project_id is None:
        return []
    last_at = await find_last_use(connection, rule.project_id)
    minutes = rule.settings.silent_min
    if last_at is None or now - last_at < timedelta(minutes=minutes):
        return []
    return [
        WatchedCondition(
            "silence",
            f"Nothing received for {write_minutes(minutes)}",
            f"The last envelope came at {write_time(last_at)}. The apps may be unable to reach"
            " this server, or a release may have lost its DSN.",
            addresses.project_path(rule.project_id),
            over="Envelopes are received again",
        )
    ]


async def find_last_use(connection: AsyncConnection, project_id: ProjectId) -> datetime | None:
    """Return the time of the last accepted envelope with a key of a project; None if none was."""
    keys = await projects.list_keys(connection, project_id, limit=_MOST_KEYS)
    return max((key.last_used_at for key in keys if key.last_used_at), default=None)


def write_minutes(minutes: int) -> str:
    """Write a number of minutes as people say it."""
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= size and minutes % size == 0:
            count = minutes // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
