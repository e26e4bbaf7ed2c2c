"""The queue keeps what fits into memory, and says when the rest is on disk only."""

import asyncio

import pytest

from app.core.ids import ProjectId, PublicKey
from app.formats.wire.envelope import Envelope, EnvelopeHeader
from app.ingest import queue as envelope_queue
from app.ingest.queue import AcceptedEnvelope, EnvelopeQueue


def make_envelope(seq: int, size_bytes: int = 10) -> AcceptedEnvelope:
    """Make an accepted envelope whose body has so many bytes."""
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
    """Entries come out as one batch, in the order in which they were put in."""
    queue = EnvelopeQueue(100)
    queue.add(make_envelope(1))
    queue.add(make_envelope(2))
    assert await queue.wait_for_arrival(0)
    assert [envelope.seq for envelope in queue.take()] == [1, 2]
    assert not await queue.wait_for_arrival(0)


async def test_what_does_not_fit_is_left_on_disk():
    """Beyond the limit the queue only remembers that envelopes are missing."""
    queue = EnvelopeQueue(25)
    for seq in (1, 2, 3, 4):
        queue.add(make_envelope(seq))
    assert queue.is_behind
    assert [envelope.seq for envelope in queue.take()] == [1, 2]
    assert await queue.wait_for_arrival(0)
    assert queue.take() == []
    queue.catch_up()
    queue.add(make_envelope(5))
    assert [envelope.seq for envelope in queue.take()] == [5]


async def test_one_entry_larger_than_the_limit_passes_alone():
    """An empty queue takes whatever comes, since it would never have room for it otherwise."""
    queue = EnvelopeQueue(5)
    queue.add(make_envelope(1, 50))
    assert not queue.is_behind
    assert [envelope.seq for envelope in queue.take()] == [1]


async def test_falling_behind_drops_memory():
    """After a failure everything is read from the journal again."""
    queue = EnvelopeQueue(100)
    queue.add(make_envelope(1))
    queue.fall_behind()
    assert queue.take() == []
    assert await queue.wait_for_arrival(0)


@pytest.mark.parametrize(("entries", "batches"), [(256, [256]), (257, [256, 1])])
async def test_batches_are_bounded(entries, batches):
    """A batch has at most 256 entries."""
    queue = EnvelopeQueue(10_000)
    for seq in range(1, entries + 1):
        queue.add(make_envelope(seq))
    assert [len(queue.take()) for _ in batches] == batches


async def test_an_envelope_waits_while_memory_is_nearly_full():
    """The wait ends when digest takes a batch."""
    queue = EnvelopeQueue(100)
    for seq in range(1, 9):
        queue.add(make_envelope(seq))
    waiting = asyncio.create_task(queue.wait_for_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.take()
    await waiting
    assert not queue.is_behind


async def test_envelopes_do_not_wait_for_a_digest_that_stands_still(monkeypatch):
    """Answers do not wait while Postgres is down for long: envelopes are then on disk only."""
    monkeypatch.setattr(envelope_queue, "_MOST_WAIT_S", 0.01)
    queue = EnvelopeQueue(100)
    for seq in range(1, 12):
        await queue.wait_for_room()
        queue.add(make_envelope(seq))
    assert queue.is_behind
    monkeypatch.setattr(envelope_queue, "_MOST_WAIT_S", 3_600.0)
    for seq in range(12, 20):
        await queue.wait_for_room()
        queue.add(make_envelope(seq))


async def test_falling_behind_ends_the_wait():
    """The memory that is dropped makes room."""
    queue = EnvelopeQueue(100)
    for seq in range(1, 9):
        queue.add(make_envelope(seq))
    waiting = asyncio.create_task(queue.wait_for_room())
    await asyncio.sleep(0)
    queue.fall_behind()
    await waiting
