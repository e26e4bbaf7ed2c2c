"""The journal on a disk that fails: not acknowledged, never reused, well again by itself."""

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.core.errors import ServiceUnavailable
from app.journal import files, reader
from app.journal.reader import JournalDamage
from app.journal.writer import Journal
from tests.support.builders.journals import append
from tests.support.faults import mounts

MIB = 1024 * 1024


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """An open journal with large files."""
    opened = Journal.open(tmp_path / "journal", file_bytes=64 * MIB, reserve_bytes=0)
    yield opened
    await opened.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    with mounts.tmpfs(tmp_path / "disk", size_mib=8, inodes=64) as point:
        yield point


def failing(call: str, code: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the next call fail, then work again; the list returned is empty once it did."""
    real = getattr(os, call)
    left = [code]

    def once(*args, **named):
        if left:
            raise OSError(left.pop(), os.strerror(code))
        return real(*args, **named)

    monkeypatch.setattr(os, call, once)
    return left


async def fill(journal: Journal, words: str) -> list[int]:
    """Append until the journal turns an entry away with these words; return what was kept."""
    kept: list[int] = []
    for _ in range(99):
        try:
            seq = await append(journal, os.urandom(300_000))
        except ServiceUnavailable as error:
            assert words in str(error)  # noqa: PT017 - after a loop of unknown length
            return kept
        kept.append(seq)
    raise AssertionError("the disk never fills")


def everything(journal: Journal) -> list[tuple[int, bytes]]:
    """Read the journal back; nothing that was acknowledged may be damaged."""
    damages: list[JournalDamage] = []
    found = list(reader.read_entries(journal.path, on_damage=damages.append))
    assert damages == []
    return [(each.seq, each.body) for each in found]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
async def test_failed_sync_is_not_acknowledged_and_its_file_not_reused(journal, monkeypatch, code):
    """After fdatasync failed once, that file is never written again and the next entry is kept."""
    await append(journal, b"before")
    failing("fdatasync", code, monkeypatch)
    with pytest.raises(ServiceUnavailable, match=r"cannot write"):
        await append(journal, b"failed")
    assert journal.last_seq == 1
    assert await append(journal, b"after") == 3
    assert [each.first_seq for each in files.list_journal_files(journal.path)] == [1, 3]
    assert everything(journal) == [(1, b"before"), (3, b"after")]


def half_written() -> Callable[[int, memoryview, int], int]:
    """Make a pwrite that takes 30 bytes and then fails for ever."""
    pwrite = os.pwrite
    rooms = [30]

    def call(fd: int, data: memoryview, at: int) -> int:
        if not rooms:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pwrite(fd, data[: rooms.pop()], at)

    return call


async def test_whole_batch_of_a_failed_sync_hears_of_it(journal, monkeypatch):
    """None of the entries that shared the write is acknowledged."""
    left = failing("fdatasync", errno.EIO, monkeypatch)
    answers = await asyncio.gather(
        *(append(journal, b"%d" % number) for number in range(20)), return_exceptions=True
    )
    kept = [answer for answer in answers if isinstance(answer, int)]
    refused = [answer for answer in answers if isinstance(answer, ServiceUnavailable)]
    assert left == []
    assert len(refused) >= 1
    assert len(kept) + len(refused) == 20
    assert [seq for seq, _ in everything(journal)] == kept
    assert journal.backlog().entries == len(kept)


@pytest.mark.parametrize("call", ["pwrite", "open", "fsync"])
async def test_failed_first_write_leaves_no_file(journal, monkeypatch, call):
    """Whichever step of a new file fails, the file is gone and the next append makes another."""
    failing(call, errno.ENOSPC, monkeypatch)
    with pytest.raises(ServiceUnavailable):
        await append(journal, b"failed")
    assert files.list_journal_files(journal.path) == []
    assert await append(journal, b"after") == 2
    assert everything(journal) == [(2, b"after")]


async def test_half_written_entry_is_cut_off(journal, monkeypatch):
    """A write that stops in the middle leaves the file as long as it was promised."""
    await append(journal, b"before")
    (file,) = files.list_journal_files(journal.path)
    size = file.path.stat().st_size
    with monkeypatch.context() as short:
        short.setattr(os, "pwrite", half_written())
        with pytest.raises(ServiceUnavailable):
            await append(journal, b"failed" * 50)
    assert file.path.stat().st_size == size
    assert await append(journal, b"after") == 3
    assert everything(journal) == [(1, b"before"), (3, b"after")]


async def test_tail_that_cannot_be_cut_off_is_passed_over(journal, monkeypatch):
    """A disk that refuses even to shorten the file leaves a torn tail, which is no damage."""
    await append(journal, b"before")
    failing("ftruncate", errno.EIO, monkeypatch)
    with monkeypatch.context() as short:
        short.setattr(os, "pwrite", half_written())
        with pytest.raises(ServiceUnavailable):
            await append(journal, b"failed" * 50)
    assert everything(journal) == [(1, b"before")]
    await append(journal, b"after")
    assert everything(journal) == [(1, b"before"), (3, b"after")]


async def test_file_that_cannot_be_removed_is_removed_later(journal, monkeypatch):
    """A failed unlink costs nothing but a second try."""
    failing("fdatasync", errno.EIO, monkeypatch)
    failing("unlink", errno.EIO, monkeypatch)
    with pytest.raises(ServiceUnavailable):
        await append(journal, b"failed")
    assert [each.first_seq for each in files.list_journal_files(journal.path)] == [1]
    assert await append(journal, b"after") == 2
    assert everything(journal) == [(2, b"after")]
    journal.release(0)
    journal.release(2)
    await journal.close()
    assert not journal.path.exists()


async def test_failing_close_is_no_failure(journal, monkeypatch):
    """What counts was synced; an error of close changes nothing for it."""
    await append(journal, b"kept")
    real = os.close

    def grumbling(fd: int) -> None:
        real(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    live = journal._appender._live
    assert live is not None
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", grumbling)
        journal._appender._finish(live)
    assert everything(journal) == [(1, b"kept")]
    assert await append(journal, b"after") == 2


@mounts.needs_root
async def test_full_disk_turns_away_and_recovers(small_disk):
    """A full disk of 8 MiB refuses, acknowledges nothing torn, and recovers with its space."""
    journal = Journal.open(small_disk / "journal", file_bytes=2 * MIB, reserve_bytes=0)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 * MIB))
    kept = await fill(journal, "disk space are left")
    assert len(kept) >= 10
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            await append(journal, os.urandom(300_000))
    assert [seq for seq, _ in everything(journal)] == kept
    ballast.unlink()
    kept.append(await append(journal, b"well again"))
    assert everything(journal)[-1] == (kept[-1], b"well again")
    assert [seq for seq, _ in everything(journal)] == kept
    journal.release(kept[-1])
    await journal.close()
    assert list((small_disk / "journal").iterdir()) == []


@mounts.needs_root
async def test_disk_that_fills_inside_a_write_tears_nothing(small_disk, monkeypatch):
    """Space that vanishes between the check and the write is noticed by the write."""
    journal = Journal.open(small_disk / "journal", file_bytes=64 * MIB, reserve_bytes=0)
    monkeypatch.setattr(journal._appender, "_check_room", lambda _size_bytes: None)
    kept = [await append(journal, os.urandom(300_000)) for _ in range(3)]
    (small_disk / "ballast").write_bytes(bytes(7 * MIB - 64 * 1024))
    with pytest.raises(ServiceUnavailable, match="No space left"):
        await append(journal, os.urandom(300_000))
    assert [seq for seq, _ in everything(journal)] == kept
    (small_disk / "ballast").unlink()
    kept.append(await append(journal, b"well again"))
    assert [seq for seq, _ in everything(journal)] == kept
    await journal.close()


@mounts.needs_root
async def test_disk_without_inodes_turns_away_and_recovers(small_disk):
    """A full table of files is a full disk."""
    journal = Journal.open(small_disk / "journal", file_bytes=64 * 1024, reserve_bytes=0)
    strays = [small_disk / f"stray{number}" for number in range(99)]
    with contextlib.suppress(OSError):
        for stray in strays:
            stray.touch()
    assert not strays[-1].exists()
    with pytest.raises(ServiceUnavailable, match="No space left"):
        await append(journal)
    for stray in strays:
        stray.unlink(missing_ok=True)
    assert await append(journal) == 2
    await journal.close()


@mounts.needs_root
async def test_reserve_is_kept_on_a_small_disk(small_disk):
    """The journal stops while others still have the room that was reserved for them."""
    journal = Journal.open(small_disk / "journal", file_bytes=64 * MIB, reserve_bytes=3 * MIB)
    assert await fill(journal, "3.0 MiB are kept free")
    facts = os.statvfs(small_disk)
    assert 3 * MIB <= facts.f_bavail * facts.f_frsize < 3 * MIB + 400_000
    await journal.close()
