"""Changes of keys since a moment, so that processes need not read all keys every few seconds.

every write of a key ─► trigger ─► row in `key_changes` ─► read by each process within 5 s
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, PublicKey
from app.projects import queries
from app.projects.model import KeyRecord
from app.projects.tables import key_changes, project_keys

_COMMIT_DELAY: Final = timedelta(seconds=60)
"""The longest that a statement of Playhead takes, and so a change on its way to its commit."""
_KEPT_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """The changes of keys since a moment."""

    records: Mapping[PublicKey, KeyRecord]
    """Keys that were made or changed, as they are now."""
    deleted: frozenset[PublicKey]
    read_at: datetime
    """The time at which this was read, by the clock of Postgres."""


async def read_all_keys(connection: AsyncConnection) -> KeyChanges:
    """Return all keys, which takes long where there are very many."""
    read_at = await _read_clock(connection)
    return KeyChanges(await queries.read_key_records(connection), frozenset(), read_at)


async def read_key_changes(connection: AsyncConnection, since: datetime) -> KeyChanges:
    """Return what has become of keys since a moment.

    A change is dated when it is made, and can be read when it is committed. So this reads what was
    changed up to a minute before that moment as well.

    Args:
        connection: The connection to read with.
        since: The time at which keys were last read, by the clock of Postgres.
    """
    read_at = await _read_clock(connection)
    rows = await connection.execute(
        select(key_changes.c.public_key, project_keys.c.project_id, project_keys.c.is_active)
        .outerjoin(project_keys, project_keys.c.public_key == key_changes.c.public_key)
        .where(key_changes.c.changed_at > since - _COMMIT_DELAY)
    )
    records: dict[PublicKey, KeyRecord] = {}
    deleted: set[PublicKey] = set()
    for row in rows:
        public_key = PublicKey(row.public_key)
        if row.project_id is None:
            deleted.add(public_key)
        else:
            records[public_key] = KeyRecord(ProjectId(row.project_id), row.is_active)
    return KeyChanges(records, frozenset(deleted), read_at)


async def delete_old_changes(connection: AsyncConnection) -> None:
    """Delete the notes of changes that every process has read long ago."""
    await connection.execute(
        delete(key_changes).where(key_changes.c.changed_at < func.now() - _KEPT_FOR)
    )


async def _read_clock(connection: AsyncConnection) -> datetime:
    read_at: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    return read_at
