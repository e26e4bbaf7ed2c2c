"""Lays spans into the blocks they are stored in: one for each trace, replay and stretch of time."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from app.core.ids import EventId, ReplayId, TraceId
from app.core.replay_window import BLOCK_START_SPREAD
from app.formats import json_members
from app.formats.spans.quick_transaction import SentTransaction
from app.formats.spans.span import Span
from app.formats.spans.transaction import Transaction
from app.formats.stored import span_block
from app.ingest.items.context import EnvelopeContext
from app.traces.model import NewBlock, NewTransaction

_Where = tuple[TraceId, ReplayId | None, int]


def of_spans(spans: Iterable[Span], context: EnvelopeContext) -> list[NewBlock]:
    """Lay out spans that came without a transaction."""
    return [_block(together, context) for together in _grouped(spans).values()]


def of_transaction(read: Transaction, context: EnvelopeContext) -> NewTransaction:
    """Lay out a transaction whose spans were read one by one."""
    spans = [read.root, *(one for one in read.spans if one.span_id != read.span_id)]
    first, *others = _grouped(spans).values()
    head = {name: value for name, value in read.raw.items() if name != "spans"}
    content = span_block.pack_block([span_block.write_span(one) for one in first], head)
    return NewTransaction(
        of_root(read, context, spans=len(first), content=content, reach=_reach(first)),
        tuple(_block(one, context, read.event_id, read.platform) for one in others),
    )


def of_sent(
    read: Transaction,
    sent: SentTransaction,
    context: EnvelopeContext,
    *,
    reach: tuple[datetime, datetime],
) -> NewTransaction:
    """Lay out a transaction whose spans stay as they were sent.

    Args:
        read: What its members say.
        sent: Those, and its spans, all of its trace and replay.
        context: Of its envelope.
        reach: When the first span began and the last ended, the root among them.
    """
    spans = [one for one in sent.spans if one.span_id != read.span_id]
    for one in spans:
        one.trace_id = None
    head = msgspec.Raw(json_members.join_members(sent.members))
    content = span_block.pack_block([span_block.write_span(read.root), *spans], head)
    return NewTransaction(
        of_root(read, context, spans=len(spans) + 1, content=content, reach=reach)
    )


def of_root(
    read: Transaction,
    context: EnvelopeContext,
    *,
    spans: int,
    content: bytes,
    reach: tuple[datetime, datetime],
) -> NewBlock:
    """Describe the block that a transaction's root is in."""
    return NewBlock(
        project_id=context.project_id,
        block_id=read.event_id,
        transaction_id=read.event_id,
        trace_id=read.trace_id,
        replay_id=read.root.replay_id,
        received_at=context.received_at,
        started_at=reach[0],
        ended_at=reach[1],
        drift_ms=context.drift_of(reach[1]),
        name=read.name,
        op=read.op,
        status=read.status,
        platform=read.platform,
        release=read.release,
        environment=read.environment,
        spans=spans,
        content=content,
    )


def _block(
    spans: Sequence[Span],
    context: EnvelopeContext,
    transaction_id: EventId | None = None,
    platform: str | None = None,
) -> NewBlock:
    first = next((one for one in spans if one.is_segment), spans[0])
    started_at, ended_at = _reach(spans)
    return NewBlock(
        project_id=context.project_id,
        block_id=span_block.make_block_id(
            first.trace_id, first.replay_id, [one.span_id for one in spans]
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
        content=span_block.pack_block([span_block.write_span(one) for one in spans]),
    )


def _grouped(spans: Iterable[Span]) -> dict[_Where, list[Span]]:
    """Put together what belongs into one block; a span that stands twice stands once."""
    groups: defaultdict[_Where, dict[str, Span]] = defaultdict(dict)
    firsts: dict[tuple[TraceId, ReplayId | None], datetime] = {}
    for one in spans:
        place = one.trace_id, one.replay_id
        since = one.started_at - firsts.setdefault(place, one.started_at)
        groups[(*place, int(since / BLOCK_START_SPREAD))].setdefault(one.span_id, one)
    return {where: [*together.values()] for where, together in groups.items()}


def _reach(spans: Sequence[Span]) -> tuple[datetime, datetime]:
    """Return when the first began, and when the last ended, or began."""
    return (
        min(one.started_at for one in spans),
        max(one.ended_at or one.started_at for one in spans),
    )
