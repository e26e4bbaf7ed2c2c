"""What waits goes to the bucket once, in small files, and leaves it when it is digested."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast, override

import pytest

from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.ingest.spill import spiller as spilling
from app.ingest.spill.cipher import SpillKey, decrypt_entries
from app.ingest.spill.key_ring import SpillKeyRing
from app.ingest.spill.spiller import Spiller
from app.journal.writer import Journal
from app.storage import keys
from app.storage.disk.local import LocalStore
from app.storage.port import ObjectContent
from tests.support.builders.journals import append
from tests.support.waiting import until, until_asked

KEY = SpillKey(7, b"k" * 32)


class KeyInMemory(SpillKeyRing):
    """A ring with one key, as after Postgres went away."""

    def __init__(self) -> None:
        super().__init__(cast(Database, None))
        self.expired = 0

    @property
    @override
    def current(self) -> SpillKey:
        return KEY

    @property
    @override
    def is_fresh(self) -> bool:
        return True

    @override
    def expire(self) -> None:
        self.expired += 1


class FailingStore(LocalStore):
    """A store that can be switched off; `puts` are what it was asked to store."""

    is_away = False
    loses_answers = False

    def __init__(self, root: Path) -> None:
        super().__init__(root, threads=1)
        self.puts: list[str] = []

    @override
    async def put(self, key: str, content: ObjectContent) -> None:
        self.puts.append(key)
        if self.is_away:
            raise ServiceUnavailable("switched off")
        await super().put(key, content)
        if self.loses_answers:
            raise ServiceUnavailable("no answer")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FailingStore]:
    """Open an empty store."""
    opened = FailingStore(tmp_path / "objects")
    yield opened
    await opened.close()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """Open an empty journal that keeps what is released."""
    opened = Journal.open(tmp_path / "journal", file_bytes=1, reserve_bytes=0, keep_s=60)
    yield opened
    await opened.close()


@pytest.fixture
async def spiller(
    store: FailingStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Spiller]:
    """Start a spiller that spills soon."""
    monkeypatch.setattr(spilling, "_TICK_S", 0.01)
    monkeypatch.setattr(spilling, "_PAUSE_S", 0.01)
    started = Spiller(store, journal, KeyInMemory(), after_s=0.05)
    started.start()
    yield started
    await started.stop()


async def read_bodies(store: FailingStore) -> list[bytes]:
    """Return the bodies of all entries in the bucket, file by file."""
    bodies: list[bytes] = []
    for stored in await store.list(keys.SPILL_PREFIX):
        content = await store.read(stored.key)
        bodies += [entry.body for entry in decrypt_entries(KEY, stored.key, content)]
    return bodies


async def test_what_waits_is_spilled_once(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """Each entry is put once; the names of files say which entries they hold."""
    await append(journal, b"one")
    await until(lambda: spiller.spilled_seq == 1)
    await append(journal, b"two")
    await append(journal, b"three")
    await until(lambda: spiller.spilled_seq == 3)
    assert await read_bodies(store) == [b"one", b"two", b"three"]
    names = [keys.read_spill_key(key) for key in store.puts]
    ranges = [(name.first_seq, name.last_seq) for name in names if name is not None]
    assert ranges[0] == (1, 1)
    assert [first for first, _ in ranges[1:]] == [last + 1 for _, last in ranges[:-1]]
    assert {name.cipher_key_id for name in names if name is not None} == {7}


async def test_digested_files_are_deleted(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """A file goes when its last entry is digested, and what is digested is not spilled again."""
    await append(journal, b"one")
    await until(lambda: spiller.spilled_seq == 1)
    journal.release(1)
    await until(lambda: spiller.spilled_seq is None)
    assert await store.list(keys.SPILL_PREFIX) == []
    await append(journal, b"two")
    await until(lambda: spiller.spilled_seq == 2)
    assert await read_bodies(store) == [b"two"]


async def test_what_is_digested_in_time_costs_nothing(
    store: FailingStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While no entry waits for long, the bucket is asked for nothing."""
    monkeypatch.setattr(spilling, "_TICK_S", 0.0)
    started = Spiller(store, journal, KeyInMemory(), after_s=30)
    started.start()
    for _ in range(30):
        journal.release(await append(journal, b"quick"))
        await asyncio.sleep(0)
    await started.stop()
    assert store.puts == []


async def test_files_are_small(
    store: FailingStore, journal: Journal, spiller: Spiller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file holds as much as fits; an entry that is larger has a file by itself."""
    monkeypatch.setattr(spilling, "FILE_BYTES", 2_000)
    store.is_away = True
    sizes = [500, 500, 500, 9_000, 500]
    for size in sizes:
        await append(journal, b"x" * size)
    store.is_away = False
    await until(lambda: spiller.spilled_seq == 5)
    stored = await store.list(keys.SPILL_PREFIX)
    names = [keys.read_spill_key(each.key) for each in stored]
    assert [(name.first_seq, name.last_seq) for name in names if name is not None] == [
        (1, 2), (3, 3), (4, 4), (5, 5),
    ]  # fmt: skip
    assert [len(body) for body in await read_bodies(store)] == sizes


async def test_a_bucket_that_is_away_leaves_entries_in_the_journal(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """Spilling goes on when the bucket is back."""
    store.is_away = True
    await append(journal, b"one")
    await until(lambda: len(store.puts) > 2)
    assert spiller.spilled_seq is None
    store.is_away = False
    await until(lambda: spiller.spilled_seq == 1)
    assert await read_bodies(store) == [b"one"]


async def test_a_file_whose_answer_was_lost_does_not_stay(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """Whatever a failed put has left behind is deleted before the next one."""
    store.loses_answers = True
    await append(journal, b"one")
    await until(lambda: len(store.puts) > 1)
    await append(journal, b"two")
    store.loses_answers = False
    await until(lambda: spiller.spilled_seq == 2)
    assert sorted(await read_bodies(store)) == [b"one", b"two"]
    journal.release(2)

    async def is_empty() -> bool:
        return not await store.list(keys.SPILL_PREFIX)

    await until_asked(is_empty)


async def test_everything_is_spilled_anew_when_postgres_lost_commits(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """The files in the bucket never leave out an entry that must be stored again."""
    for body in (b"one", b"two", b"three"):
        await append(journal, body)
    journal.release(2)
    await until(lambda: spiller.spilled_seq == 3)
    assert await journal.reopen(0, until_seq=2, received_ms=1) == 0

    async def is_whole() -> bool:
        return await read_bodies(store) == [b"one", b"two", b"three"]

    await until_asked(is_whole)
    assert cast(Any, spiller.key_ring).expired == 1


async def test_a_stop_deletes_what_is_digested_and_leaves_the_rest(
    store: FailingStore, journal: Journal, spiller: Spiller
) -> None:
    """Entries that a stopped process had not digested can be adopted from the bucket."""
    await append(journal, b"one")
    await until(lambda: spiller.spilled_seq == 1)
    await append(journal, b"two")
    await until(lambda: spiller.spilled_seq == 2)
    journal.release(1)
    await spiller.stop()
    assert await read_bodies(store) == [b"two"]
