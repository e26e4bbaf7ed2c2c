"""The key cache answers quickly, follows Postgres closely, and works without it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.core import ids
from app.core.ids import PublicKey
from app.db.engine import Database
from app.projects import key_changes, keys, queries, writes
from app.projects.keys import UNKNOWN_YET, KeyAnswer, KeyCache
from app.projects.model import KeyRecord, ProjectKey
from tests.support.servers.postgres import run_sql
from tests.support.waiting import until

NEVER_S = 3600.0


async def make_key(database: Database, name: str = "Shop") -> ProjectKey:
    """Add a project with one key."""
    async with database.transaction() as connection:
        project = await writes.add_project(connection, name)
        return await writes.add_key(connection, project.id, label="Default")


@asynccontextmanager
async def run_cache(cache: KeyCache, database: Database) -> AsyncIterator[KeyCache]:
    """Start a cache and stop it at the end of the block."""
    await cache.start(database)
    try:
        yield cache
    finally:
        await cache.stop()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the list of what the cache reads from Postgres, in order; None means all keys."""
    calls: list[object] = []
    read_key_records = queries.read_key_records

    async def count_and_read(connection, public_keys=None):
        calls.append(None if public_keys is None else sorted(public_keys))
        return await read_key_records(connection, public_keys)

    monkeypatch.setattr(queries, "read_key_records", count_and_read)
    return calls


async def test_keys_that_exist_at_the_start_are_known(database: Database):
    """After `start`, a lookup returns project and state from memory."""
    key = await make_key(database)
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        assert cache.lookup(key.public_key) == KeyRecord(key.project_id, is_active=True)
        assert await cache.settle(key.public_key) is KeyAnswer.KNOWN


async def test_a_later_key_is_found_at_its_first_use(database: Database):
    """A new DSN works at once, and not only after the next refresh."""
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        key = await make_key(database)
        assert cache.lookup(key.public_key) is UNKNOWN_YET
        assert await cache.settle(key.public_key) is KeyAnswer.KNOWN
        assert cache.lookup(key.public_key) == KeyRecord(key.project_id, is_active=True)


async def test_a_made_up_key_is_remembered_as_unknown(database: Database, reads: list[object]):
    """The second envelope with an unknown key costs no read."""
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        stranger = ids.new_public_key()
        assert await cache.settle(stranger) is KeyAnswer.UNKNOWN
        assert cache.lookup(stranger) is None
        assert await cache.settle(stranger) is KeyAnswer.UNKNOWN
    assert reads == [None, [stranger]]


async def test_an_unknown_key_is_read_again_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """A key that is used before it is created becomes known without a restart."""
    now_s = 100.0
    monkeypatch.setattr(keys, "monotonic_s", lambda: now_s)
    async with run_cache(KeyCache(refresh_s=NEVER_S, pause_s=0), database) as cache:
        early = ids.new_public_key()
        assert await cache.settle(early) is KeyAnswer.UNKNOWN
        async with database.transaction() as connection:
            project = await writes.add_project(connection, "Late")
            await writes.add_key(connection, project.id, label="x", public_key=early)
        assert cache.lookup(early) is None
        now_s += 5
        assert cache.lookup(early) is UNKNOWN_YET
        assert await cache.settle(early) is KeyAnswer.KNOWN


async def test_misses_share_one_read(database: Database, reads: list[object]):
    """Fifty unknown keys at once cost at most two reads: one for the first, one for the others."""
    async with run_cache(KeyCache(refresh_s=NEVER_S, pause_s=0), database) as cache:
        strangers = [ids.new_public_key() for _ in range(50)]
        twice = [*strangers, *strangers]
        answers = await asyncio.gather(*(cache.settle(key) for key in twice))
    assert set(answers) == {KeyAnswer.UNKNOWN}
    assert len(reads) <= 3


async def test_memory_of_unknown_keys_is_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """The cache forgets unknown keys before they fill the memory."""
    monkeypatch.setattr(keys, "_MOST_UNKNOWN", 10)
    async with run_cache(KeyCache(refresh_s=NEVER_S, pause_s=0), database) as cache:
        strangers = [ids.new_public_key() for _ in range(25)]
        await asyncio.gather(*(cache.settle(key) for key in strangers))
        assert sum(cache.lookup(key) is None for key in strangers) == 5


async def test_a_key_switched_off_elsewhere_is_noticed(database: Database):
    """A refresh notices that another process switched a key off."""
    key = await make_key(database)
    async with run_cache(KeyCache(refresh_s=0.01), database) as cache:
        async with database.transaction() as connection:
            await writes.set_key_active(connection, key.project_id, key.public_key, is_active=False)
        await until(lambda: cache.lookup(key.public_key) == KeyRecord(key.project_id, False))


async def test_a_key_deleted_with_its_project_is_forgotten(database: Database, database_url: str):
    """A refresh drops keys that Postgres no longer has."""
    key = await make_key(database)
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        await run_sql(database_url, "delete from projects")
        assert await cache.refresh() is True
        assert cache.lookup(key.public_key) is UNKNOWN_YET
        assert await cache.settle(key.public_key) is KeyAnswer.UNKNOWN


async def test_only_changes_are_read_and_all_keys_once_an_hour(
    database: Database, reads: list[object], monkeypatch: pytest.MonkeyPatch
):
    """Very many keys cost nothing while nobody changes them."""
    now_s = 100.0
    monkeypatch.setattr(keys, "monotonic_s", lambda: now_s)
    first = await make_key(database)
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        second = await make_key(database, "Other")
        await cache.refresh()
        known = KeyRecord(second.project_id, is_active=True)
        assert cache.lookup(second.public_key) == known
        assert reads == [None]
        now_s += 3_600
        await cache.refresh()
        assert reads == [None, None]
        assert cache.lookup(first.public_key) == KeyRecord(first.project_id, is_active=True)


async def test_a_change_that_was_long_on_its_way_is_not_missed(
    database: Database, database_url: str
):
    """A transaction that ends after a later one was read is read all the same."""
    key = await make_key(database)
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        async with database.transaction() as slow:
            await writes.set_key_active(slow, key.project_id, key.public_key, is_active=False)
            await make_key(database, "Other")
            await cache.refresh()
            assert cache.lookup(key.public_key) == KeyRecord(key.project_id, is_active=True)
        await cache.refresh()
        assert cache.lookup(key.public_key) == KeyRecord(key.project_id, is_active=False)


async def test_old_notes_of_changes_go(database: Database, database_url: str):
    """The notes of a day ago are deleted, those of today stay."""
    await make_key(database)
    await run_sql(database_url, "update key_changes set changed_at = now() - interval '25 hours'")
    key = await make_key(database, "Other")
    async with database.transaction() as connection:
        await key_changes.delete_old_changes(connection)
        rows = await connection.exec_driver_sql("select public_key from key_changes")
        assert [row.public_key for row in rows] == [key.public_key]


async def test_without_postgres_known_keys_stay_accepted(
    database: Database, database_url: str, postgres_url: str
):
    """While Postgres is away, known keys are accepted and new ones are "unreachable"."""
    key = await make_key(database)
    async with run_cache(KeyCache(refresh_s=NEVER_S), database) as cache:
        name = database_url.partition("?")[0].rpartition("/")[2]
        await run_sql(postgres_url, f'drop database "{name}" with (force)')
        assert await cache.refresh() is False
        assert cache.lookup(key.public_key) == KeyRecord(key.project_id, is_active=True)
        assert await cache.settle(key.public_key) is KeyAnswer.KNOWN
        stranger = ids.new_public_key()
        assert await cache.settle(stranger) is KeyAnswer.UNREACHABLE
        assert cache.lookup(stranger) is UNKNOWN_YET


async def test_a_cache_starts_without_postgres(tmp_path: Path):
    """A server that starts while Postgres is down accepts envelopes anyway."""
    nowhere = Database.open(f"postgresql://postgres@/postgres?host={tmp_path}")
    async with run_cache(KeyCache(refresh_s=NEVER_S), nowhere) as cache:
        assert await cache.settle(PublicKey("a" * 32)) is KeyAnswer.UNREACHABLE
    await nowhere.close()


async def test_a_read_that_hangs_is_not_waited_for(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """Phones are not kept waiting when Postgres does not answer."""
    monkeypatch.setattr(keys, "_SETTLE_S", 0.05)
    async with (
        run_cache(KeyCache(refresh_s=NEVER_S), database) as cache,
        database.transaction() as connection,
    ):
        await connection.exec_driver_sql("lock table project_keys in access exclusive mode")
        assert await cache.settle(ids.new_public_key()) is KeyAnswer.UNREACHABLE


async def test_a_cache_that_was_not_started_knows_nothing(database: Database):
    """Before `start` no key is known, and `stop` answers those who wait."""
    cache = KeyCache()
    stranger = ids.new_public_key()
    assert cache.lookup(stranger) is UNKNOWN_YET
    assert await cache.refresh() is False
    waiting = asyncio.create_task(cache.settle(stranger))
    await asyncio.sleep(0)
    await cache.stop()
    assert await waiting is KeyAnswer.UNREACHABLE
