"""Rows of the Errors panel: what went wrong in the app and in its backends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.core.ids import EventId, TraceId

Source = Literal["app", "backend"]
ErrorKind = Literal["crash", "anr", "error", "message"]
KINDS: Final[dict[str, ErrorKind]] = {
    "crash": "crash",
    "native_crash": "crash",
    "watchdog": "crash",
    "anr": "anr",
    "app_hang": "anr",
    "message": "message",
}
"""The kind of mark for each kind of event; any other event has the mark of an error."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One line of a stack trace."""

    function: str
    module: str | None
    file: str | None
    line: int | None
    in_app: bool
    context_line: str | None = None


@dataclass(frozen=True, slots=True)
class ExceptionBlock:
    """One exception of a chain."""

    type: str
    value: str | None
    mechanism: str | None
    frames: tuple[FrameRow, ...]
    """The innermost call first, where the error was thrown."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One event linked to the replay."""

    event_id: EventId
    at_ms: int | None
    """None if the event has no time that can be placed in the replay."""
    at: datetime | None
    source: Source
    kind: ErrorKind
    title: str
    value: str | None
    culprit: str | None
    level: str
    handled: bool | None
    project_name: str
    linked_by: Literal["replay", "trace"]
    """True if it names the replay itself, or a trace of the replay."""
    exceptions: tuple[ExceptionBlock, ...] = ()
    """The outermost first; empty for messages."""
    sent_exceptions: tuple[ExceptionBlock, ...] = ()
    """The same as they were sent, if debug files changed them; otherwise empty."""
    missing_files: int = 0
    """The number of debug files that would make more frames readable."""
    trace_id: TraceId | None = None
    release: str | None = None
    environment: str | None = None
    issue_href: str | None = None
    """The event's page in its issue; None for the moment until it is grouped."""
    trace_href: str | None = None
    """The address of its trace in the Trace panel; None if it is not there."""
    request_number: int | None = None
    """The number of the app's request on behalf of which it happened."""


def error_words(row: ErrorRow) -> str:
    """Name what an error is, as the filter does."""
    words = [row.source, row.kind, *(["unhandled"] if row.handled is False else [])]
    return " ".join(dict.fromkeys(words))
