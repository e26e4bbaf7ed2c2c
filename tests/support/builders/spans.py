"""Stored spans and errors of one trace, made by hand."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from app.core.ids import EventId, ProjectId, SpanId, TraceId
from app.issues.events.trace_events import TracedEvent
from app.traces.model import StoredSpan

START: Final = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
APP, API = ProjectId(1), ProjectId(2)
TRACE: Final = TraceId("a" * 32)
TRANSACTION: Final = EventId("b" * 32)


def span_id(number: int) -> SpanId:
    """Return the id of a span by its number."""
    return SpanId(f"{number:016x}")


def span(
    number: int, parent: int | None = None, *, at_ms: int = 1_000, ms: int = 500, **changes: Any
) -> StoredSpan:
    """Make a span of half a second."""
    built = StoredSpan(
        project_id=APP,
        trace_id=TRACE,
        span_id=span_id(number),
        parent_span_id=None if parent is None else span_id(parent),
        transaction_id=None,
        is_segment=False,
        started_at=START + timedelta(milliseconds=at_ms),
        ended_at=START + timedelta(milliseconds=at_ms + ms),
        drift_ms=0,
        op="function",
        description=f"step {number}",
        status="ok",
        service=None,
        platform=None,
        replay_id=None,
    )
    return msgspec.structs.replace(built, **changes)


def served(number: int, parent: int | None = None, **changes: Any) -> StoredSpan:
    """Make the first span of a backend."""
    of_backend = {"project_id": API, "is_segment": True, "op": "http.server", **changes}
    return span(number, parent, **of_backend)


def event(number: int | None, *, at_ms: int = 1_200, **changes: Any) -> TracedEvent:
    """Make an error that happened in a span."""
    built = TracedEvent(
        project_id=API,
        event_id=EventId("e" * 32),
        trace_id=TRACE,
        span_id=None if number is None else span_id(number),
        at=START + timedelta(milliseconds=at_ms),
        drift_ms=0,
        title="PaymentError: no card",
        kind="error",
        platform="python",
        replay_id=None,
    )
    return dataclasses.replace(built, **changes)
