"""A database and its object store know one another, and no process mixes them up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.processes import store_claim
from app.processes.store_check import StoreCheck
from app.storage import keys
from app.storage.disk.local import LocalStore
from app.storage.guarded import GuardedStore
from app.storage.port import StoreMismatch


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[GuardedStore]:
    """Open local storage that a check has to allow first."""
    store = GuardedStore(LocalStore(folder, threads=2))
    yield store
    await store.close()


def make_check(
    database: Database, database_url: str, store: GuardedStore, place: str, *, pause_s: float = 60
) -> StoreCheck:
    """Make the check of a process whose database is prepared."""
    prepared = asyncio.Event()
    prepared.set()
    return StoreCheck(
        database, store, place, setup_url=database_url, prepared=prepared, pause_s=pause_s
    )


async def test_the_first_start_claims_the_store_and_later_ones_compare(
    database, database_url, tmp_path
):
    """All processes of a database get the same id, those that start at once included."""
    async with open_store(tmp_path) as store:
        ids = await asyncio.gather(
            *(
                store_claim.check_store(
                    database, store.inner, f"disk {number}", setup_url=database_url
                )
                for number in range(4)
            )
        )
        assert len(set(ids)) == 1
        assert await store_claim.read_marks(store.inner) == ids[:1]
        async with database.reading() as connection:
            claim = await store_claim.read_claim(connection)
        assert claim is not None
        assert claim.store_id == ids[0]
        assert claim.place.startswith("disk ")


async def test_another_store_is_refused_and_told_apart(database, database_url, tmp_path):
    """The message names both places, and what to do."""
    async with open_store(tmp_path / "a") as first, open_store(tmp_path / "b") as second:
        await store_claim.check_store(database, first.inner, "/a on one", setup_url=database_url)
        with pytest.raises(StoreMismatch, match=r"/a on one since .*/b on two is another store"):
            await store_claim.check_store(
                database, second.inner, "/b on two", setup_url=database_url
            )
        await second.inner.put(keys.make_store_mark_key("b" * 32), b"")
        with pytest.raises(StoreMismatch, match=r"belongs to another database.*storage claim"):
            await store_claim.check_store(
                database, second.inner, "/b on two", setup_url=database_url
            )


async def test_a_new_database_does_not_take_the_store_of_another(database, database_url, tmp_path):
    """Its sweep would delete what it has no rows for."""
    async with open_store(tmp_path) as store:
        await store.inner.put(keys.make_store_mark_key("a" * 32), b"")
        with pytest.raises(StoreMismatch, match="belong to another database"):
            await store_claim.check_store(database, store.inner, "/a", setup_url=database_url)


async def test_nothing_is_stored_until_the_store_is_compared(database, database_url, tmp_path):
    """Calls fail as they do while storage is away, so that digest waits."""
    async with open_store(tmp_path) as store:
        for call in (
            store.put("a/b", b"c"), store.put_many([("a/b", b"c")]), store.read("a/b"),
            store.list(""), store.delete("a/b"), store.wipe("a/b", [(0, 1)]), store.probe(),
            store.remove_unfinished(),
        ):  # fmt: skip
            with pytest.raises(ServiceUnavailable, match="not been compared"):
                await call
        check = make_check(database, database_url, store, "/a")
        await check.begin()
        await store.put("a/b", b"c")
        await store.put_many([("a/d", b"e")])
        assert await store.read("a/b") == b"c"
        await store.wipe("a/b", [(0, 1)])
        assert [each.key for each in await store.list("a/")] == ["a/b", "a/d"]
        await store.delete("a/b")
        assert await store.probe() == ()
        assert await store.remove_unfinished() == 0
        await check.stop()


async def test_a_start_on_the_wrong_store_fails(database, database_url, tmp_path):
    """`begin` raises, and the store stays closed with the same reason."""
    async with open_store(tmp_path / "a") as first, open_store(tmp_path / "b") as second:
        await make_check(database, database_url, first, "/a").check()
        check = make_check(database, database_url, second, "/b")
        with pytest.raises(StoreMismatch, match="/b is another store"):
            await check.begin()
        with pytest.raises(StoreMismatch, match="/b is another store"):
            await second.put("a/b", b"c")
        await check.stop()


async def test_a_running_process_notices_that_another_store_was_claimed(
    database, database_url, tmp_path
):
    """After `storage claim`, the old store is used no more, and the new one may be."""
    async with open_store(tmp_path / "a") as old, open_store(tmp_path / "b") as new:
        check = make_check(database, database_url, old, "/a")
        await check.check()
        await new.inner.put(keys.make_store_mark_key("e" * 32), b"")  # of an older claim
        async with database.transaction() as connection:
            store_id = await store_claim.claim_store(connection, new.inner, "/b")
        assert await store_claim.read_marks(new.inner) == [store_id]
        await make_check(database, database_url, new, "/b").check()
        with pytest.raises(StoreMismatch, match="lie at /b"):
            await check.check()


async def test_a_claim_that_a_failover_lost_is_put_back(database, database_url, tmp_path):
    """A process that runs knows which store it has compared."""
    async with open_store(tmp_path) as store:
        check = make_check(database, database_url, store, "/a")
        await check.check()
        async with database.transaction() as connection:
            await connection.execute(text("delete from object_stores"))
        await check.check()
        async with database.reading() as connection:
            claim = await store_claim.read_claim(connection)
        assert claim is not None
        assert [claim.store_id] == await store_claim.read_marks(store.inner)


async def test_a_start_without_postgres_does_not_wait(tmp_path):
    """The check goes on by itself, and the store cannot be used meanwhile."""
    async with open_store(tmp_path) as store:
        nowhere = Database.open("postgresql://nobody@127.0.0.1:9/none")
        check = StoreCheck(
            nowhere, store, "/a", setup_url="postgresql://127.0.0.1:9/none",
            prepared=asyncio.Event(),
        )  # fmt: skip
        await check.begin()
        with pytest.raises(ServiceUnavailable, match="not been compared"):
            await store.list("")
        await check.stop()
        await nowhere.close()
