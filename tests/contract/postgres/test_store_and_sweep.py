"""A batch that is stored twice counts once, and one stuck object delays no other."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import override

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.ids import EventId, ProjectId, ReplayId
from app.db.engine import Database
from app.erasure.sweep import sweep_once
from app.ingest.digest import marks
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.store import LaidOutBatch, store_batch
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.batch_files import PreparedFile
from app.ingest.items.item_type import PreparedBatch
from app.ingest.outcomes import outcome_key
from app.issues.model import NewAttachment
from app.projects.model import Outcome
from app.replays import writes
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectContent
from tests.support.builders.stored_segments import store_claimed

KEY = ReplayKey(ProjectId(1), ReplayId("5b1c0f4e9a7d4c3e8f20716d3b9a4c55"))


class StubbornStore(LocalStore):
    """An object store that fails to delete one object."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, threads=1)
        self.deleted: list[str] = []

    @override
    async def delete(self, key: str) -> None:
        if key == "stays":
            raise ServiceUnavailable("a bad block")
        self.deleted.append(key)


@pytest.fixture
async def objects(tmp_path: Path) -> AsyncIterator[StubbornStore]:
    """Open a store in a folder of its own."""
    store = StubbornStore(tmp_path)
    yield store
    await store.close()


async def test_a_batch_whose_commit_got_no_answer_counts_once(database, objects):
    """A batch that is stored again with the same mark after a lost COMMIT counts once."""
    async with database.transaction() as connection:
        mark = await marks.claim_mark(connection, "a" * 32)
    for is_again in (False, True):
        prepared = PreparedBatch()
        prepared.outcomes[outcome_key(ProjectId(1), "session", Outcome.KEPT)] += 1
        batch = LaidOutBatch.of(prepared, JournalRange("a" * 32, 1, 7))
        await store_batch(database, objects, batch, replace(mark), is_again=is_again)
    async with database.reading() as connection:
        assert await connection.scalar(text("select sum(quantity) from outcomes")) == 1


@pytest.mark.parametrize("first", ["stays", "goes"])
async def test_an_object_that_cannot_be_deleted_delays_no_other(database, objects, first):
    """In any order the other object is removed, and the stuck one is tried again."""
    second = "goes" if first == "stays" else "stays"
    async with database.transaction() as connection:
        for name in (first, second):
            await writes.discard_objects(connection, [name], clock.now())
    await sweep_once(database, objects)
    assert objects.deleted == ["goes"]
    async with database.reading() as connection:
        remaining = await connection.scalars(text("select object_key from object_outbox"))
        assert list(remaining) == ["stays"]


class SweptStore(LocalStore):
    """An object store that is swept right after something is put."""

    database: Database | None = None

    @override
    async def put_many(self, objects: Sequence[tuple[str, ObjectContent]]) -> None:
        await super().put_many(objects)
        if self.database is not None:
            database, self.database = self.database, None
            await sweep_once(database, self)


def make_batch_with_file(seq: int) -> tuple[LaidOutBatch, str]:
    """Lay out a batch of one file, and return the key of its object as well."""
    event_id, sha256 = EventId("e" * 32), hashlib.sha256(b"file").hexdigest()
    prepared = PreparedBatch()
    file = NewAttachment(
        ProjectId(1), event_id, sha256, "a.txt", None, "event.attachment", clock.now(), 4,
        prepared.day,
    )  # fmt: skip
    prepared.rows_of(ATTACHMENT).append(PreparedFile(file, memoryview(b"file")))
    batch = LaidOutBatch.of(prepared, JournalRange("d" * 32, seq, seq))
    (key,) = batch.files.contents
    return batch, key


async def test_a_file_sent_again_while_it_is_swept_is_kept(database, tmp_path):
    """A file is kept although the sweep ran between its object and its row."""
    objects = SweptStore(tmp_path, threads=1)
    first, _ = make_batch_with_file(1)
    await store_claimed(database, objects, first)
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "with gone as (delete from attachments returning *)"
                " insert into file_outbox (project_id, event_id, object_key, added_at)"
                " select project_id, event_id, object_key, now() from gone"
            )
        )
    objects.database = database
    again, key = make_batch_with_file(2)
    await store_claimed(database, objects, again)
    await sweep_once(database, objects)
    assert [(each.key, await objects.read(each.key)) for each in await objects.list("")] == [
        (key, b"file")
    ]
    async with database.reading() as connection:
        assert await connection.scalar(text("select object_key from attachments")) == key
    await objects.close()


async def test_swept_files_are_forgotten_after_an_hour(database, objects):
    """For an hour the outbox remembers that an object may be gone."""
    now = clock.now()
    async with database.transaction() as connection:
        for name, hours in (("old", 2), ("new", 0)):
            await connection.execute(
                text(
                    "insert into file_outbox (project_id, event_id, object_key, added_at, swept_at)"
                    " values (1, :id, :name, :at, :at)"
                ),
                {"id": uuid.uuid4(), "name": name, "at": now - timedelta(hours=hours)},
            )
    await sweep_once(database, objects)
    async with database.reading() as connection:
        remaining = await connection.scalars(text("select object_key from file_outbox"))
        assert list(remaining) == ["new"]
    assert objects.deleted == []
