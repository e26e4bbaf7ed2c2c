"""Keys of spilled files: one a day, the same for all processes, deleted when nobody needs them."""

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import MalformedInput
from app.db.engine import Database
from app.ingest.spill import key_ring
from app.ingest.spill.key_ring import SpillKeyRing, delete_old_keys


async def age_keys(database: Database, days: float) -> None:
    """Let days pass since every key was made."""
    async with database.transaction() as connection:
        await connection.execute(
            text("update spill_keys set made_at = made_at - make_interval(secs => :seconds)"),
            {"seconds": days * 86_400},
        )


async def test_processes_use_the_key_of_the_day(database: Database) -> None:
    """The second process takes the key that the first has made, and the next day has another."""
    first, second = SpillKeyRing(database), SpillKeyRing(database)
    assert not first.is_fresh
    await first.refresh()
    await second.refresh()
    assert first.current == second.current is not None
    await age_keys(database, 1.01)
    await second.refresh()
    assert second.current != first.current
    assert second.current is not None
    assert await first.find(second.current.id) == second.current


async def test_a_key_is_used_without_postgres_for_a_while(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres may be away for more than a day; after that, nobody would have the key any more."""
    ring = SpillKeyRing(database)
    await ring.refresh()
    now_s = clock.monotonic_s()
    monkeypatch.setattr(key_ring, "monotonic_s", lambda: now_s + 86_400)
    assert ring.current is not None
    assert not ring.is_fresh
    monkeypatch.setattr(key_ring, "monotonic_s", lambda: now_s + 2 * 86_400)
    assert ring.current is None


async def test_old_keys_go_unless_a_file_names_them(database: Database) -> None:
    """Copies of spilled files are unreadable from then on."""
    for _ in range(3):
        await SpillKeyRing(database).refresh()
        await age_keys(database, 1.5)
    async with database.transaction() as connection:
        ids = list(await connection.scalars(text("select id from spill_keys order by id")))
        assert await delete_old_keys(connection, used=ids[:1]) == 1
        left = list(await connection.scalars(text("select id from spill_keys order by id")))
    assert left == [ids[0], ids[2]]
    with pytest.raises(MalformedInput, match="is gone"):
        await SpillKeyRing(database).find(ids[1])
