"""Rows of processes, of which a test changes one detail."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.processes.model import (
    ROLES,
    ProcessCondition,
    ProcessIdentity,
    ProcessRecord,
    ProcessState,
)

SEEN_AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
GIB = 2**30


def make_record(
    host: str = "door-1",
    *,
    state: ProcessState = ProcessState.LIVE,
    silent_s: float = 2.0,
    clock_ahead_ms: int = 0,
    has_journal: bool = True,
    roles: tuple[str, ...] | None = None,
    started_at: datetime = SEEN_AT,
    seen_at: datetime = SEEN_AT,
    **condition: Any,
) -> ProcessRecord:
    """Make the row of a process that is well, with details changed."""
    identity = ProcessIdentity(
        process_id=f"{host.encode().hex():0<32}"[:32],
        journal_id="a" * 32 if has_journal else None,
        host=host,
        pid=4711,
        roles=roles or (ROLES if has_journal else ("pages",)),
        version="1.4.0",
    )
    well = ProcessCondition(room_bytes=50 * GIB if has_journal else None, reserve_bytes=GIB)
    return ProcessRecord(
        identity=identity,
        condition=replace(well, **condition),
        started_at=started_at,
        seen_at=seen_at,
        silent_s=silent_s,
        clock_ahead_ms=clock_ahead_ms,
        state=state,
    )
