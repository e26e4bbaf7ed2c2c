"""Linked transactions and spans as blocks of the Trace panel, parents before children."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.ids import EventId, ProjectId, SpanId, TraceId
from app.core.windows import ReplayWindow
from app.playback import links
from app.playback.links import LinkedTraces
from app.traces.model import StoredSpan, StoredTransaction
from app.web.view.traces import SpanRow, TraceBlock

_MOST_SPANS: Final = 300
"""Of one trace."""
_MOST_TRACES: Final = 100
_FINE: Final = frozenset({"ok", "unset", "cancelled", "unknown", ""})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What places the spans of a replay: its window, its project, the names of all projects."""

    window: ReplayWindow
    project_id: ProjectId
    project_names: Mapping[ProjectId, str]
    zero_ms: int
    """How far the page's zero is behind the start of the replay."""


def trace_blocks(found: LinkedTraces, around: Surroundings) -> tuple[TraceBlock, ...]:
    """Group spans by trace, the traces by their start; the first 100."""
    transactions = {one.event_id: one for one in found.transactions}
    by_trace: defaultdict[TraceId, list[StoredSpan]] = defaultdict(list)
    for span in found.spans:
        by_trace[span.trace_id].append(span)
    blocks = [_block(trace_id, spans, transactions, around) for trace_id, spans in by_trace.items()]
    return tuple(sorted(blocks, key=lambda block: block.start_ms))[:_MOST_TRACES]


def in_tree_order(spans: Sequence[StoredSpan]) -> list[tuple[int, StoredSpan]]:
    """Order spans so that children follow their parent, and say how deep each one is.

    A span whose parent is not here stands as a root; spans that are each other's parents come
    last, as roots too.
    """
    here = {span.span_id for span in spans}
    children: defaultdict[SpanId | None, list[StoredSpan]] = defaultdict(list)
    for span in sorted(spans, key=lambda one: (one.started_at, one.span_id)):
        is_child = span.parent_span_id in here and span.parent_span_id != span.span_id
        children[span.parent_span_id if is_child else None].append(span)
    ordered: list[tuple[int, StoredSpan]] = []
    stack = [(0, span) for span in reversed(children[None])]
    while stack:
        depth, span = stack.pop()
        ordered.append((depth, span))
        stack += [(depth + 1, child) for child in reversed(children[span.span_id])]
    reached = {span.span_id for _, span in ordered}
    return ordered + [(0, span) for span in spans if span.span_id not in reached]


def _block(
    trace_id: TraceId,
    spans: Sequence[StoredSpan],
    transactions: Mapping[EventId, StoredTransaction],
    around: Surroundings,
) -> TraceBlock:
    ordered = in_tree_order(spans)
    rows = tuple(_row(span, depth, transactions, around) for depth, span in ordered)
    start_ms = min(row.at_ms for row in rows)
    end_ms = max(row.at_ms + (row.duration_ms or 0) for row in rows)
    return TraceBlock(
        trace_id=trace_id,
        name=_name(rows),
        start_ms=start_ms,
        duration_ms=end_ms - start_ms,
        spans=rows[:_MOST_SPANS],
        hidden_spans=max(0, len(rows) - _MOST_SPANS),
    )


def _name(rows: Iterable[SpanRow]) -> str:
    """Name a trace after its first transaction, or else its first span."""
    listed = list(rows)
    return next((row.description for row in listed if row.is_transaction), listed[0].description)


def _row(
    span: StoredSpan,
    depth: int,
    transactions: Mapping[EventId, StoredTransaction],
    around: Surroundings,
) -> SpanRow:
    transaction = transactions.get(span.transaction_id) if span.transaction_id else None
    platform = transaction.platform if transaction else None
    side = links.side(around.project_id, span.project_id, platform)
    at_ms = links.offset_ms(around.window, span.started_at, span.drift_ms, made_by=side)
    status = span.status or (transaction.status if transaction and span.is_segment else None)
    name = transaction.name if transaction and span.is_segment else span.description
    return SpanRow(
        span_id=span.span_id,
        at_ms=at_ms - around.zero_ms,
        duration_ms=_duration_ms(span),
        depth=depth,
        op=span.op or "span",
        description=name or span.description or span.op or "unnamed",
        status=status,
        has_failed=(status or "").lower() not in _FINE,
        project_name=span.service or around.project_names.get(span.project_id, "another project"),
        is_backend=side == "backend",
        is_transaction=span.is_segment,
    )


def _duration_ms(span: StoredSpan) -> int | None:
    if span.ended_at is None:
        return None
    return max(0, round((span.ended_at - span.started_at).total_seconds() * 1000))
