"""The figures of the backlog."""

from hypothesis import given, strategies as st

from app.journal import backlog
from app.journal.backlog import Backlog, Tally


def test_nothing_waits_at_first():
    """An empty journal has no oldest entry."""
    assert Tally().backlog() == Backlog(0, 0, None)


def test_writes_are_counted_until_released():
    """Entries and bytes add up; the oldest is that of the first write still there."""
    tally = Tally()
    tally.add(3, entries=3, size_bytes=30, oldest_received_ms=100)
    tally.add(5, entries=2, size_bytes=7, oldest_received_ms=90)
    assert tally.backlog() == Backlog(5, 37, 100)
    tally.release(4)
    assert tally.backlog() == Backlog(2, 7, 90)
    tally.release(9)
    assert tally.backlog() == Backlog(0, 0, None)


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(0, 9_000))
def test_long_backlog_is_counted_in_bounded_memory(counts, released):
    """With many writes neighbours share a mark: never too little is counted, and all ends at 0."""
    tally = Tally()
    tally._marks.extend(
        backlog._Mark(0, 0, 0, 5) for _ in range(backlog._FINE_MARKS)
    )  # as long as it takes to count coarsely
    last_seq = 0
    for count in counts:
        last_seq += count
        tally.add(last_seq, entries=count, size_bytes=count * 10, oldest_received_ms=7)
    marks = len(tally._marks) - backlog._FINE_MARKS
    assert marks <= 1 + 2 * sum(counts) / backlog._COARSE_ENTRIES
    tally.release(min(released, last_seq))
    assert last_seq - released <= tally.backlog().entries <= last_seq
    assert tally.backlog().bytes == tally.backlog().entries * 10
    tally.release(last_seq)
    assert tally.backlog() == Backlog(0, 0, None)
