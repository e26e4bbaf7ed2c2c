"""Counts what the pictures of replays take, under the days of these replays."""

from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.projects import storage
from app.projects.storage import StorageChanges, StorageKind
from app.replays.model import ReplayKey
from app.replays.tables import replay_pictures

_SIZES: Final = ("poster_bytes", "preview_bytes")


async def replace_picture_bytes(
    connection: AsyncConnection,
    key: ReplayKey,
    day: date,
    *,
    before: int | None,
    after: int | None,
) -> None:
    """Count new pictures of a replay instead of earlier ones; None stands for no pictures."""
    changes = StorageChanges()
    if before is not None:
        _add_change(changes, key, day, size_bytes=-before, items=-1)
    if after is not None:
        _add_change(changes, key, day, size_bytes=after, items=1)
    await storage.apply_storage_changes(connection, changes)


async def move_picture_bytes(
    connection: AsyncConnection, key: ReplayKey, *, before: date, after: date
) -> None:
    """Count the pictures of a replay under another day, to which the replay is moved."""
    row = replay_pictures.c
    sizes = await connection.scalar(
        select(row.sizes).where(row.project_id == key.project_id, row.replay_id == key.replay_id)
    )
    if sizes is not None:
        size_bytes = sum(sizes[name] for name in _SIZES) + sum(sizes["sheet_bytes"])
        changes = StorageChanges()
        _add_change(changes, key, before, size_bytes=-size_bytes, items=-1)
        _add_change(changes, key, after, size_bytes=size_bytes, items=1)
        await storage.apply_storage_changes(connection, changes)


def _add_change(
    changes: StorageChanges, key: ReplayKey, day: date, *, size_bytes: int, items: int
) -> None:
    changes.add(key.project_id, day, StorageKind.PICTURES, size_bytes=size_bytes, items=items)
