"""Reads the facts about the spans of a block that a waterfall shows.

`quick_waterfall.py` reads the same facts without building the spans.
"""

from datetime import datetime

import msgspec

from app.core.ids import ReplayId, SpanId, TraceId
from app.formats.spans.span import Span, SpanDefaults
from app.formats.stored import span_block


class WaterfallSpan(msgspec.Struct, frozen=True, gc=False):
    """The facts about a span that a waterfall shows. Its texts hold no NUL, which pages refuse."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    op: str | None
    description: str | None
    status: str | None
    started_at: datetime
    ended_at: datetime | None
    is_segment: bool
    replay_id: ReplayId | None
    service: str | None


def read_waterfall_spans(content: bytes, defaults: SpanDefaults) -> list[WaterfallSpan]:
    """Read the spans of a block, each once, in the order in which they were sent.

    Args:
        content: A block as `span_block.pack_block` made it.
        defaults: The values that its spans have in common.

    Raises:
        ValueError: It is not a block.
    """
    return [_build_waterfall_span(span) for span in span_block.read_block_spans(content, defaults)]


def _build_waterfall_span(span: Span) -> WaterfallSpan:
    return WaterfallSpan(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        op=_remove_nul(span.op),
        description=_remove_nul(span.description),
        status=_remove_nul(span.status),
        started_at=span.started_at,
        ended_at=span.ended_at,
        is_segment=span.is_segment,
        replay_id=span.replay_id,
        service=_remove_nul(span.service),
    )


def _remove_nul(text: str | None) -> str | None:
    return (text or "").replace("\0", "") or None
