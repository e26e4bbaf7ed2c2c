"""Moves spans that a release before blocks stored one by one into blocks.

A step moves some of them in one transaction and locks their rows, so several processes may work at
once. Transactions are moved first, with their spans; the spans that remain were streamed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY, BatchDays
from app.core.ids import EventId, ProjectId, ReplayId, TraceId
from app.core.replay.replay_window import BLOCK_START_SPREAD
from app.formats.jsonish import JsonObject
from app.formats.stored import packed_json, span_block
from app.traces import writes
from app.traces.model import NewBlock
from app.traces.tables import spans, transactions

_TRANSACTIONS: Final = 50
_SPANS: Final = 1_000

_DAYS: Final = BatchDays(today=OLD_DAY)
"""Blocks of old spans go where other old rows are, and move to their own day with them."""

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
    old_transactions = locked_rows.all()
    if not old_transactions:
        return []
    belonging = await connection.execute(
        select(spans).where(
            tuple_(spans.c.project_id, spans.c.trace_id, spans.c.transaction_id).in_(
                [
                    (old_transaction.project_id, old_transaction.trace_id, old_transaction.event_id)
                    for old_transaction in old_transactions
                ]
            )
        )
    )
    rows = belonging.all()
    moved = await asyncio.to_thread(_make_blocks, old_transactions, rows)
    await writes.add_blocks(connection, moved, _DAYS)
    await _delete_spans(connection, rows)
    keys = [
        (old_transaction.project_id, old_transaction.event_id)
        for old_transaction in old_transactions
    ]
    key = tuple_(transactions.c.project_id, transactions.c.event_id)
    await connection.execute(delete(transactions).where(key.in_(keys)))
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
    await writes.add_blocks(connection, moved, _DAYS)
    await _delete_spans(connection, rows)
    return moved


async def _delete_spans(connection: AsyncConnection, rows: _Rows) -> None:
    key = tuple_(spans.c.project_id, spans.c.trace_id, spans.c.span_id)
    keys = [(row.project_id, row.trace_id, row.span_id) for row in rows]
    if keys:
        await connection.execute(delete(spans).where(key.in_(keys)))


def _make_blocks(old_transactions: _Rows, rows: _Rows) -> list[NewBlock]:
    """Group spans into blocks; the block of a transaction holds the spans grouped with its root."""
    groups: defaultdict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
    firsts: dict[tuple[Any, ...], Any] = {}
    for row in sorted(rows, key=lambda row: (not row.is_segment, row.started_at)):
        group_key = (
            row.project_id, row.trace_id, row.replay_id, row.transaction_id, row.received_at,
            row.drift_ms,
        )  # fmt: skip
        since = row.started_at - firsts.setdefault(group_key, row.started_at)
        groups[(*group_key, int(since / BLOCK_START_SPREAD))].append(row)
    by_id = {
        (old_transaction.project_id, old_transaction.event_id): old_transaction
        for old_transaction in old_transactions
    }
    without_root = dict(by_id)
    blocks: list[NewBlock] = []
    for together in groups.values():
        key = (together[0].project_id, together[0].transaction_id)
        old_transaction = by_id.get(key)
        if old_transaction is not None and any(
            row.span_id == old_transaction.span_id for row in together
        ):
            blocks.append(_make_transaction_block(old_transaction, together))
            del without_root[key]
        else:
            blocks.append(
                _make_span_block(
                    together, old_transaction.platform if old_transaction is not None else None
                )
            )
    return [
        *blocks,
        *(
            _make_transaction_block(old_transaction, ())
            for old_transaction in without_root.values()
        ),
    ]


def _make_transaction_block(old_transaction: Row[Any], rows: _Rows) -> NewBlock:
    """Make the block of a transaction, without spans if its root is stored in another block."""
    event_id = EventId(old_transaction.event_id)
    replay_id = rows[0].replay_id if rows else old_transaction.replay_id
    return NewBlock(
        project_id=ProjectId(old_transaction.project_id),
        block_id=event_id,
        transaction_id=event_id,
        trace_id=TraceId(old_transaction.trace_id or event_id),
        replay_id=ReplayId(replay_id) if replay_id else None,
        received_at=old_transaction.received_at,
        started_at=min([old_transaction.started_at, *(row.started_at for row in rows)]),
        ended_at=max([old_transaction.ended_at, *(row.ended_at or row.started_at for row in rows)]),
        drift_ms=old_transaction.drift_ms,
        name=old_transaction.name,
        op=old_transaction.op,
        status=old_transaction.status,
        platform=old_transaction.platform,
        release=old_transaction.release,
        environment=old_transaction.environment,
        spans=len(rows),
        # What cannot be read becomes empty, so that it does not stop the move.
        content=span_block.pack_block(
            [_write_span(row) for row in rows], packed_json.unpack_object(old_transaction.payload)
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
