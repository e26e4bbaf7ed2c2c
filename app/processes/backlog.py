"""Finds how far behind other processes are with their journals, and which are out of reach."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from app.processes.model import ProcessRecord

_ACCEPTING: Final = timedelta(seconds=1)
"""The longest time from receiving an envelope to counting it as one that waits."""
WAITED_FOR_S: Final = 300.0
"""The seconds for which a silent process is waited for. After that its journal is adopted, from its
folder or from the bucket, or cannot be reached by anybody."""


def find_oldest_backlog(records: Iterable[ProcessRecord], *, own_id: str) -> datetime | None:
    """Return a time before which the other processes have digested everything that they received.

    A process with an empty journal had digested everything at its last heartbeat. All times are
    those of the clock of Postgres.

    Args:
        records: All processes.
        own_id: The process that asks, which knows its own journal better.

    Returns:
        None if no other process has a journal.
    """
    return min(
        (
            _find_oldest(record)
            for record in records
            if _is_other_with_journal(record, own_id) and not _is_out_of_reach(record)
        ),
        default=None,
    )


def list_unreachable(records: Iterable[ProcessRecord], *, own_id: str) -> list[ProcessRecord]:
    """Return the other processes whose journals nobody has adopted and nobody waits for any more.

    What they had accepted and not digested is stored if they come back, however late that is.
    """
    return [
        record
        for record in records
        if _is_other_with_journal(record, own_id) and _is_out_of_reach(record)
    ]


def _is_other_with_journal(record: ProcessRecord, own_id: str) -> bool:
    return record.identity.process_id != own_id and record.identity.journal_id is not None


def _is_out_of_reach(record: ProcessRecord) -> bool:
    return not record.is_running and record.silent_s >= WAITED_FOR_S


def _find_oldest(record: ProcessRecord) -> datetime:
    oldest_at = record.condition.oldest_received_at
    if oldest_at is not None:
        return oldest_at - timedelta(milliseconds=record.clock_ahead_ms)
    # An envelope that was just being received is counted a moment later.
    return record.seen_at - _ACCEPTING
