"""Taking a replay's rows out, and what the sweep needs to know about its objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId
from app.replays import pictures
from app.replays.model import ReplayKey, Tombstone
from app.replays.queries import to_tombstone
from app.replays.tables import object_outbox, replay_traces, replays, segments, tombstones

_BY_PERSON: Final = "person"
_BY_COMMAND: Final = "command line"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An object to be removed; `is_needed` when a row points at it after all."""

    id: int
    object_key: str
    is_needed: bool


async def erase_rows(
    connection: AsyncConnection, key: ReplayKey, *, person_id: PersonId | None, at: datetime
) -> Tombstone | None:
    """Take out every row of a replay, leave its tombstone, and note its objects for removal.

    Call it with the replay locked (`locks.take`).

    Returns:
        The tombstone; None when there was no such replay.
    """
    gone = await connection.execute(
        delete(replays)
        .where(replays.c.project_id == key.project_id, replays.c.replay_id == key.replay_id)
        .returning(replays.c.replay_id)
    )
    if gone.first() is None:
        return None
    removed = (
        await connection.execute(
            delete(segments)
            .where(segments.c.project_id == key.project_id, segments.c.replay_id == key.replay_id)
            .returning(segments.c.object_key, segments.c.object_bytes)
        )
    ).all()
    await connection.execute(
        delete(replay_traces).where(
            replay_traces.c.project_id == key.project_id,
            replay_traces.c.replay_id == key.replay_id,
        )
    )
    await pictures.erase(connection, key, at=at)
    object_keys = sorted({row.object_key for row in removed if row.object_key})
    if object_keys:
        await connection.execute(
            insert(object_outbox),
            [
                {
                    "project_id": key.project_id,
                    "replay_id": key.replay_id,
                    "object_key": object_key,
                    "added_at": at,
                }
                for object_key in object_keys
            ],
        )
    left = await connection.execute(
        insert(tombstones)
        .values(
            project_id=key.project_id,
            replay_id=key.replay_id,
            deleted_at=at,
            deleted_by=person_id,
            reason=_BY_PERSON if person_id is not None else _BY_COMMAND,
            segments=len(removed),
            video_bytes=sum(row.object_bytes for row in removed),
        )
        .returning(tombstones)
    )
    return to_tombstone(left.one())


async def unswept(connection: AsyncConnection, *, limit: int) -> list[Tombstone]:
    """Lock and read deletions whose objects may still be there, the oldest first."""
    found = await connection.execute(
        select(tombstones)
        .where(tombstones.c.swept_at.is_(None))
        .order_by(tombstones.c.deleted_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [to_tombstone(row) for row in found]


async def set_swept(
    connection: AsyncConnection, key: ReplayKey, *, objects: int, at: datetime
) -> None:
    """Write the receipt: nothing is left under the replay's prefix."""
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(swept_at=at, objects=tombstones.c.objects + objects)
    )


async def outgoing(connection: AsyncConnection, *, limit: int) -> list[Outgoing]:
    """Lock and read objects that wait for removal, the oldest first."""
    is_needed = select(segments.c.segment_id).where(
        segments.c.project_id == object_outbox.c.project_id,
        segments.c.replay_id == object_outbox.c.replay_id,
        segments.c.object_key == object_outbox.c.object_key,
    )
    found = await connection.execute(
        select(object_outbox.c.id, object_outbox.c.object_key, is_needed.exists().label("needed"))
        .order_by(object_outbox.c.id)
        .limit(limit)
        .with_for_update(of=object_outbox, skip_locked=True)
    )
    return [Outgoing(row.id, row.object_key, row.needed) for row in found]


async def forget_outgoing(connection: AsyncConnection, done: Sequence[int]) -> None:
    """Take objects off the list that are removed or needed."""
    await connection.execute(delete(object_outbox).where(object_outbox.c.id.in_(done)))
