"""Keys of spilled files: made once a day, kept in Postgres, and in memory while it is away.

    today's key ─► encrypts ─► a newer one is there ─► two days later, no file names it ─► deleted

When a key is deleted, what it encrypted cannot be read any more, wherever a copy of it may be.
"""

import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import monotonic_s
from app.core.errors import MalformedInput
from app.db.engine import Database
from app.ingest.spill.cipher import SECRET_BYTES, SpillKey
from app.ingest.spill.tables import spill_keys

_USED_FOR: Final = timedelta(days=1)
_KEPT_FOR: Final = timedelta(days=3)
_USABLE_S: Final = 1.5 * 86_400
"""The time for which a process uses its last key while Postgres is away. The key is at most a
day old when it is read, so it is not deleted meanwhile."""
_FRESH_S: Final = 600.0


class SpillKeyRing:
    """The keys that this process knows. Use it from one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, SpillKey] = {}
        self._current: SpillKey | None = None
        self._read_at_s = 0.0

    @property
    def current(self) -> SpillKey | None:
        """The key to encrypt with; None as long as Postgres has not answered."""
        return self._current if monotonic_s() - self._read_at_s < _USABLE_S else None

    @property
    def is_fresh(self) -> bool:
        """True if the key was looked for a short time ago."""
        return self._current is not None and monotonic_s() - self._read_at_s < _FRESH_S

    def expire(self) -> None:
        """Look for the key again soon: Postgres may have lost it."""
        self._current = None

    async def refresh(self) -> None:
        """Find the key of today, or make it.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        asked_at_s = monotonic_s()
        async with self._database.transaction() as connection:
            self._current = await _find_or_make_key(connection)
        self._known[self._current.id] = self._current
        self._read_at_s = asked_at_s

    async def find(self, key_id: int) -> SpillKey:
        """Return a key by its id.

        Raises:
            MalformedInput: There is no such key any more.
            ServiceUnavailable: Postgres does not answer.
        """
        if key_id not in self._known:
            async with self._database.reading() as connection:
                secret = await connection.scalar(
                    select(spill_keys.c.secret).where(spill_keys.c.id == key_id)
                )
            if secret is None:
                raise MalformedInput(f"key {key_id} of spilled files is gone")
            self._known[key_id] = SpillKey(key_id, bytes(secret))
        return self._known[key_id]


async def delete_old_keys(connection: AsyncConnection, *, used: Collection[int]) -> int:
    """Delete the keys that nobody encrypts with any more and that no spilled file names.

    Args:
        connection: The connection to read with.
        used: The ids that the files in the bucket name.

    Returns:
        How many keys went.
    """
    deleted = await connection.execute(
        delete(spill_keys).where(
            spill_keys.c.made_at < func.now() - _KEPT_FOR, spill_keys.c.id.not_in(list(used))
        )
    )
    return deleted.rowcount


async def _find_or_make_key(connection: AsyncConnection) -> SpillKey:
    """Return the newest key if it is young enough; two processes may make one each, harmlessly."""
    columns = (spill_keys.c.id, spill_keys.c.secret)
    found = await connection.execute(
        select(*columns)
        .where(spill_keys.c.made_at > func.now() - _USED_FOR)
        .order_by(spill_keys.c.id.desc())
        .limit(1)
    )
    row = found.first()
    if row is None:
        made = await connection.execute(
            insert(spill_keys).values(secret=secrets.token_bytes(SECRET_BYTES)).returning(*columns)
        )
        row = made.one()
    return SpillKey(row.id, bytes(row.secret))
