"""Which part of a trace's spans is shown on its page, and which part of its errors is marked."""

from app.issues import trace_events
from app.playback.links.linked_traces import TracePart
from app.traces.queries import PART_OF_TRACE
from app.web.frame import part_cursors
from app.web.urls import replay_urls
from app.web.words.parts import ERROR_ORDER, ListPart, describe_part


def describe_parts(found: TracePart, *, after: str, after_error: str) -> tuple[ListPart, ...]:
    """Describe the parts; a list that is whole has none.

    Args:
        found: The trace.
        after: The place after which spans are read, as the address has it.
        after_error: The place after which errors are read, as the address has it.
    """
    trace_id, spans, events = found.trace.trace_id, found.spans, found.events
    block_place, event_place = spans.next_place, events.next_place
    parts = (
        describe_part(
            "span",
            first=spans.first,
            shown=len(spans.spans),
            total=spans.total,
            size=PART_OF_TRACE,
            is_about=True,
            next_href=replay_urls.trace(
                trace_id,
                after=part_cursors.write_block_place(block_place),
                after_error=after_error,
            )
            if block_place
            else None,
        ),
        describe_part(
            "error",
            first=events.first,
            shown=len(events.events),
            total=events.total,
            size=trace_events.PART_EVENTS,
            is_at_least=events.is_at_least,
            next_href=replay_urls.trace(
                trace_id,
                after=after,
                after_error=part_cursors.write_event_place(event_place),
            )
            if event_place
            else None,
            order=ERROR_ORDER,
        ),
    )
    return tuple(part for part in parts if part)
