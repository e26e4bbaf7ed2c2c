"""Adds pictures of replays to a message just before it is sent, if admins have allowed it.

    item with a replay ─► both projects allow it? ─► is it drawn? ─► token, its hash ─► address

The address is made just before the message is sent, so it is stored nowhere. A later try makes
another address and keeps the first one, since the message of that try may have arrived.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts.composing.addresses import MessageAddresses
from app.alerts.composing.content import AlertContent, AlertItem
from app.core.errors import NotFound
from app.core.ids import ProjectId, ReplayId
from app.db.engine import Database
from app.projects import queries as projects
from app.replays import locks, pictures
from app.replays.model import ReplayKey
from app.sharing.message_pictures import hand_out_picture

MOST_PICTURES: Final = 3
"""The most pictures of a message: those of its first items."""


async def add_pictures(
    database: Database, addresses: MessageAddresses, content: AlertContent, *, target_name: str
) -> AlertContent:
    """Return a message with pictures of its replays.

    A replay may belong to another project than the alert. Then the admins of both projects must
    have allowed pictures: those of the one decide where messages go, those of the other who may see
    its replays.

    Args:
        database: The database, in which each picture that is handed out is noted.
        addresses: Makes the address of a picture.
        content: The message.
        target_name: The name of the receiver, for the list of pictures that were handed out.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    if not any(_find_key(item) for item in content.items):
        return content
    async with database.transaction() as connection:
        chosen = await _choose_items(connection, content)
        # One call for all: it locks them in the same order as a deletion of several replays.
        await locks.lock_for_adding(connection, chosen.values())
        tokens = {
            position: await _hand_out(
                connection,
                key,
                note=_describe_message(content, key, target_name),
                moment_at_ms=content.items[position].moment_at_ms,
            )
            for position, key in chosen.items()
        }
    items = [
        replace(item, picture_url=addresses.picture(token))
        if (token := tokens.get(position))
        else item
        for position, item in enumerate(content.items)
    ]
    return replace(content, items=tuple(items))


async def _choose_items(connection: AsyncConnection, content: AlertContent) -> dict[int, ReplayKey]:
    """Return the replays of the first items that may have a picture and have one, by position."""
    chosen: dict[int, ReplayKey] = {}
    if not await _is_allowed(connection, ProjectId(int(content.project_id or 0))):
        return chosen
    for position, item in enumerate(content.items):
        key = _find_key(item)
        if key is None or not await _is_allowed(connection, key.project_id):
            continue
        found = (await pictures.read_pictures(connection, [key])).get(key)
        if found is not None and found.made is not None:
            chosen[position] = key
        if len(chosen) == MOST_PICTURES:
            break
    return chosen


async def _hand_out(
    connection: AsyncConnection, key: ReplayKey, *, note: str, moment_at_ms: int | None
) -> str | None:
    try:
        return await hand_out_picture(connection, key, note=note, moment_at_ms=moment_at_ms)
    except NotFound:
        return None  # it was erased just now


def _describe_message(content: AlertContent, key: ReplayKey, target_name: str) -> str:
    """Describe a message to people who may see its replay, but perhaps not the alert's project."""
    is_own = ProjectId(int(content.project_id or 0)) == key.project_id
    return f"A message to {target_name}" if is_own else "A message about another project"


async def _is_allowed(connection: AsyncConnection, project_id: ProjectId) -> bool:
    try:
        project = await projects.get_project(connection, project_id)
    except NotFound:
        return False
    return project.alerts_show_pictures and project.allows_shares


def _find_key(item: AlertItem) -> ReplayKey | None:
    replay_id, project_id = item.ids.get("replay_id"), item.ids.get("replay_project_id")
    if not replay_id or not project_id:
        return None
    return ReplayKey(ProjectId(int(project_id)), ReplayId(replay_id))
