"""Files that belong to events: their rows; the bytes are objects."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import EventId, ProjectId
from app.db import rows
from app.db.text import clean, clean_or_none
from app.errors.model import Attachment, AttachmentKey
from app.errors.tables import attachments

_NAME_BYTES: Final = 800
"""Part of the key: a row of an index takes 2,700 bytes."""
_MOST: Final = 100
"""Files of one event at most."""


async def add_attachments(
    connection: AsyncConnection, new: Sequence[Attachment]
) -> set[AttachmentKey]:
    """Store the rows of files that are not there yet.

    Returns:
        The keys of those that were stored (see `key_of`); the others were duplicates.
    """
    first = {key_of(one): _row(one) for one in reversed(new)}
    return await rows.add_new(connection, attachments, first)


def key_of(one: Attachment) -> AttachmentKey:
    """Return what tells two attachments apart.

    Source: docs/protocol.md, section 1.6.
    """
    return one.project_id, one.event_id, clean(one.filename, limit_bytes=_NAME_BYTES), one.sha256


async def bytes_of(
    connection: AsyncConnection, project_ids: Sequence[ProjectId]
) -> dict[ProjectId, int]:
    """Add up the files of some projects: reads every row, so ask seldom."""
    if not project_ids:
        return {}
    found = await connection.execute(
        select(attachments.c.project_id, func.sum(attachments.c.size_bytes).label("size_bytes"))
        .where(attachments.c.project_id.in_(project_ids))
        .group_by(attachments.c.project_id)
    )
    return {ProjectId(row.project_id): int(row.size_bytes) for row in found}


async def attachments_of(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId
) -> list[Attachment]:
    """Read what is attached to one event, by name."""
    found = await connection.execute(
        select(attachments)
        .where(attachments.c.project_id == project_id, attachments.c.event_id == event_id)
        .order_by(attachments.c.filename, attachments.c.sha256)
        .limit(_MOST)
    )
    return [Attachment(**row) for row in found.mappings()]


def _row(one: Attachment) -> dict[str, Any]:
    _, _, filename, _ = key_of(one)
    return {
        "project_id": one.project_id,
        "event_id": one.event_id,
        "sha256": one.sha256,
        "filename": filename,
        "content_type": clean_or_none(one.content_type, limit_bytes=_NAME_BYTES),
        "attachment_type": clean(one.attachment_type, limit_bytes=_NAME_BYTES),
        "received_at": one.received_at,
        "object_key": one.object_key,
        "size_bytes": one.size_bytes,
    }
