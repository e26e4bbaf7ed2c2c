"""Files of digested entries stay for a while, and give way to what is new."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core import clock
from app.journal.appender import JournalAppender
from app.journal.writer import Journal
from tests.support.builders.journals import append, bodies, names
from tests.support.waiting import until

KEEP_S = 60.0


class HeldMonotonicClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> HeldMonotonicClock:
    """Hold the monotonic clock."""
    held = HeldMonotonicClock()
    monkeypatch.setattr(clock, "monotonic_s", held)
    return held


@pytest.fixture
async def journal(root: Path, time: HeldMonotonicClock) -> AsyncIterator[Journal]:
    """Open a journal that begins a file with every write and keeps released ones."""
    opened = Journal.open(root, file_bytes=1, reserve_bytes=0, keep_s=KEEP_S)
    yield opened
    await opened.close()


async def write_entries(journal: Journal, number: int) -> None:
    """Write entries one after another, each to a file of its own."""
    for each in range(number):
        await append(journal, b"body %d" % each)


async def test_released_files_stay_for_their_time(
    journal: Journal, time: HeldMonotonicClock
) -> None:
    """A file goes when it was released long enough ago, at the next sign that Postgres has it."""
    await write_entries(journal, 2)
    journal.release(1)
    await until(lambda: journal.kept_bytes > 0)
    time.now_s += KEEP_S / 2
    journal.release(2)
    await until(lambda: journal.kept_bytes == 2 * 4096)
    time.now_s += KEEP_S / 2
    journal.release(2)
    await until(lambda: journal.kept_bytes == 4096)
    assert names(journal) == [2]
    assert journal.cut_short_bytes == 0


async def test_a_file_stays_until_postgres_is_known_to_have_it(
    journal: Journal, time: HeldMonotonicClock
) -> None:
    """Time alone removes nothing: during an outage nobody knows whether commits are lost."""
    await write_entries(journal, 1)
    journal.release(1)
    await until(lambda: journal.kept_bytes > 0)
    time.now_s += 10 * KEEP_S
    await write_entries(journal, 1)
    assert names(journal) == [1, 2]


async def test_reopened_entries_are_read_again_and_released_again(journal: Journal) -> None:
    """Entries that Postgres lost are backlog again, and their files stay until they are stored."""
    await write_entries(journal, 3)
    journal.release(3)
    await until(lambda: journal.kept_bytes == 3 * 4096)
    assert await journal.reopen(1, until_seq=3, received_ms=7) == 0
    assert journal.kept_bytes == 4096
    backlog = journal.backlog()
    assert (backlog.entries, backlog.oldest_received_ms) == (2, 7)
    assert bodies(journal) == [b"body 0", b"body 1", b"body 2"]
    await write_entries(journal, 1)
    assert journal.backlog().entries == 3
    journal.release(4)
    await until(lambda: journal.kept_bytes == 4 * 4096)
    assert journal.backlog().entries == 0


async def test_missing_files_are_counted(journal: Journal, time: HeldMonotonicClock) -> None:
    """Entries whose files went before Postgres lost them cannot be read again."""
    await write_entries(journal, 4)
    journal.release(2)
    await until(lambda: journal.kept_bytes == 2 * 4096)
    time.now_s += KEEP_S
    journal.release(4)
    await until(lambda: names(journal) == [3, 4])
    assert await journal.reopen(0, until_seq=4, received_ms=7) == 2
    assert await journal.reopen(2, until_seq=4, received_ms=7) == 0


async def test_a_close_leaves_kept_files(root: Path, time: HeldMonotonicClock) -> None:
    """The folder of a stopped process stays while somebody may need what it keeps."""
    opened = Journal.open(root, file_bytes=1, reserve_bytes=0, keep_s=KEEP_S)
    await write_entries(opened, 1)
    opened.release(1)
    await opened.close()
    assert names(opened) == [1]


def appender_of(folder: Path, *, reserve_bytes: int = 0) -> JournalAppender:
    """Make an appender that begins a file with every write."""
    folder.mkdir()
    return JournalAppender(
        folder, file_bytes=1, file_s=10, reserve_bytes=reserve_bytes, keep_s=KEEP_S
    )


def limit_room(monkeypatch: pytest.MonkeyPatch, room_bytes: int) -> None:
    """Pretend that the disk has only so much free space."""
    facts = list(os.statvfs("/"))
    facts[1], facts[4] = 1, room_bytes
    monkeypatch.setattr(os, "fstatvfs", lambda _fd: os.statvfs_result(facts))


def test_kept_files_take_a_tenth_of_the_room(tmp_path, monkeypatch):
    """The oldest go first, and their bytes are counted."""
    appender = appender_of(tmp_path / "journal")
    for seq in range(1, 5):
        appender.write([b"x" * 100], first_seq=seq, last_seq=seq)
    limit_room(monkeypatch, 10 * 4096 * 2 + 50)
    appender.release(4)
    assert appender.kept.size_bytes == 2 * 4096
    assert appender.kept.cut_short_bytes == 2 * 4096
    assert [file.last_seq for file in appender.kept.take_after(0)] == [3, 4]


def test_new_entries_need_the_space_more(tmp_path, monkeypatch):
    """Kept files go before an entry is refused for want of space."""
    appender = appender_of(tmp_path / "journal", reserve_bytes=50_000)
    appender.write([b"x"], first_seq=1, last_seq=1)
    appender.release(1)
    assert appender.kept.size_bytes == 4096
    rooms = iter([40_000, 60_000])
    facts = list(os.statvfs("/"))

    def free_space(_fd: int) -> os.statvfs_result:
        facts[1], facts[4] = 1, next(rooms)
        return os.statvfs_result(facts)

    monkeypatch.setattr(os, "fstatvfs", free_space)
    appender._room_bytes = 0
    monkeypatch.setattr(appender, "_file_bytes", 1_000_000)
    appender.write([b"y"], first_seq=2, last_seq=2)
    assert appender.kept.size_bytes == 0
    assert appender.kept.cut_short_bytes == 4096
