"""Counting the entries that are not digested yet."""

from hypothesis import given, strategies as st

from app.journal import backlog
from app.journal.backlog import Backlog, BacklogCounter


def test_nothing_waits_at_first():
    """An empty journal has no oldest entry."""
    assert BacklogCounter().backlog() == Backlog(0, 0, None)


def test_writes_are_counted_until_released():
    """Entries and bytes add up; the oldest is that of the first write still there."""
    counter = BacklogCounter()
    counter.add(3, entries=3, size_bytes=30, oldest_received_ms=100)
    counter.add(5, entries=2, size_bytes=7, oldest_received_ms=90)
    assert counter.backlog() == Backlog(5, 37, 100)
    counter.release(4)
    assert counter.backlog() == Backlog(2, 7, 90)
    counter.release(9)
    assert counter.backlog() == Backlog(0, 0, None)


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(0, 9_000))
def test_long_backlog_is_counted_in_bounded_memory(counts, released):
    """Many writes share counts: the sums are never too small, and all ends at 0."""
    counter = BacklogCounter()
    counter._writes.extend(
        backlog._WriteCount(0, 0, 0, 5) for _ in range(backlog._FINE_MARKS)
    )  # From here on, neighbours are counted together.
    last_seq = 0
    for count in counts:
        last_seq += count
        counter.add(last_seq, entries=count, size_bytes=count * 10, oldest_received_ms=7)
    shared_counts = len(counter._writes) - backlog._FINE_MARKS
    assert shared_counts <= 1 + 2 * sum(counts) / backlog._COARSE_ENTRIES
    counter.release(min(released, last_seq))
    assert last_seq - released <= counter.backlog().entries <= last_seq
    assert counter.backlog().bytes == counter.backlog().entries * 10
    counter.release(last_seq)
    assert counter.backlog() == Backlog(0, 0, None)
