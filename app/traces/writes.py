"""Adding transactions and spans: the first write of an id wins."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, SpanId, TraceId
from app.db.text import clean, clean_or_none
from app.traces.model import NewSpan, NewTransaction
from app.traces.tables import spans, transactions

_NAME_BYTES: Final = 2_048


async def add_transactions(
    connection: AsyncConnection, new: Sequence[NewTransaction]
) -> set[tuple[ProjectId, EventId]]:
    """Store transactions that are not there yet, and their spans.

    Returns:
        The keys of those that were stored; the others were duplicates.
    """
    if not new:
        return set()
    by_key = {(one.project_id, one.event_id): one for one in reversed(new)}
    # Sorted, so that two processes lock rows in the same order.
    result = await connection.execute(
        insert(transactions)
        .on_conflict_do_nothing()
        .returning(transactions.c.project_id, transactions.c.event_id),
        [_transaction_row(by_key[key]) for key in sorted(by_key)],
    )
    added = {(ProjectId(row.project_id), EventId(row.event_id)) for row in result}
    stored = [key for key in sorted(by_key) if key in added]
    await add_spans(connection, [span for key in stored for span in by_key[key].spans])
    return added


async def add_spans(
    connection: AsyncConnection, new: Iterable[NewSpan]
) -> set[tuple[ProjectId, TraceId, SpanId]]:
    """Store spans that are not there yet; returns the keys of those that were stored."""
    by_key: dict[tuple[ProjectId, TraceId, SpanId], NewSpan] = {}
    for one in new:
        by_key.setdefault((one.project_id, one.trace_id, one.span_id), one)
    if not by_key:
        return set()
    result = await connection.execute(
        insert(spans)
        .on_conflict_do_nothing()
        .returning(spans.c.project_id, spans.c.trace_id, spans.c.span_id),
        [_span_row(by_key[key]) for key in sorted(by_key)],
    )
    return {
        (ProjectId(row.project_id), TraceId(row.trace_id), SpanId(row.span_id)) for row in result
    }


def _transaction_row(one: NewTransaction) -> dict[str, Any]:
    return {
        "project_id": one.project_id,
        "event_id": one.event_id,
        "received_at": one.received_at,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "drift_ms": one.drift_ms,
        "name": clean(one.name, limit_bytes=_NAME_BYTES),
        "op": clean_or_none(one.op, limit_bytes=_NAME_BYTES),
        "status": clean_or_none(one.status, limit_bytes=_NAME_BYTES),
        "platform": clean_or_none(one.platform, limit_bytes=_NAME_BYTES),
        "release": clean_or_none(one.release, limit_bytes=_NAME_BYTES),
        "environment": clean_or_none(one.environment, limit_bytes=_NAME_BYTES),
        "sdk_name": clean_or_none(one.sdk_name, limit_bytes=_NAME_BYTES),
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "replay_id": one.replay_id,
        "spans": sum(not span.is_segment for span in one.spans),
        "payload": one.payload,
    }


def _span_row(one: NewSpan) -> dict[str, Any]:
    return {
        "project_id": one.project_id,
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "parent_span_id": one.parent_span_id,
        "transaction_id": one.transaction_id,
        "is_segment": one.is_segment,
        "received_at": one.received_at,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "drift_ms": one.drift_ms,
        "op": clean_or_none(one.op, limit_bytes=_NAME_BYTES),
        "description": clean_or_none(one.description, limit_bytes=_NAME_BYTES),
        "status": clean_or_none(one.status, limit_bytes=_NAME_BYTES),
        "origin": clean_or_none(one.origin, limit_bytes=_NAME_BYTES),
        "service": clean_or_none(one.service, limit_bytes=_NAME_BYTES),
        "replay_id": one.replay_id,
        "data": one.data,
    }
