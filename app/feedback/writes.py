"""Adding feedback: the first write of an event id wins."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db.rows import insert_new_rows
from app.db.text import clean, clean_or_none
from app.feedback.model import NewFeedback
from app.feedback.tables import feedback

_NAME_BYTES: Final = 1_024


async def add_feedback(
    connection: AsyncConnection, new: Sequence[NewFeedback]
) -> set[tuple[ProjectId, EventId]]:
    """Store feedback that is not there yet.

    Returns:
        The keys of what was stored; the rest were duplicates.
    """
    first = {(one.project_id, one.event_id): _to_row(one) for one in reversed(new)}
    return await insert_new_rows(connection, feedback, first)


def _to_row(one: NewFeedback) -> dict[str, Any]:
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
