"""A journal on a failing disk acknowledges nothing that is lost, and recovers by itself."""

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
    """Open a journal with large files."""
    open_journal = Journal.open(tmp_path / "journal", file_bytes=64 * MIB, reserve_bytes=0)
    yield open_journal
    await open_journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 8 MiB."""
    with mounts.tmpfs(tmp_path / "disk", size_mib=8, inodes=64) as mount_point:
        yield mount_point


def fail_once(call: str, code: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make the next call fail and later ones work; the returned list is empty once it failed."""
    real = getattr(os, call)
    pending_codes = [code]

    def fail_or_call(*args, **named):
        if pending_codes:
            raise OSError(pending_codes.pop(), os.strerror(code))
        return real(*args, **named)

    monkeypatch.setattr(os, call, fail_or_call)
    return pending_codes


async def fill_disk(journal: Journal, words: str) -> list[int]:
    """Append until the journal refuses an entry with these words; return the kept numbers."""
    kept: list[int] = []
    for _ in range(99):
        try:
            seq = await append(journal, os.urandom(300_000))
        except ServiceUnavailable as error:
            assert words in str(error)  # noqa: PT017 - after a loop of unknown length
            return kept
        kept.append(seq)
    raise AssertionError("the disk never fills")


def read_all_entries(journal: Journal) -> list[tuple[int, bytes]]:
    """Read the journal back, and check that nothing acknowledged is damaged."""
    damages: list[JournalDamage] = []
    entries = list(reader.read_entries(journal.path, on_damage=damages.append))
    assert damages == []
    return [(entry.seq, entry.body) for entry in entries]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
async def test_a_file_whose_sync_failed_is_never_written_again(journal, monkeypatch, code):
    """An entry whose sync fails is not acknowledged, and the next one gets a new file."""
    await append(journal, b"before")
    fail_once("fdatasync", code, monkeypatch)
    with pytest.raises(ServiceUnavailable, match=r"cannot write"):
        await append(journal, b"failed")
    assert journal.last_seq == 1
    assert await append(journal, b"after") == 3
    assert [file.first_seq for file in files.list_journal_files(journal.path)] == [1, 3]
    assert read_all_entries(journal) == [(1, b"before"), (3, b"after")]


def make_half_write() -> Callable[[int, memoryview, int], int]:
    """Make a pwrite that writes 30 bytes and then always fails."""
    pwrite = os.pwrite
    rooms = [30]

    def call(fd: int, data: memoryview, at: int) -> int:
        if not rooms:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return pwrite(fd, data[: rooms.pop()], at)

    return call


async def test_a_failed_sync_refuses_its_whole_batch(journal, monkeypatch):
    """No entry that shared a failed write is acknowledged."""
    pending_codes = fail_once("fdatasync", errno.EIO, monkeypatch)
    answers = await asyncio.gather(
        *(append(journal, b"%d" % number) for number in range(20)), return_exceptions=True
    )
    kept = [answer for answer in answers if isinstance(answer, int)]
    refused = [answer for answer in answers if isinstance(answer, ServiceUnavailable)]
    assert pending_codes == []
    assert len(refused) >= 1
    assert len(kept) + len(refused) == 20
    assert [seq for seq, _ in read_all_entries(journal)] == kept
    assert journal.backlog().entries == len(kept)


@pytest.mark.parametrize("call", ["pwrite", "open", "fsync"])
async def test_a_failed_first_write_leaves_no_file(journal, monkeypatch, call):
    """When a step of a new file fails, the file is removed and the next append makes another."""
    fail_once(call, errno.ENOSPC, monkeypatch)
    with pytest.raises(ServiceUnavailable):
        await append(journal, b"failed")
    assert files.list_journal_files(journal.path) == []
    assert await append(journal, b"after") == 2
    assert read_all_entries(journal) == [(2, b"after")]


async def test_a_half_written_entry_is_cut_off(journal, monkeypatch):
    """A write that stops in the middle is cut off, and the file keeps its allocated size."""
    await append(journal, b"before")
    (file,) = files.list_journal_files(journal.path)
    size = file.path.stat().st_size
    with monkeypatch.context() as short:
        short.setattr(os, "pwrite", make_half_write())
        with pytest.raises(ServiceUnavailable):
            await append(journal, b"failed" * 50)
    assert file.path.stat().st_size == size
    assert await append(journal, b"after") == 3
    assert read_all_entries(journal) == [(1, b"before"), (3, b"after")]


async def test_a_torn_tail_that_stays_is_skipped(journal, monkeypatch):
    """A torn tail that the disk refuses to cut off does not count as damage."""
    await append(journal, b"before")
    fail_once("ftruncate", errno.EIO, monkeypatch)
    with monkeypatch.context() as short:
        short.setattr(os, "pwrite", make_half_write())
        with pytest.raises(ServiceUnavailable):
            await append(journal, b"failed" * 50)
    assert read_all_entries(journal) == [(1, b"before")]
    await append(journal, b"after")
    assert read_all_entries(journal) == [(1, b"before"), (3, b"after")]


async def test_a_file_that_cannot_be_removed_is_removed_later(journal, monkeypatch):
    """A failed unlink is tried again later."""
    fail_once("fdatasync", errno.EIO, monkeypatch)
    fail_once("unlink", errno.EIO, monkeypatch)
    with pytest.raises(ServiceUnavailable):
        await append(journal, b"failed")
    assert [file.first_seq for file in files.list_journal_files(journal.path)] == [1]
    assert await append(journal, b"after") == 2
    assert read_all_entries(journal) == [(2, b"after")]
    journal.release(0)
    journal.release(2)
    await journal.close()
    assert not journal.path.exists()


async def test_a_failing_close_loses_nothing(journal, monkeypatch):
    """An error of close does not affect entries that were synced before."""
    await append(journal, b"kept")
    real = os.close

    def close_with_error(fd: int) -> None:
        real(fd)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    live = journal._appender._live
    assert live is not None
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", close_with_error)
        journal._appender._finish(live)
    assert read_all_entries(journal) == [(1, b"kept")]
    assert await append(journal, b"after") == 2


@mounts.needs_root
async def test_a_full_disk_refuses_entries_and_recovers(small_disk):
    """A full disk refuses entries, tears none that is acknowledged, and recovers with space."""
    journal = Journal.open(small_disk / "journal", file_bytes=2 * MIB, reserve_bytes=0)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 * MIB))
    kept = await fill_disk(journal, "disk space are left")
    assert len(kept) >= 10
    for _ in range(5):
        with pytest.raises(ServiceUnavailable):
            await append(journal, os.urandom(300_000))
    assert [seq for seq, _ in read_all_entries(journal)] == kept
    ballast.unlink()
    kept.append(await append(journal, b"well again"))
    assert read_all_entries(journal)[-1] == (kept[-1], b"well again")
    assert [seq for seq, _ in read_all_entries(journal)] == kept
    journal.release(kept[-1])
    await journal.close()
    assert list((small_disk / "journal").iterdir()) == []


@mounts.needs_root
async def test_a_disk_that_fills_during_a_write_tears_nothing(small_disk, monkeypatch):
    """A write fails cleanly when the space vanishes after the check for it."""
    journal = Journal.open(small_disk / "journal", file_bytes=64 * MIB, reserve_bytes=0)
    monkeypatch.setattr(journal._appender, "_check_room", lambda _size_bytes: None)
    kept = [await append(journal, os.urandom(300_000)) for _ in range(3)]
    (small_disk / "ballast").write_bytes(bytes(7 * MIB - 64 * 1024))
    with pytest.raises(ServiceUnavailable, match="No space left"):
        await append(journal, os.urandom(300_000))
    assert [seq for seq, _ in read_all_entries(journal)] == kept
    (small_disk / "ballast").unlink()
    kept.append(await append(journal, b"well again"))
    assert [seq for seq, _ in read_all_entries(journal)] == kept
    await journal.close()


@mounts.needs_root
async def test_a_disk_without_inodes_refuses_entries_and_recovers(small_disk):
    """A disk without free inodes is treated like a full disk."""
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
async def test_the_reserve_is_kept_on_a_small_disk(small_disk):
    """The journal stops while the space that is reserved for others is still free."""
    journal = Journal.open(small_disk / "journal", file_bytes=64 * MIB, reserve_bytes=3 * MIB)
    assert await fill_disk(journal, "3.0 MiB are kept free")
    facts = os.statvfs(small_disk)
    assert 3 * MIB <= facts.f_bavail * facts.f_frsize < 3 * MIB + 400_000
    await journal.close()
