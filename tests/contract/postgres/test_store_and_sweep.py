"""Storing twice counts once, and an object that stays holds up no other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typing_extensions import override

from app.core import clock
from app.core.errors import Unavailable
from app.core.ids import ProjectId, ReplayId
from app.erasure.sweep import sweep
from app.ingest.outcomes import outcome_key
from app.ingest.pack import Mark
from app.ingest.prepared import Prepared
from app.ingest.store import Batch, store
from app.projects.model import Outcome
from app.replays import writes
from app.replays.model import ReplayKey
from app.storage.local import LocalStore

KEY = ReplayKey(ProjectId(1), ReplayId("5b1c0f4e9a7d4c3e8f20716d3b9a4c55"))


class Objects(LocalStore):
    """An object store that keeps one object whatever is asked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, threads=1)
        self.deleted: list[str] = []

    @override
    async def delete(self, key: str) -> None:
        if key == "stays":
            raise Unavailable("a bad block")
        self.deleted.append(key)


@pytest.fixture
async def objects(tmp_path: Path) -> AsyncIterator[Objects]:
    """A store in a folder of its own."""
    opened = Objects(tmp_path)
    yield opened
    await opened.close()


async def test_a_batch_whose_commit_went_unanswered_counts_once(database, objects):
    """The connection broke after COMMIT: the same batch comes again with the same mark."""
    for _ in range(2):
        prepared = Prepared()
        prepared.outcomes[outcome_key(ProjectId(1), "session", Outcome.KEPT)] += 1
        await store(database, objects, Batch.of(prepared, Mark("a" * 32, 1, 7)))
    async with database.reading() as connection:
        assert await connection.scalar(text("select sum(quantity) from outcomes")) == 1


@pytest.mark.parametrize("first", ["stays", "goes"])
async def test_an_object_that_stays_holds_up_no_other(database, objects, first):
    """Whatever the order, the rest is removed, and the one is tried again."""
    second = "goes" if first == "stays" else "stays"
    async with database.transaction() as connection:
        for name in (first, second):
            await writes.discard_objects(connection, [name], clock.now())
    await sweep(database, objects)
    assert objects.deleted == ["goes"]
    async with database.reading() as connection:
        left = await connection.scalars(text("select object_key from object_outbox"))
        assert list(left) == ["stays"]
