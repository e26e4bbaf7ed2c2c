"""Says which part of each long list of a replay is shown, and where to read on."""

from typing import Final

from app.audit.model import VIEWERS_PER_PART
from app.issues.events.replay_events import PART_EVENTS, LinkedEvents
from app.playback.links.linked_feedback import PART_FEEDBACK
from app.playback.visit.model import (
    ReplayFeedback,
    ReplayLogs,
    ReplayTraces,
    ReplayViewers,
)
from app.traces.logs import PART_LOGS
from app.traces.parts import PART_OF_REPLAY
from app.web.frame import part_cursors
from app.web.urls.replay_address import ReplayAddress
from app.web.words.parts import ERROR_ORDER, ListPart, describe_part, describe_rows
from app.web.words.trace import spans

PART_ROWS: Final = 3_000
"""Rows of activity, and of requests, that are shown at once: an hour of a busy app."""


def error_part(address: ReplayAddress, events: LinkedEvents) -> ListPart | None:
    """Say which part of the errors is read; None if that is all of them."""
    place = events.next_place
    return describe_part(
        "error",
        first=events.first,
        shown=len(events.events),
        total=events.total,
        size=PART_EVENTS,
        is_at_least=events.is_at_least,
        next_href=address.part("errors", after=part_cursors.write_event_place(place))
        if place
        else None,
        order=ERROR_ORDER,
    )


def log_part(address: ReplayAddress, logs: ReplayLogs) -> ListPart | None:
    """Say which part of the log records is read; None if that is all of them."""
    records, place = logs.records, logs.records.next_place
    return describe_part(
        "log record",
        first=records.first,
        shown=len(records.logs),
        total=logs.count.number,
        is_at_least=logs.count.is_at_least,
        size=PART_LOGS,
        next_href=address.part("logs", after=part_cursors.write_log_place(place))
        if place
        else None,
    )


def span_part(address: ReplayAddress, traces: ReplayTraces) -> ListPart | None:
    """Say which part of the spans is read; None if that is all of them."""
    part, place = traces.spans, traces.spans.next_place
    return describe_part(
        "span",
        first=part.first,
        shown=len(part.spans),
        total=part.total,
        is_about=True,
        size=PART_OF_REPLAY,
        next_href=address.part("trace", after=part_cursors.write_block_place(place))
        if place
        else None,
    )


def trace_part(
    address: ReplayAddress, traces: ReplayTraces, *, after: str = "", first: int = 0
) -> ListPart | None:
    """Say which traces are shown, and which part of the spans they are made of.

    Args:
        address: The addresses of the replay.
        traces: The traces that a part of the spans makes.
        after: The place after which this part begins, as the address has it.
        first: Number of these traces to skip.
    """
    shown_traces = describe_rows(
        "trace",
        first=first,
        total=len(traces.traces),
        size=spans.MOST_TRACES,
        href=lambda following: address.part("trace", after=after, first=following),
    )
    read_spans = span_part(address, traces)
    if shown_traces is None or read_spans is None:
        return shown_traces or read_spans
    text = f"{shown_traces.text} They are made of a part of the spans. {read_spans.text}"
    way_on = shown_traces if shown_traces.next_href else read_spans
    return ListPart(text, way_on.next_text, way_on.next_href)


def row_part(
    address: ReplayAddress, panel: str, noun: str, *, total: int, first: int, from_segment: int
) -> ListPart | None:
    """Say which rows of a panel are shown; None if that is all of them.

    Args:
        address: The addresses of the replay.
        panel: The panel.
        noun: The noun of the rows, in the singular.
        total: The number of rows.
        first: Number of rows to skip.
        from_segment: The first segment whose recording is read.
    """
    return describe_rows(
        noun,
        first=first,
        total=total,
        size=PART_ROWS,
        href=lambda following: address.part(panel, first=following, from_segment=from_segment),
    )


def feedback_part(
    address: ReplayAddress, feedback: ReplayFeedback, *, first: int = 0
) -> ListPart | None:
    """Say which part of the feedback is read; None if that is all of it."""
    return describe_rows(
        "feedback message",
        first=first,
        total=feedback.total,
        size=PART_FEEDBACK,
        href=lambda following: address.part("feedback", first=following),
    )


def viewer_part(
    address: ReplayAddress, viewers: ReplayViewers, *, first: int = 0
) -> ListPart | None:
    """Say which of the people who have opened a replay are named; None if all are."""
    return describe_rows(
        "viewer",
        first=first,
        total=viewers.total,
        size=VIEWERS_PER_PART,
        href=lambda following: address.part("viewers", first=following),
    )
