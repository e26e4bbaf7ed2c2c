"""Reads the spans of stored blocks.

A span may have arrived twice, in its transaction and streamed: the block that was received first
counts.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy.engine import Row

from app.core import log
from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.formats.jsonish import JsonObject
from app.formats.spans.span import SpanDefaults
from app.formats.stored import quick_waterfall, span_block, waterfall
from app.formats.stored.waterfall import WaterfallSpan
from app.traces.model import StoredSpan

COLUMNS: Final = """
    b.project_id, b.block_id, b.transaction_id, b.trace_id, b.replay_id, b.received_at, b.drift_ms,
    b.platform, b.spans, b.content
"""
"""The columns that are read of a block `b`."""
_INLINE_SPANS: Final = 500
"""More spans are read in a thread, away from the event loop."""

_logger: Final = log.get_logger("traces.blocks")

SpanFilter = Callable[[StoredSpan], bool]


async def read_spans(
    rows: Sequence[Row[Any]], *, is_wanted: SpanFilter | None = None
) -> list[StoredSpan]:
    """Read the spans of blocks, each once, in the order of their start.

    Args:
        rows: The rows of the blocks, with `COLUMNS`.
        is_wanted: The condition by which a span is kept; None keeps all.
    """
    if sum(row.spans for row in rows) <= _INLINE_SPANS:
        return _read_spans(rows, is_wanted)
    return await asyncio.to_thread(_read_spans, rows, is_wanted)


def read_span_data(row: Row[Any], span_id: SpanId) -> JsonObject | None:
    """Read the data of a span in a block; None if the block has no such span."""
    spans = _read_block(row, span_block.read_block_spans)
    return next((span.data for span in spans if span.span_id == span_id), None)


def _read_spans(rows: Sequence[Row[Any]], is_wanted: SpanFilter | None) -> list[StoredSpan]:
    spans_by_id: dict[tuple[ProjectId, TraceId, SpanId], StoredSpan] = {}
    for row in sorted(rows, key=lambda row: (row.received_at, row.block_id)):
        for span in _read_block(row, _read_waterfall_spans):
            stored = _make_stored_span(row, span)
            if is_wanted is None or is_wanted(stored):
                spans_by_id.setdefault((stored.project_id, stored.trace_id, stored.span_id), stored)
    return sorted(spans_by_id.values(), key=lambda span: (span.started_at, span.span_id))


def _read_waterfall_spans(content: bytes, defaults: SpanDefaults) -> list[WaterfallSpan]:
    spans = quick_waterfall.try_read_waterfall_spans(content, defaults)
    return waterfall.read_waterfall_spans(content, defaults) if spans is None else spans


def _read_block[Read](
    row: Row[Any], read: Callable[[bytes, SpanDefaults], list[Read]]
) -> list[Read]:
    defaults = SpanDefaults(
        trace_id=TraceId(row.trace_id.hex),
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
    )
    try:
        return read(row.content, defaults)
    except ValueError as error:
        _logger.warning("a block cannot be read", block=row.block_id.hex, error=str(error))
        return []


def _make_stored_span(row: Row[Any], span: WaterfallSpan) -> StoredSpan:
    return StoredSpan(
        project_id=ProjectId(row.project_id),
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        transaction_id=EventId(row.transaction_id.hex) if row.transaction_id else None,
        is_segment=span.is_segment,
        started_at=span.started_at,
        ended_at=span.ended_at,
        drift_ms=row.drift_ms,
        op=span.op,
        description=span.description,
        status=span.status,
        service=span.service,
        platform=row.platform,
        replay_id=span.replay_id,
    )
