"""Reads the address of a trace, and describes a part of a trace for its pages."""

import asyncio
from typing import Annotated, Final

from fastapi import Query

from app.core import ids
from app.core.errors import NotFound
from app.core.ids import TraceId
from app.playback.links.linked_traces import Trace
from app.web.words.trace import spans
from app.web.words.trace.spans import MORE_SPANS, TraceContext
from app.web.words.trace.trace_rows import TraceBlock

_MOST_ROWS: Final = 1_000_000
"""The highest row from which a part of a trace may begin."""
FirstRow = Annotated[int, Query(alias="from", ge=0, le=_MOST_ROWS)]
"""The number of rows of a trace that the page skips."""
_INLINE_ROWS: Final = 200
"""A trace of more rows is described away from the event loop."""


def read_trace_id(value: str) -> TraceId:
    """Read the id of a trace from an address.

    Raises:
        NotFound: The text is not an id of a trace.
    """
    trace_id = ids.read_hex32(value)
    if trace_id is None:
        raise NotFound("no trace has such an id")
    return TraceId(trace_id)


async def describe_trace(trace: Trace, context: TraceContext, first: int) -> TraceBlock:
    """Describe a part of a trace, from its row `first` on."""
    if len(trace.rows) <= _INLINE_ROWS:
        return spans.describe_trace_part(trace, context, first=first, limit=MORE_SPANS)
    return await asyncio.to_thread(
        spans.describe_trace_part, trace, context, first=first, limit=MORE_SPANS
    )
