"""The journal of a process: what `append` returned for is on disk, and nothing else is promised."""

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
from tests.support.builders.journals import FILE_BYTES, Done, Gate, append, bodies, names
from tests.support.waiting import until

WAIT_S = 60.0
"""Far longer than any write."""


async def test_appended_entry_is_read_back_whole(journal):
    """Every fact of a request comes back, under the seq that append returned."""
    done = Done()
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
    (found,) = reader.read_entries(journal.path)
    assert (found.seq, seq, journal.last_seq) == (1, 1, 1)
    assert (found.project_id, found.key, found.received_ms) == (7, "k", 1_800_000_000_000)
    assert (found.client_ip, found.content_encoding, found.kind) == ("2001:db8::1", "br", "store")
    assert found.body == b"\0body\xff"


async def test_seqs_grow_with_the_order_of_calls(journal):
    """Entries appended at once get the seqs 1, 2, 3 … and lie on disk in that order."""
    seqs = await asyncio.gather(*(append(journal, b"%d" % number) for number in range(50)))
    assert seqs == list(range(1, 51))
    assert bodies(journal) == [b"%d" % number for number in range(50)]


async def test_nothing_is_acknowledged_before_it_is_synced(journal, monkeypatch):
    """While fdatasync has not returned, append has not either."""
    gate = Gate(monkeypatch)
    waiting = asyncio.ensure_future(append(journal))
    await gate.reached()
    assert not waiting.done()
    assert journal.last_seq == 0
    assert journal.backlog() == Backlog(0, 0, None)
    gate.open()
    assert await waiting == 1


async def test_written_waits_until_the_batch_under_way_is_told(journal, monkeypatch):
    """It ends with the answer, not before; without a batch it ends at once."""
    await journal.wait_for_batch(WAIT_S)
    gate = Gate(monkeypatch)
    told = asyncio.ensure_future(append(journal))
    await gate.reached()
    waiting = asyncio.ensure_future(journal.wait_for_batch(WAIT_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.open()
    await waiting
    assert await told == journal.last_seq == 1


async def test_written_gives_up_on_a_slow_disk(journal, monkeypatch):
    """A disk that hangs holds nobody who only wanted to let answers go first."""
    gate = Gate(monkeypatch)
    waiting = asyncio.ensure_future(append(journal))
    await gate.reached()
    await journal.wait_for_batch(0.001)
    assert not waiting.done()
    gate.open()
    assert await waiting == 1


async def test_what_arrives_during_a_sync_goes_with_the_next(journal, monkeypatch):
    """Forty entries that came meanwhile cost one fdatasync."""
    gate = Gate(monkeypatch)
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
    """A long queue is written in several steps, none forgotten, in order."""
    monkeypatch.setattr(writer, limit, value)
    gate = Gate(monkeypatch)
    waiting = [asyncio.ensure_future(append(journal, b"%d" % number)) for number in range(40)]
    await gate.reached()
    await until(lambda: journal._next_seq == 41)
    gate.open()
    assert await asyncio.gather(*waiting) == list(range(1, 41))
    assert gate.syncs >= 4
    assert bodies(journal) == [b"%d" % number for number in range(40)]


async def test_batch_larger_than_the_buffer_it_passes_through(journal):
    """Writes are cut into pieces of a fixed size; entries are not."""
    sent = [bytes([number]) * 700_001 for number in range(1, 9)]
    await asyncio.gather(*(append(journal, body) for body in sent))
    assert bodies(journal) == sent


async def test_every_write_ends_with_a_block(journal):
    """What is appended next begins at a multiple of 4,096, which direct writes ask for."""
    for body in (b"a", b"b" * 5_000, b""):
        await append(journal, body)
        (live,) = files.list_journal_files(journal.path)
        assert live.path.stat().st_size % BLOCK_BYTES == 0
    assert bodies(journal) == [b"a", b"b" * 5_000, b""]


async def test_short_write_is_continued(journal, monkeypatch):
    """A call that takes only some bytes does not tear an entry."""
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:40], at))
    await append(journal, b"whole" * 20)
    await append(journal, b"")
    assert bodies(journal) == [b"whole" * 20, b""]


async def test_files_are_private(journal, root):
    """Folders are 0700 and files 0600: a journal holds envelopes as they came."""
    await append(journal)
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o700
    for path in journal.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_full_file_is_followed_by_another(journal):
    """A file ends with the entry that crosses its size; entries are never split over two."""
    for _ in range(4):
        await append(journal, bytes(FILE_BYTES // 2))
    assert names(journal) == [1, 3]
    assert [each.seq for each in reader.read_entries(journal.path)] == [1, 2, 3, 4]


async def test_entry_larger_than_a_file_is_kept(journal):
    """The size of a file is where it ends, not what it can hold."""
    await append(journal, bytes(3 * FILE_BYTES))
    assert bodies(journal) == [bytes(3 * FILE_BYTES)]


async def test_name_of_a_file_is_synced_before_its_first_entry(journal, monkeypatch):
    """An entry in a file whose name a power cut takes away would be lost."""
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
    """A file goes when all in it is digested, not before; the live file stays."""
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
    """Also when little comes in, what is digested leaves the disk."""
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
    """Under constant load nobody is idle to look at the clock."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0, file_s=0)
    for _ in range(3):
        await append(journal)
    assert names(journal) == [1, 2, 3]
    await journal.close()


async def test_young_file_outlives_an_idle_look(root, monkeypatch):
    """A look that comes too early changes nothing."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=0)
    journal._appender.close_old_file()
    await append(journal)
    journal._appender.close_old_file()
    assert journal._appender._live is not None
    await journal.close()


async def test_backlog_tells_what_waits_for_digestion(journal):
    """Entries, bytes and the oldest receipt go up with appends and down with releases."""
    await append(journal, b"a" * 10, received_ms=30)
    one = journal.backlog()
    assert (one.entries, one.oldest_received_ms) == (1, 30)
    await append(journal, b"b" * 10, received_ms=20)
    two = journal.backlog()
    assert (two.entries, two.bytes, two.oldest_received_ms) == (2, 2 * one.bytes, 30)
    journal.release(1)
    assert journal.backlog() == Backlog(1, one.bytes, 20)
    journal.release(2)
    assert journal.backlog() == Backlog(0, 0, None)


async def test_cancelled_append_harms_nobody(journal, monkeypatch):
    """A sender that hangs up while its entry is written leaves the others untouched."""
    gate = Gate(monkeypatch)
    gone = asyncio.ensure_future(append(journal, b"gone"))
    stays = asyncio.ensure_future(append(journal, b"stays"))
    await gate.reached()
    gone.cancel()
    gate.open()
    assert await stays == 2
    assert gone.cancelled()
    assert b"stays" in bodies(journal)


async def test_one_turn_of_the_loop_is_one_batch(journal, monkeypatch):
    """What comes together is synced together, and told by one wake-up, in order."""
    gate = Gate(monkeypatch)
    gate.open()
    woken = 0
    settle = journal._settle

    def counting(batch, reason):
        nonlocal woken
        woken += 1
        settle(batch, reason)

    monkeypatch.setattr(journal, "_settle", counting)
    told: list[int] = []

    async def one(number: int) -> None:
        told.append(await append(journal, b"%d" % number))

    await asyncio.gather(*(one(number) for number in range(60)))
    assert (gate.syncs, woken) == (1, 1)
    assert told == list(range(1, 61))


async def test_what_is_handed_over_does_not_wait_for_a_turn(journal):
    """It is written while the event loop does something else."""
    waiting = asyncio.ensure_future(append(journal))
    await asyncio.sleep(0)
    journal.hand_over()
    deadline_s = clock.monotonic_s() + 20
    while not bodies(journal):  # the loop has no turn meanwhile
        assert clock.monotonic_s() < deadline_s
    assert not waiting.done()
    await waiting


async def test_one_who_fails_to_listen_takes_nothing_from_others(journal):
    """A bug in what is called of one entry does not keep the next from being told."""

    def failing(_error: ServiceUnavailable | None) -> None:
        raise ZeroDivisionError

    facts = {"project_id": 7, "key": "k", "received_ms": 1, "client_ip": None}
    journal.append(**facts, content_encoding=None, kind="envelope", body=b"1", on_settled=failing)
    assert await append(journal, b"2") == 2
    assert bodies(journal) == [b"1", b"2"]


async def test_too_much_waiting_is_turned_away(journal, monkeypatch):
    """A stalled disk does not fill the memory; whatever is alone is taken, however large."""
    monkeypatch.setattr(writer, "WAITING_BYTES", 1_000)
    gate = Gate(monkeypatch)
    large = asyncio.ensure_future(append(journal, bytes(5_000)))
    await gate.reached()
    with pytest.raises(ServiceUnavailable, match="too slow"):
        await append(journal)
    gate.open()
    await large
    assert await append(journal) == 2


async def test_refused_entry_leaves_no_hole(journal):
    """What cannot be written down costs no seq and no bytes of the queue."""
    with pytest.raises(MalformedInput):
        journal.append(
            project_id=2**80,
            key="k",
            received_ms=1,
            client_ip=None,
            content_encoding=None,
            kind="envelope",
            body=b"",
            on_settled=Done(),
        )
    assert await append(journal) == 1
    assert journal._waiting_bytes == 0


@pytest.mark.parametrize("reserve_bytes", [2**62])
async def test_reserve_is_kept_free(root, reserve_bytes):
    """Under the reserve nothing is accepted and nothing is written."""
    journal = Journal.open(root, file_bytes=FILE_BYTES, reserve_bytes=reserve_bytes)
    with pytest.raises(ServiceUnavailable, match="disk space are left"):
        await append(journal)
    assert names(journal) == []
    await journal.close()


async def test_free_space_is_not_asked_for_each_write(journal, monkeypatch):
    """The figure is trusted for a second, less what was written; too little is asked again."""
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
