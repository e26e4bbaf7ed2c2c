"""Feedback: adding it, and reading what belongs to a replay."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId, ReplayId, TraceId
from app.core.windows import ReplayWindow
from app.db import rows, windows as sql_windows
from app.db.text import clean, clean_or_none
from app.errors.model import NewFeedback, StoredFeedback
from app.errors.tables import feedback

_NAME_BYTES: Final = 1_024
PART_FEEDBACK: Final = 1_000
"""Feedback of one replay that is read at once."""

COLUMNS: Final = """
    f.project_id, f.event_id, f.received_at, f.at, f.drift_ms, f.message, f.name, f.email, f.url,
    f.associated_event_id, f.replay_id, f.trace_id, f.platform, f.release, f.environment
"""
"""What `to_feedback` reads, of table `f`."""

# Beyond what links errors: feedback that names nothing but an error belongs to that error's replay.
_KEYS: Final = f"""
    with {sql_windows.WINDOWS},
    keys as (
        select f.project_id, f.event_id
        from windows w join feedback f on f.replay_id = w.replay_id
        where f.project_id = any(:project_ids)
        union
        select f.project_id, f.event_id
        from windows w
        join events e on e.replay_id = w.replay_id
        join feedback f on f.project_id = e.project_id and f.associated_event_id = e.event_id
        where f.replay_id is null and f.project_id = any(:project_ids)
        union
        select project_id, event_id
        from ({sql_windows.by_trace("feedback", "x.project_id, x.event_id", lasts=False)}) linked
    )
"""  # noqa: S608 - joined from constants
_FEEDBACK: Final = sql_windows.statement(
    f"""
    {_KEYS}
    select {COLUMNS}
    from keys join feedback f using (project_id, event_id)
    order by f.at, f.event_id
    offset :first limit :most
    """  # noqa: S608 - joined from constants
)
_COUNT: Final = sql_windows.statement(
    f"{_KEYS} select count(*) from keys"  # noqa: S608 - joined from constants
)


async def add_feedback(
    connection: AsyncConnection, new: Sequence[NewFeedback]
) -> set[tuple[ProjectId, EventId]]:
    """Store feedback that is not there yet.

    Returns:
        The keys of what was stored; the rest were duplicates.
    """
    first = {(one.project_id, one.event_id): _row(one) for one in reversed(new)}
    return await rows.add_new(connection, feedback, first)


async def feedback_of(
    connection: AsyncConnection,
    window: ReplayWindow,
    project_ids: Sequence[ProjectId],
    *,
    first: int = 0,
) -> list[StoredFeedback]:
    """Read the feedback of one replay in the order of its time.

    Args:
        connection: Where to read.
        window: The reach of the replay.
        project_ids: The projects that the reader may see.
        first: How many pieces of feedback stand before those that are read.
    """
    parameters = sql_windows.parameters([window], project_ids)
    found = await connection.execute(
        _FEEDBACK, {**parameters, "first": first, "most": PART_FEEDBACK}
    )
    return [to_feedback(row) for row in found]


async def count_feedback(
    connection: AsyncConnection, window: ReplayWindow, project_ids: Sequence[ProjectId]
) -> int:
    """Count the feedback of one replay."""
    quantity = await connection.scalar(_COUNT, sql_windows.parameters([window], project_ids))
    return quantity or 0


def _row(one: NewFeedback) -> dict[str, Any]:
    return {
        "project_id": one.project_id,
        "event_id": one.event_id,
        "item_type": one.item_type,
        "received_at": one.received_at,
        "at": one.at,
        "drift_ms": one.drift_ms,
        "message": clean(one.message),
        "name": clean_or_none(one.name, limit_bytes=_NAME_BYTES),
        "email": clean_or_none(one.email, limit_bytes=_NAME_BYTES),
        "url": clean_or_none(one.url),
        "associated_event_id": one.associated_event_id,
        "replay_id": one.replay_id,
        "trace_id": one.trace_id,
        "platform": clean_or_none(one.platform, limit_bytes=_NAME_BYTES),
        "release": clean_or_none(one.release, limit_bytes=_NAME_BYTES),
        "environment": clean_or_none(one.environment, limit_bytes=_NAME_BYTES),
    }


def to_feedback(row: Row[Any]) -> StoredFeedback:
    """Turn a row of `COLUMNS` into its value."""
    associated = row.associated_event_id
    return StoredFeedback(
        project_id=ProjectId(row.project_id),
        event_id=EventId(row.event_id.hex),
        received_at=row.received_at,
        at=row.at,
        drift_ms=row.drift_ms,
        message=row.message,
        name=row.name,
        email=row.email,
        url=row.url,
        associated_event_id=EventId(associated.hex) if associated else None,
        replay_id=ReplayId(row.replay_id.hex) if row.replay_id else None,
        trace_id=TraceId(row.trace_id.hex) if row.trace_id else None,
        platform=row.platform,
        release=row.release,
        environment=row.environment,
    )
