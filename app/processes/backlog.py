"""Finds how far behind the other processes may be with their journals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from app.processes.model import ProcessRecord

WAITED_FOR_S: Final = 300.0
"""How long a silent process is waited for. By then its journal is adopted, from its folder or from
the bucket, or nobody can reach it."""


def find_oldest_backlog(records: Iterable[ProcessRecord], *, own_id: str) -> datetime | None:
    """Return a time before which the other processes have digested everything that they received.

    A process with an empty journal vouches for the time of its last heartbeat, no longer.

    Args:
        records: All processes.
        own_id: The process that asks, which knows its own journal better.

    Returns:
        None if no other process has a journal.
    """
    return min(
        (
            record.condition.oldest_received_at or record.seen_at
            for record in records
            if record.identity.process_id != own_id
            and record.identity.journal_id is not None
            and (record.is_running or record.silent_s < WAITED_FOR_S)
        ),
        default=None,
    )
