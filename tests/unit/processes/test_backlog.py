"""An erasure waits for what any process may still have in its journal."""

from datetime import UTC, datetime, timedelta

import pytest

from app.processes.backlog import WAITED_FOR_S, find_oldest_backlog, list_unreachable
from app.processes.model import ProcessCondition, ProcessIdentity, ProcessRecord, ProcessState

SEEN_AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
EARLIER = SEEN_AT - timedelta(minutes=10)


def make_record(
    name: str = "other",
    *,
    journal_id: str | None = "j",
    oldest: datetime | None = None,
    state: ProcessState = ProcessState.LIVE,
    silent_s: float = 1,
    ahead_ms: int = 0,
) -> ProcessRecord:
    """Make the record of a process."""
    return ProcessRecord(
        ProcessIdentity(name, journal_id, "host", 1, ("door",), "1"),
        ProcessCondition(oldest_received_at=oldest),
        started_at=SEEN_AT,
        seen_at=SEEN_AT,
        silent_s=silent_s,
        clock_ahead_ms=ahead_ms,
        state=state,
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (make_record(), SEEN_AT - timedelta(seconds=1)),
        (make_record(oldest=EARLIER), EARLIER),
        (make_record("own", oldest=EARLIER), None),
        (make_record(journal_id=None), None),
        (make_record(oldest=EARLIER, ahead_ms=5_000), EARLIER - timedelta(seconds=5)),
        (make_record(state=ProcessState.SILENT, silent_s=100, oldest=EARLIER), EARLIER),
        (make_record(state=ProcessState.STOPPED, silent_s=100), SEEN_AT - timedelta(seconds=1)),
        (make_record(state=ProcessState.SILENT, silent_s=WAITED_FOR_S + 1, oldest=EARLIER), None),
    ],
)
def test_a_process_vouches_for_its_last_heartbeat(record, expected):
    """An empty journal says nothing about later; a dead process is waited for, but not for ever."""
    assert find_oldest_backlog([record], own_id="own") == expected


def test_the_oldest_of_all_counts():
    """One process that is behind holds an erasure up."""
    records = [make_record("a"), make_record("b", oldest=EARLIER), make_record("own")]
    assert find_oldest_backlog(records, own_id="own") == EARLIER


def test_a_process_that_is_not_waited_for_is_named():
    """Whoever is silent for too long with a journal may come back with what it had accepted."""
    silent = ProcessState.SILENT
    stopped = make_record("stopped", state=ProcessState.STOPPED, silent_s=WAITED_FOR_S)
    lost = make_record("lost", state=silent, silent_s=WAITED_FOR_S)
    others = [
        make_record("live"),
        make_record("own", state=silent, silent_s=WAITED_FOR_S),
        make_record("pages", journal_id=None, state=silent, silent_s=WAITED_FOR_S),
        make_record("waited for", state=silent, silent_s=WAITED_FOR_S - 1),
    ]
    assert list_unreachable([*others, lost, stopped], own_id="own") == [lost, stopped]
