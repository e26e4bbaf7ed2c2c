"""Adds feedback; the first write of an event id wins."""

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
        The keys of what was stored; the others were duplicates.
    """
    # Reversed, so that of two with one key in a batch the first one wins.
    rows = {(entry.project_id, entry.event_id): _to_row(entry) for entry in reversed(new)}
    return await insert_new_rows(connection, feedback, rows)


def _to_row(entry: NewFeedback) -> dict[str, Any]:
    return {
        "project_id": entry.project_id,
        "event_id": entry.event_id,
        "item_type": entry.item_type,
        "received_at": entry.received_at,
        "at": entry.at,
        "drift_ms": entry.drift_ms,
        "message": clean(entry.message),
        "name": clean_or_none(entry.name, limit_bytes=_NAME_BYTES),
        "email": clean_or_none(entry.email, limit_bytes=_NAME_BYTES),
        "url": clean_or_none(entry.url),
        "associated_event_id": entry.associated_event_id,
        "replay_id": entry.replay_id,
        "trace_id": entry.trace_id,
        "platform": clean_or_none(entry.platform, limit_bytes=_NAME_BYTES),
        "release": clean_or_none(entry.release, limit_bytes=_NAME_BYTES),
        "environment": clean_or_none(entry.environment, limit_bytes=_NAME_BYTES),
    }
