"""Files of days that ended are removed from storage, and hold up nothing else."""

from datetime import timedelta
from pathlib import Path
from typing import override

from sqlalchemy import text

from app.core import clock
from app.db.engine import Database
from app.erasure.sweep import sweep_once
from app.projects import retention_rules
from app.projects.retention_rules import ProjectRules
from app.retention import receipts
from app.retention.run import run_retention
from app.retention.sweep import sweep_ended_days
from app.storage import keys
from app.storage.disk.local import LocalStore
from tests.contract.postgres.retention.test_retention import (
    KEEP_7,
    data,
    list_objects,
    make_shop,
    run,
)
from tests.support.builders.aged_data import AgedData

__all__ = ["data"]


async def test_files_that_no_row_names_go_with_their_day(data: AgedData):
    """They go for all projects when the day ends for one; what rows name stays."""
    shop = await make_shop(data, KEEP_7)
    bank = await make_shop(data, ProjectRules(follows_server=False, keep_days=30), "Bank")
    day = data.day(10)
    batch = keys.make_batch_files_prefix(day, "c" * 32, 9)
    strays = {
        f"{day}/{shop}/e/{'e' * 32}/{'a' * 16}",
        *(keys.make_attachment_key(batch, each, "e" * 32, "a" * 64) for each in (shop, bank)),
    }
    for stray in strays:
        await data.objects.put(stray, b"file")
    await data.add_event(shop, age=10)
    event = await data.add_event(bank, age=10, retention_class=3)
    assert len(await list_objects(data)) == 5
    await run(data)
    (kept,) = await list_objects(data)
    assert event in kept
    async with data.database.transaction() as connection:
        await retention_rules.write_rules(connection, bank, KEEP_7)
    await run(data)
    assert await list_objects(data) == []


async def test_days_whose_files_still_wait_do_not_hold_up_others(data: AgedData, monkeypatch):
    """One sweep removes some files of the outbox, and closes the receipts that wait for none."""
    monkeypatch.setattr("app.erasure.sweep._BATCH", 1)
    monkeypatch.setattr("app.retention.sweep._FILE_TURNS", 1)
    shop = await make_shop(data, KEEP_7)
    for age in (10, 10, 10, 9):
        await data.add_event(shop, age=age, has_file=age == 10)
    await run_retention(data.database, longest_days=None)
    await sweep_ended_days(data.database, data.objects)
    assert len(await list_objects(data)) == 2
    async with data.database.reading() as connection:
        listed = await receipts.list_receipts(connection, [shop], limit=9)
    assert {each.day for each in listed if each.swept_at} == {data.day(9)}
    while await sweep_once(data.database, data.objects):
        pass
    await sweep_ended_days(data.database, data.objects)
    assert await data.count("day_receipts", "swept_at is null") == 0
    assert await list_objects(data) == []


class WatchedStore(LocalStore):
    """An object store that notes which entries of the outbox are locked while it deletes."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, threads=2)
        self._database = database
        self.unlocked: dict[str, bool] = {}

    @override
    async def delete(self, key: str) -> None:
        async with self._database.transaction() as connection:
            unlocked = await connection.scalar(
                text("select id from file_outbox where object_key = :key for update skip locked"),
                {"key": key},
            )
        self.unlocked[key] = unlocked is not None
        await super().delete(key)


async def test_no_transaction_waits_while_files_are_deleted(database: Database, tmp_path: Path):
    """Only what the release before may put again, today, stays locked until it is deleted."""
    today = clock.now().date()
    event, sha = "e" * 32, "a" * 16
    batch = keys.make_batch_files_prefix(today, "c" * 32, 1)
    unlocked = {
        **{
            keys.make_attachment_key(batch, number, event, "a" * 64): True for number in range(1, 9)
        },
        f"{today - timedelta(days=9)}/1/e/{event}/{sha}": True,
        f"p/1/e/{event}/{sha}": True,
        f"{today}/1/e/{event}/{sha}": False,
    }
    async with database.transaction() as connection:
        for key in unlocked:
            await connection.execute(
                text(
                    "insert into file_outbox (project_id, event_id, object_key, added_at)"
                    " values (1, cast(:event as uuid), :key, now())"
                ),
                {"event": event, "key": key},
            )
    store = WatchedStore(tmp_path, database)
    await sweep_once(database, store)
    assert store.unlocked == unlocked
    async with database.reading() as connection:
        waiting = await connection.scalar(
            text("select count(*) from file_outbox where swept_at is null")
        )
    assert waiting == 0
    await store.close()
