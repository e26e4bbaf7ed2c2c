"""Puts the processes of the installation into words, for the page of the server's health."""

from typing import Final

from app import __version__
from app.alerts.process_problems import CLOCK_AHEAD_MS, list_problems
from app.core.units import format_bytes, format_duration
from app.processes.model import ProcessRecord, ProcessState
from app.web.health.page import HealthTone, ProcessRow
from app.web.urls import server_urls
from app.web.words.processes import (
    describe_backlog,
    describe_clock,
    describe_roles,
    describe_silence,
)

_STATES: Final[dict[ProcessState, tuple[str, HealthTone]]] = {
    ProcessState.LIVE: ("runs", "good"),
    ProcessState.LATE: ("late", "warn"),
    ProcessState.STOPPING: ("stopping", "good"),
    ProcessState.SILENT: ("dead", "bad"),
    ProcessState.STOPPED: ("has stopped", "bad"),
}
_NONE: Final = "\N{EN DASH}"


def build_process_row(record: ProcessRecord, *, own_id: str) -> ProcessRow:
    """Build the row of one process.

    Args:
        record: The process.
        own_id: The id of the process that answers.
    """
    identity, condition = record.identity, record.condition
    state, tone = _STATES[record.state]
    if tone == "good" and list_problems(record):
        tone = "warn"
    if not record.is_running and identity.journal_id is None:
        tone = "warn"  # it leaves nothing behind
    has_journal = identity.journal_id is not None
    return ProcessRow(
        host=identity.host,
        pid=identity.pid,
        is_own=identity.process_id == own_id,
        version=identity.version,
        is_other_version=identity.version != __version__,
        roles=describe_roles(identity.roles),
        state=state,
        tone=tone,
        silence=describe_silence(record),
        waiting=describe_backlog(record) if has_journal else _NONE,
        oldest=format_duration(int(record.oldest_s) * 1000) if record.oldest_s else "",
        room=_NONE
        if condition.room_bytes is None or not has_journal
        else format_bytes(max(0, condition.room_bytes)),
        clock=describe_clock(record.clock_ahead_ms),
        is_clock_wrong=abs(record.clock_ahead_ms) > CLOCK_AHEAD_MS,
        outage=condition.outage or "",
        forget_href=None if record.is_running else server_urls.forget_process(identity.process_id),
    )
