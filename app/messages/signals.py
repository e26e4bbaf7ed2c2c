"""Stores signals, and hands them to the process that judges rules."""

from collections.abc import Sequence

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, IssueId, ProjectId, ReplayId
from app.db.text import clean_or_none
from app.messages.model import AlertSignal, SignalKind
from app.messages.tables import signals

_RELEASE_BYTES = 1_024


async def add_signals(connection: AsyncConnection, new: Sequence[AlertSignal]) -> None:
    """Add signals in the transaction that stores what they are about."""
    if new:
        await connection.execute(
            insert(signals),
            [
                {
                    "project_id": signal.project_id,
                    "kind": signal.kind,
                    "issue_id": signal.issue_id,
                    "event_id": signal.event_id,
                    "replay_id": signal.replay_id,
                    "release": clean_or_none(signal.release, limit_bytes=_RELEASE_BYTES),
                }
                for signal in new
            ],
        )


async def is_any_waiting(connection: AsyncConnection) -> bool:
    """Tell whether there is a signal to take."""
    return bool(await connection.scalar(select(exists().select_from(signals))))


async def take_signals(connection: AsyncConnection, *, limit: int) -> list[AlertSignal]:
    """Take the oldest signals that no other process has taken.

    They are deleted in the transaction of the caller, which also stores the findings.
    """
    oldest = (
        select(signals.c.id).order_by(signals.c.id).limit(limit).with_for_update(skip_locked=True)
    )
    rows = await connection.execute(
        delete(signals).where(signals.c.id.in_(oldest.scalar_subquery())).returning(signals)
    )
    taken = [
        AlertSignal(
            ProjectId(row.project_id),
            SignalKind(row.kind),
            None if row.issue_id is None else IssueId(row.issue_id),
            None if row.event_id is None else EventId(row.event_id),
            None if row.replay_id is None else ReplayId(row.replay_id),
            row.release,
            row.noted_at,
            row.id,
        )
        for row in rows
    ]
    return sorted(taken, key=lambda signal: signal.id)


async def measure_age(connection: AsyncConnection) -> float:
    """Return the age in seconds of the oldest signal that is not judged; 0 if there is none."""
    # The newest ids are the newest signals, so the primary key finds the oldest one.
    oldest = select(signals.c.noted_at).order_by(signals.c.id).limit(1).scalar_subquery()
    age_s = await connection.scalar(select(func.extract("epoch", func.now() - oldest)))
    return max(0.0, float(age_s or 0))
