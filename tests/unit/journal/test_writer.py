"""The journal of a process: an entry is settled when it is on disk, and not before."""

import asyncio
import os
import stat

import pytest

from app.core import clock
from app.core.direct_io import BLOCK_BYTES
from app.core.errors import MalformedInput, ServiceUnavailable
from app.journal import files, reader, writer
from app.journal.backlog import Backlog
from app.journal.writer import Journal
from tests.support.builders.journals import (
    FILE_BYTES,
    HeldFsync,
    JournalCallback,
    append,
    bodies,
    names,
)
from tests.support.waiting import until

WAIT_S = 60.0
"""A time that is far longer than any write."""


async def test_appended_entry_is_read_back_whole(journal):
    """Every fact of a request comes back, under the seq that append returned."""
    done = JournalCallback()
    seq = journal.append(
        project_id=7,
        key="k",
        received_ms=1_800_000_000_000,
        client_ip="2001:db8::1",
        content_encoding="br",
        kind="store",
        body=b"\0body\xff",
        on_settled=done,
    )
    await done
    (entry,) = reader.read_entries(journal.path)
    assert (entry.seq, seq, journal.last_seq) == (1, 1, 1)
    assert (entry.project_id, entry.key, entry.received_ms) == (7, "k", 1_800_000_000_000)
    assert (entry.client_ip, entry.content_encoding, entry.kind) == ("2001:db8::1", "br", "store")
    assert entry.body == b"\0body\xff"


async def test_seqs_grow_with_the_order_of_calls(journal):
    """Entries appended at once get the seqs 1, 2, 3 … and lie on disk in that order."""
    seqs = await asyncio.gather(*(append(journal, b"%d" % number) for number in range(50)))
    assert seqs == list(range(1, 51))
    assert bodies(journal) == [b"%d" % number for number in range(50)]


async def test_nothing_is_acknowledged_before_it_is_synced(journal, monkeypatch):
    """An entry is not settled while fdatasync has not returned."""
    gate = HeldFsync(monkeypatch)
    waiting = asyncio.ensure_future(append(journal))
    await gate.reached()
    assert not waiting.done()
    assert journal.last_seq == 0
    assert journal.backlog() == Backlog(0, 0, None)
    gate.open()
    assert await waiting == 1


async def test_wait_for_batch_ends_when_the_batch_is_acknowledged(journal, monkeypatch):
    """Waiting ends when the batch is acknowledged, not sooner; without a batch it ends at once."""
    await journal.wait_for_batch(WAIT_S)
    gate = HeldFsync(monkeypatch)
    append_task = asyncio.ensure_future(append(journal))
    await gate.reached()
    waiting = asyncio.ensure_future(journal.wait_for_batch(WAIT_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await waiting
    assert await append_task == journal.last_seq == 1


async def test_wait_for_batch_gives_up_on_a_slow_disk(journal, monkeypatch):
    """Digest, which only lets answers go first, is not held up by a disk that hangs."""
    gate = HeldFsync(monkeypatch)
    waiting = asyncio.ensure_future(append(journal))
    await gate.reached()
    await journal.wait_for_batch(0.001)
    assert not waiting.done()
    gate.open()
    assert await waiting == 1


async def test_entries_that_arrive_during_a_sync_share_the_next(journal, monkeypatch):
    """Forty entries that were appended meanwhile cost one fdatasync."""
    gate = HeldFsync(monkeypatch)
    first = asyncio.ensure_future(append(journal, b"first"))
    await gate.reached()
    others = [asyncio.ensure_future(append(journal, b"%d" % number)) for number in range(40)]
    await until(lambda: journal._next_seq == 42)
    gate.open()
    await asyncio.gather(first, *others)
    assert gate.syncs == 2
    assert len(bodies(journal)) == 41


@pytest.mark.parametrize(("limit", "value"), [("_BATCH_ENTRIES", 10), ("_BATCH_BYTES", 10)])
async def test_batch_is_bounded(journal, monkeypatch, limit, value):
    """A long queue is written in several steps, in order and without a gap."""
    monkeypatch.setattr(writer, limit, value)
    gate = HeldFsync(monkeypatch)
    waiting = [asyncio.ensure_future(append(journal, b"%d" % number)) for number in range(40)]
    await gate.reached()
    await until(lambda: journal._next_seq == 41)
    gate.open()
    assert await asyncio.gather(*waiting) == list(range(1, 41))
    assert gate.syncs >= 4
    assert bodies(journal) == [b"%d" % number for number in range(40)]


async def test_batch_larger_than_the_write_buffer_is_kept(journal):
    """Writes are cut into pieces of a fixed size; entries are not."""
    sent = [bytes([number]) * 700_001 for number in range(1, 9)]
    await asyncio.gather(*(append(journal, body) for body in sent))
    assert bodies(journal) == sent


async def test_every_write_ends_with_a_block(journal):
    """The next entry begins at a multiple of 4,096, as direct writes require."""
    for body in (b"a", b"b" * 5_000, b""):
        await append(journal, body)
        (live,) = files.list_journal_files(journal.path)
        assert live.path.stat().st_size % BLOCK_BYTES == 0
    assert bodies(journal) == [b"a", b"b" * 5_000, b""]


async def test_short_write_is_continued(journal, monkeypatch):
    """A system call that writes only some of the bytes does not tear an entry."""
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:40], at))
    await append(journal, b"whole" * 20)
    await append(journal, b"")
    assert bodies(journal) == [b"whole" * 20, b""]


async def test_files_are_private(journal, root):
    """Folders are 0700 and files 0600, because a journal holds envelopes before scrubbing."""
    await append(journal)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o700
    for path in journal.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_full_file_is_followed_by_another(journal):
    """A file ends with the entry that exceeds its size; no entry is split over two files."""
    for _ in range(4):
        await append(journal, bytes(FILE_BYTES // 2))
    assert names(journal) == [1, 3]
    assert [each.seq for each in reader.read_entries(journal.path)] == [1, 2, 3, 4]


async def test_entry_larger_than_a_file_is_kept(journal):
    """The size of a file limits when it is closed, and not what it can hold."""
    await append(journal, bytes(3 * FILE_BYTES))
    assert bodies(journal) == [bytes(3 * FILE_BYTES)]


async def test_name_of_a_file_is_synced_before_its_first_entry(journal, monkeypatch):
    """A power cut could otherwise remove the name of the file, and the entry with it."""
    steps: list[str] = []
    for call in ("open", "fsync", "pwrite", "fdatasync"):
        real = getattr(os, call)

        def noting(*args, real=real, call=call, **named):
            steps.append(call)
            return real(*args, **named)

        monkeypatch.setattr(os, call, noting)
    await append(journal)
    await append(journal)
    assert steps == ["open", "fsync", "pwrite", "fdatasync", "pwrite", "fdatasync"]


async def test_released_files_are_removed_whole(journal):
    """A file is removed when everything in it is digested; the file being written stays."""
    for _ in range(5):
        await append(journal, bytes(FILE_BYTES // 2))
    assert names(journal) == [1, 3, 5]
    journal.release(1)
    await append(journal)
    assert names(journal) == [1, 3, 5]
    journal.release(2)
    await until(lambda: names(journal) == [3, 5])
    journal.release(6)
    journal.release(2)
    await until(lambda: names(journal) == [5])
    assert [each.seq for each in reader.read_entries(journal.path, 4)] == [5, 6]


async def test_old_file_is_closed_so_that_it_can_go(root):
    """Digested entries leave the disk even when few arrive."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0, file_s=0.01)
    seq = await append(journal)
    journal.release(seq)
    await until(lambda: names(journal) == [])
    assert await append(journal) == 2
    assert names(journal) in ([2], [])
    await until(lambda: journal._appender._live is None)
    assert bodies(journal) == [b"body"]
    await journal.close()


async def test_old_file_is_closed_by_a_write_too(root):
    """Under constant load the writer thread is never idle enough to close it."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0, file_s=0)
    for _ in range(3):
        await append(journal)
    assert names(journal) == [1, 2, 3]
    await journal.close()


async def test_young_file_stays_open(root, monkeypatch):
    """Closing old files too early changes nothing."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    journal._appender.close_old_file()
    await append(journal)
    journal._appender.close_old_file()
    assert journal._appender._live is not None
    await journal.close()


async def test_backlog_counts_the_entries_that_wait_for_digest(journal):
    """Entries and bytes grow with appends and shrink with releases."""
    await append(journal, b"a" * 10, received_ms=30)
    first_backlog = journal.backlog()
    assert (first_backlog.entries, first_backlog.oldest_received_ms) == (1, 30)
    await append(journal, b"b" * 10, received_ms=20)
    second_backlog = journal.backlog()
    assert (second_backlog.entries, second_backlog.bytes, second_backlog.oldest_received_ms) == (
        2,
        2 * first_backlog.bytes,
        30,
    )
    journal.release(1)
    assert journal.backlog() == Backlog(1, first_backlog.bytes, 20)
    journal.release(2)
    assert journal.backlog() == Backlog(0, 0, None)


async def test_cancelled_append_affects_no_other_entry(journal, monkeypatch):
    """A sender may hang up while its entry is written."""
    gate = HeldFsync(monkeypatch)
    gone = asyncio.ensure_future(append(journal, b"gone"))
    stays = asyncio.ensure_future(append(journal, b"stays"))
    await gate.reached()
    gone.cancel()
    gate.open()
    assert await stays == 2
    assert gone.cancelled()
    assert b"stays" in bodies(journal)


async def test_one_turn_of_the_loop_is_one_batch(journal, monkeypatch):
    """Entries of one turn are synced together, and settled in order by one wake-up."""
    gate = HeldFsync(monkeypatch)
    gate.open()
    woken = 0
    settle = journal._settle

    def counting(batch, reason):
        nonlocal woken
        woken += 1
        settle(batch, reason)

    monkeypatch.setattr(journal, "_settle", counting)
    seqs: list[int] = []

    async def append_number(number: int) -> None:
        seqs.append(await append(journal, b"%d" % number))

    await asyncio.gather(*(append_number(number) for number in range(60)))
    assert (gate.syncs, woken) == (1, 1)
    assert seqs == list(range(1, 61))


async def test_handed_over_entries_do_not_wait_for_the_next_turn(journal):
    """Entries that were handed over are written while the event loop does something else."""
    waiting = asyncio.ensure_future(append(journal))
    await asyncio.sleep(0)
    journal.hand_over()
    deadline_s = clock.monotonic_s() + 20
    while not bodies(journal):  # the loop has no turn meanwhile
        assert clock.monotonic_s() < deadline_s
    assert not waiting.done()
    await waiting


async def test_a_callback_that_fails_affects_no_other_entry(journal):
    """The next entry is settled although the callback of the one before raised an error."""

    def failing(_error: ServiceUnavailable | None) -> None:
        raise ZeroDivisionError

    facts = {"project_id": 7, "key": "k", "received_ms": 1, "client_ip": None}
    journal.append(**facts, content_encoding=None, kind="envelope", body=b"1", on_settled=failing)
    assert await append(journal, b"2") == 2
    assert bodies(journal) == [b"1", b"2"]


async def test_entries_are_turned_away_when_too_many_wait(journal, monkeypatch):
    """A stalled disk does not fill the memory; a single entry is taken, however large."""
    monkeypatch.setattr(writer, "WAITING_BYTES", 1_000)
    gate = HeldFsync(monkeypatch)
    large = asyncio.ensure_future(append(journal, bytes(5_000)))
    await gate.reached()
    with pytest.raises(ServiceUnavailable, match="too slow"):
        await append(journal)
    gate.open()
    await large
    assert await append(journal) == 2


async def test_refused_entry_uses_no_seq(journal):
    """An entry that cannot be encoded takes no seq and no bytes of the queue."""
    with pytest.raises(MalformedInput):
        journal.append(
            project_id=2**80,
            key="k",
            received_ms=1,
            client_ip=None,
            content_encoding=None,
            kind="envelope",
            body=b"",
            on_settled=JournalCallback(),
        )
    assert await append(journal) == 1
    assert journal._waiting_bytes == 0


@pytest.mark.parametrize("reserve_bytes", [2**62])
async def test_reserve_is_kept_free(root, reserve_bytes):
    """Below the reserve nothing is accepted and nothing is written."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=reserve_bytes)
    with pytest.raises(ServiceUnavailable, match="disk space are left"):
        await append(journal)
    assert names(journal) == []
    await journal.close()


async def test_free_space_is_not_read_for_each_write(journal, monkeypatch):
    """The free space is read again after a second, or when too little seems to be left."""
    asked = 0
    real = os.fstatvfs

    def counting(fd):
        nonlocal asked
        asked += 1
        return real(fd)

    now_s = 100.0
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s)
    monkeypatch.setattr(os, "fstatvfs", counting)
    for _ in range(5):
        await append(journal)
    assert asked == 1
    now_s = 101.5
    await append(journal)
    assert asked == 2
    journal._appender._room_bytes = 0
    await append(journal)
    assert asked == 3
