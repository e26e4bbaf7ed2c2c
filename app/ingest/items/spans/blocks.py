"""Lays out spans in the blocks that store them, one for each trace, replay and period."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

import msgspec

from app.core.ids import EventId, ProjectId, ReplayId, TraceId
from app.core.replay.replay_window import BLOCK_START_SPREAD
from app.formats import json_members
from app.formats.spans.quick_transaction import SentTransaction
from app.formats.spans.span import Span
from app.formats.spans.transaction import Transaction
from app.formats.stored import span_block
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import sum_storage
from app.projects.storage import BLOCK_BYTES, StorageChanges, StorageKind
from app.traces.model import NewBlock, NewTransaction

_BlockKey = tuple[TraceId, ReplayId | None, int]


def lay_out_spans(spans: Iterable[Span], context: EnvelopeContext) -> list[NewBlock]:
    """Lay out spans that were sent without a transaction."""
    return [_make_block(group, context) for group in _group_spans(spans).values()]


def lay_out_transaction(transaction: Transaction, context: EnvelopeContext) -> NewTransaction:
    """Lay out a transaction whose spans were read one by one."""
    below_root = [span for span in transaction.spans if span.span_id != transaction.span_id]
    first, *others = _group_spans([transaction.root, *below_root]).values()
    head = {name: value for name, value in transaction.raw.items() if name != "spans"}
    content = span_block.pack_block([span_block.write_span(span) for span in first], head)
    return NewTransaction(
        _make_root_block(
            transaction, context, spans=len(first), content=content, extent=_find_extent(first)
        ),
        tuple(
            _make_block(group, context, transaction.event_id, transaction.platform)
            for group in others
        ),
    )


def lay_out_sent_transaction(
    transaction: Transaction,
    sent: SentTransaction,
    context: EnvelopeContext,
    *,
    extent: tuple[datetime, datetime],
) -> NewTransaction:
    """Lay out a transaction whose spans stay as they were sent.

    Args:
        transaction: The transaction, whose spans are not read.
        sent: Its members and its spans, all of which are in its trace and its replay.
        context: The context of its envelope.
        extent: The start of its first span and the end of its last, the root among them.
    """
    spans = [span for span in sent.spans if span.span_id != transaction.span_id]
    for span in spans:
        span.trace_id = None  # the block has it
    head = msgspec.Raw(json_members.join_members(sent.members))
    content = span_block.pack_block([span_block.write_span(transaction.root), *spans], head)
    return NewTransaction(
        _make_root_block(transaction, context, spans=len(spans) + 1, content=content, extent=extent)
    )


def _make_root_block(
    transaction: Transaction,
    context: EnvelopeContext,
    *,
    spans: int,
    content: bytes,
    extent: tuple[datetime, datetime],
) -> NewBlock:
    """Make the block that holds the root of a transaction."""
    return NewBlock(
        project_id=context.project_id,
        block_id=transaction.event_id,
        transaction_id=transaction.event_id,
        trace_id=transaction.trace_id,
        replay_id=transaction.root.replay_id,
        received_at=context.received_at,
        started_at=extent[0],
        ended_at=extent[1],
        drift_ms=context.drift_of(extent[1]),
        name=transaction.name,
        op=transaction.op,
        status=transaction.status,
        platform=transaction.platform,
        release=transaction.release,
        environment=transaction.environment,
        spans=spans,
        content=content,
    )


def _make_block(
    spans: Sequence[Span],
    context: EnvelopeContext,
    transaction_id: EventId | None = None,
    platform: str | None = None,
) -> NewBlock:
    first = next((span for span in spans if span.is_segment), spans[0])
    started_at, ended_at = _find_extent(spans)
    return NewBlock(
        project_id=context.project_id,
        block_id=span_block.make_block_id(
            first.trace_id, first.replay_id, [span.span_id for span in spans]
        ),
        transaction_id=transaction_id,
        trace_id=first.trace_id,
        replay_id=first.replay_id,
        received_at=context.received_at,
        started_at=started_at,
        ended_at=ended_at,
        drift_ms=context.drift_of(ended_at),
        name=first.segment_name,
        op=first.op,
        status=first.status,
        platform=platform,
        release=first.release,
        environment=first.environment,
        spans=len(spans),
        content=span_block.pack_block([span_block.write_span(span) for span in spans]),
    )


def _group_spans(spans: Iterable[Span]) -> dict[_BlockKey, list[Span]]:
    """Group spans by the block that stores them. Duplicates are dropped."""
    groups: defaultdict[_BlockKey, dict[str, Span]] = defaultdict(dict)
    first_starts: dict[tuple[TraceId, ReplayId | None], datetime] = {}
    for span in spans:
        trace = span.trace_id, span.replay_id
        since_first = span.started_at - first_starts.setdefault(trace, span.started_at)
        key = (*trace, int(since_first / BLOCK_START_SPREAD))
        groups[key].setdefault(span.span_id, span)
    return {key: [*group.values()] for key, group in groups.items()}


def _find_extent(spans: Sequence[Span]) -> tuple[datetime, datetime]:
    """Return the start of the first span, and the end (or start) of the last."""
    return (
        min(span.started_at for span in spans),
        max(span.ended_at or span.started_at for span in spans),
    )


def sum_block_storage(
    rows: Sequence[NewBlock], day: date, added: Collection[tuple[ProjectId, EventId]]
) -> StorageChanges:
    """Add up what new blocks take; each of their spans counts as one."""
    sizes = [
        ((row.project_id, row.block_id), row.spans, BLOCK_BYTES + len(row.content)) for row in rows
    ]
    return sum_storage(StorageKind.SPANS, day, sizes, added)
