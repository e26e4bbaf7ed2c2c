"""The inbox keeps what fits, and says when the rest is on disk only."""

import asyncio

import pytest

from app.core.ids import ProjectId, PublicKey
from app.formats.wire.envelope import Envelope, EnvelopeHeader
from app.ingest import queue as inboxes
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue


def _fresh(seq: int, size_bytes: int = 10) -> AcceptedEnvelope:
    return AcceptedEnvelope(
        seq=seq,
        project_id=ProjectId(1),
        key=PublicKey("k"),
        received_ms=0,
        client_ip=None,
        envelope=Envelope(EnvelopeHeader(), ()),
        body=bytes(size_bytes),
        is_key_known=True,
    )


async def test_entries_come_out_in_order():
    """First in, first out, one batch."""
    inbox = EnvelopeQueue(100)
    inbox.add(_fresh(1))
    inbox.add(_fresh(2))
    assert await inbox.wait_for_arrival(0)
    assert [fresh.seq for fresh in inbox.take()] == [1, 2]
    assert not await inbox.wait_for_arrival(0)


async def test_too_much_is_left_on_disk():
    """Beyond the limit only the fact is kept that something is missing."""
    inbox = EnvelopeQueue(25)
    for seq in (1, 2, 3, 4):
        inbox.add(_fresh(seq))
    assert inbox.is_behind
    assert [fresh.seq for fresh in inbox.take()] == [1, 2]
    assert await inbox.wait_for_arrival(0)
    assert inbox.take() == []
    inbox.caught_up()
    inbox.add(_fresh(5))
    assert [fresh.seq for fresh in inbox.take()] == [5]


async def test_one_entry_larger_than_the_limit_passes_alone():
    """An empty inbox takes whatever comes, or it would never come."""
    inbox = EnvelopeQueue(5)
    inbox.add(_fresh(1, 50))
    assert not inbox.is_behind
    assert [fresh.seq for fresh in inbox.take()] == [1]


async def test_falling_behind_forgets_memory():
    """After a failure everything is read from the journal again."""
    inbox = EnvelopeQueue(100)
    inbox.add(_fresh(1))
    inbox.fall_behind()
    assert inbox.take() == []
    assert await inbox.wait_for_arrival(0)


@pytest.mark.parametrize(("entries", "batches"), [(256, [256]), (257, [256, 1])])
async def test_batches_are_bounded(entries, batches):
    """A batch has at most 256 entries."""
    inbox = EnvelopeQueue(10_000)
    for seq in range(1, entries + 1):
        inbox.add(_fresh(seq))
    assert [len(inbox.take()) for _ in batches] == batches


async def test_who_comes_when_memory_is_nearly_full_waits_until_digest_takes():
    """The wait ends with the batch that makes room."""
    inbox = EnvelopeQueue(100)
    for seq in range(1, 9):
        inbox.add(_fresh(seq))
    waiting = asyncio.create_task(inbox.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.take()
    await waiting
    assert not inbox.is_behind


async def test_nobody_waits_for_a_digest_that_stands_still(monkeypatch):
    """With Postgres away for long, answers are not held back: what comes is on disk only."""
    monkeypatch.setattr(inboxes, "_ROOM_S", 0.01)
    inbox = EnvelopeQueue(100)
    for seq in range(1, 12):
        await inbox.wait_for_room()
        inbox.add(_fresh(seq))
    assert inbox.is_behind
    monkeypatch.setattr(inboxes, "_ROOM_S", 3_600.0)
    for seq in range(12, 20):
        await inbox.wait_for_room()
        inbox.add(_fresh(seq))


async def test_failing_to_digest_lets_the_waiting_in():
    """Memory that was forgotten is room."""
    inbox = EnvelopeQueue(100)
    for seq in range(1, 9):
        inbox.add(_fresh(seq))
    waiting = asyncio.create_task(inbox.wait_for_room())
    await asyncio.sleep(0)
    inbox.fall_behind()
    await waiting
