"""Moves spans that a release before blocks stored one by one into blocks.

A step moves some of them in one transaction and locks their rows, so several processes may work at
once. Transactions come first, with their spans; the spans that are left then were streamed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId, TraceId
from app.core.replay_window import BLOCK_START_SPREAD
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json, span_block
from app.traces import writes
from app.traces.model import NewBlock
from app.traces.tables import spans, transactions

_TRANSACTIONS: Final = 50
_SPANS: Final = 1_000

_Rows = Sequence[Row[Any]]


async def move_into_blocks(connection: AsyncConnection) -> list[NewBlock]:
    """Move some transactions, or some spans if no transaction is left.

    Returns:
        The new blocks; empty if nothing is left to do.
    """
    return await _move_transactions(connection) or await _move_spans(connection)


async def _move_transactions(connection: AsyncConnection) -> list[NewBlock]:
    locked_rows = await connection.execute(
        select(transactions)
        .order_by(transactions.c.project_id, transactions.c.event_id)
        .limit(_TRANSACTIONS)
        .with_for_update(skip_locked=True)
    )
    wholes = locked_rows.all()
    if not wholes:
        return []
    belonging = await connection.execute(
        select(spans).where(
            tuple_(spans.c.project_id, spans.c.trace_id, spans.c.transaction_id).in_(
                [(whole.project_id, whole.trace_id, whole.event_id) for whole in wholes]
            )
        )
    )
    rows = belonging.all()
    moved = await asyncio.to_thread(_make_blocks, wholes, rows)
    await writes.add_blocks(connection, moved)
    await _delete_spans(connection, rows)
    gone = [(whole.project_id, whole.event_id) for whole in wholes]
    key = tuple_(transactions.c.project_id, transactions.c.event_id)
    await connection.execute(delete(transactions).where(key.in_(gone)))
    return moved


async def _move_spans(connection: AsyncConnection) -> list[NewBlock]:
    locked_rows = await connection.execute(
        select(spans)
        .order_by(spans.c.project_id, spans.c.trace_id, spans.c.span_id)
        .limit(_SPANS)
        .with_for_update(skip_locked=True)
    )
    rows = locked_rows.all()
    moved = await asyncio.to_thread(_make_blocks, (), rows)
    await writes.add_blocks(connection, moved)
    await _delete_spans(connection, rows)
    return moved


async def _delete_spans(connection: AsyncConnection, rows: _Rows) -> None:
    key = tuple_(spans.c.project_id, spans.c.trace_id, spans.c.span_id)
    gone = [(row.project_id, row.trace_id, row.span_id) for row in rows]
    if gone:
        await connection.execute(delete(spans).where(key.in_(gone)))


def _make_blocks(wholes: _Rows, rows: _Rows) -> list[NewBlock]:
    """Group spans into blocks; the block of a transaction holds the spans grouped with its root."""
    groups: defaultdict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
    firsts: dict[tuple[Any, ...], Any] = {}
    for row in sorted(rows, key=lambda row: (not row.is_segment, row.started_at)):
        place = (
            row.project_id, row.trace_id, row.replay_id, row.transaction_id, row.received_at,
            row.drift_ms,
        )  # fmt: skip
        since = row.started_at - firsts.setdefault(place, row.started_at)
        groups[(*place, int(since / BLOCK_START_SPREAD))].append(row)
    by_id = {(whole.project_id, whole.event_id): whole for whole in wholes}
    rootless = dict(by_id)
    made: list[NewBlock] = []
    for together in groups.values():
        key = (together[0].project_id, together[0].transaction_id)
        whole = by_id.get(key)
        if whole is not None and any(row.span_id == whole.span_id for row in together):
            made.append(_make_transaction_block(whole, together))
            del rootless[key]
        else:
            made.append(_make_span_block(together, whole.platform if whole is not None else None))
    return [*made, *(_make_transaction_block(whole, ()) for whole in rootless.values())]


def _make_transaction_block(whole: Row[Any], rows: _Rows) -> NewBlock:
    """Make the block of a transaction, without spans if its root is stored in another block."""
    event_id = EventId(whole.event_id)
    replay_id = rows[0].replay_id if rows else whole.replay_id
    return NewBlock(
        project_id=ProjectId(whole.project_id),
        block_id=event_id,
        transaction_id=event_id,
        trace_id=TraceId(whole.trace_id or event_id),
        replay_id=ReplayId(replay_id) if replay_id else None,
        received_at=whole.received_at,
        started_at=min([whole.started_at, *(row.started_at for row in rows)]),
        ended_at=max([whole.ended_at, *(row.ended_at or row.started_at for row in rows)]),
        drift_ms=whole.drift_ms,
        name=whole.name,
        op=whole.op,
        status=whole.status,
        platform=whole.platform,
        release=whole.release,
        environment=whole.environment,
        spans=len(rows),
        # What cannot be read becomes empty, so that it does not stop the move.
        content=span_block.pack_block(
            [_write_span(row) for row in rows], packed_json.unpack_object(whole.payload)
        ),
    )


def _make_span_block(rows: _Rows, platform: str | None) -> NewBlock:
    first = rows[0]
    trace_id = TraceId(first.trace_id)
    replay_id = ReplayId(first.replay_id) if first.replay_id else None
    return NewBlock(
        project_id=ProjectId(first.project_id),
        block_id=span_block.make_block_id(trace_id, replay_id, [row.span_id for row in rows]),
        transaction_id=EventId(first.transaction_id) if first.transaction_id else None,
        trace_id=trace_id,
        replay_id=replay_id,
        received_at=first.received_at,
        started_at=min(row.started_at for row in rows),
        ended_at=max(row.ended_at or row.started_at for row in rows),
        drift_ms=first.drift_ms,
        name=first.description if first.is_segment else None,
        op=first.op,
        status=first.status,
        platform=platform,
        release=None,
        environment=None,
        spans=len(rows),
        content=span_block.pack_block([_write_span(row) for row in rows]),
    )


def _write_span(row: Row[Any]) -> JsonObject:
    """Return a stored span in the form of v1."""
    written: JsonObject = {
        "span_id": row.span_id,
        "parent_span_id": row.parent_span_id,
        "op": row.op,
        "description": row.description,
        "status": row.status,
        "start_timestamp": row.started_at.timestamp(),
        "timestamp": row.ended_at.timestamp() if row.ended_at else None,
        "origin": row.origin,
        "is_segment": row.is_segment or None,
        "data": packed_json.unpack_object(row.data) or None,
    }
    return {name: value for name, value in written.items() if value is not None}
