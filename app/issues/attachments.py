"""Reads and writes the rows of files that came with events; their bytes are objects."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Date, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import BatchDays
from app.core.errors import NotFound
from app.core.ids import EventId, ProjectId
from app.db.list_slices import ListSlice, SliceQuery
from app.db.rows import insert_new_rows
from app.db.text import clean, clean_or_none
from app.db.types import Hex32
from app.issues.model import Attachment, AttachmentKey
from app.issues.tables import attachments

_NAME_BYTES: Final = 800
"""The name is part of the key, and an entry of an index has room for 2,700 bytes."""


def _to_attachment(row: Row[Any]) -> Attachment:
    return Attachment(**row._mapping)  # noqa: SLF001 - a public name of SQLAlchemy


_OF_EVENT: Final = (
    select(*(attachments.c[field.name] for field in fields(Attachment)))
    .where(
        attachments.c.project_id == bindparam("project"),
        attachments.c.event_id == bindparam("event"),
    )
    .order_by(attachments.c.filename, attachments.c.sha256)
)
_SLICES: Final = SliceQuery(_OF_EVENT, _to_attachment, size=100)
# Without the day, Postgres would look into the partitions of all days. A list of pairs after "in"
# would be one condition for each pair and partition, which it plans and compiles for minutes.
_OBJECT_KEYS: Final = text(
    """
    select a.object_key
    from unnest(:project_ids, :event_ids) as f (project_id, event_id)
    join attachments a on a.project_id = f.project_id and a.event_id = f.event_id
    where a.day = :day
    """
).bindparams(
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("event_ids", type_=ARRAY(Hex32)),
    bindparam("day", type_=Date),
)


async def add_attachments(
    connection: AsyncConnection, new: Sequence[Attachment], days: BatchDays
) -> set[AttachmentKey]:
    """Store the rows of files that are not there yet.

    Args:
        connection: The transaction of the caller.
        new: The files, each with the day of its object.
        days: The days of the batch.

    Returns:
        The keys of the files that were stored (`attachment_key`); the others were duplicates.
    """
    rows = {attachment_key(attachment): _to_row(attachment, days) for attachment in reversed(new)}
    # They have the day that the process assumed when it put them, which may be another one.
    near = {each.day + timedelta(days=ahead) for each in new for ahead in (-1, 0, 1)}
    return await insert_new_rows(connection, attachments, rows, days=sorted({*days.recent, *near}))


def attachment_key(attachment: Attachment) -> AttachmentKey:
    """Return the key by which two attachments are the same.

    Source: docs/protocol.md, section 1.6.
    """
    filename = clean(attachment.filename, limit_bytes=_NAME_BYTES)
    return attachment.project_id, attachment.event_id, filename, attachment.sha256


async def read_attachments(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId, *, first: int = 0
) -> ListSlice[Attachment]:
    """Read what is attached to an event, by name.

    Args:
        connection: The connection to read with.
        project_id: The project of the event.
        event_id: The event.
        first: Number of files to skip.
    """
    return await _SLICES.read(connection, {"project": project_id, "event": event_id}, first=first)


async def get_attachment(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId, number: int
) -> Attachment:
    """Return a file of an event by its position among the event's files, counted from 0.

    Raises:
        NotFound: There is no such event or file.
    """
    query = _OF_EVENT.offset(number).limit(1)
    row = (await connection.execute(query, {"project": project_id, "event": event_id})).first()
    if row is None:
        raise NotFound("no such file")
    return _to_attachment(row)


async def find_attachment(
    connection: AsyncConnection, project_id: ProjectId, event_id: EventId, attachment_type: str
) -> Attachment | None:
    """Find the first file of a type that is attached to an event."""
    query = _OF_EVENT.where(attachments.c.attachment_type == attachment_type).limit(1)
    row = (await connection.execute(query, {"project": project_id, "event": event_id})).first()
    return _to_attachment(row) if row else None


async def find_attachments_of_type(
    connection: AsyncConnection,
    project_id: ProjectId,
    event_ids: Collection[EventId],
    attachment_type: str,
) -> dict[EventId, Attachment]:
    """Find the first file of a type of each of some events; those without one are left out."""
    rows = await connection.execute(
        select(*(attachments.c[field.name] for field in fields(Attachment)))
        .where(
            attachments.c.project_id == project_id,
            attachments.c.event_id.in_(sorted(event_ids)),
            attachments.c.attachment_type == attachment_type,
        )
        .order_by(attachments.c.filename.desc(), attachments.c.sha256.desc())
    )
    return {EventId(row.event_id): _to_attachment(row) for row in rows}


async def find_object_keys(
    connection: AsyncConnection, day: date, events: Collection[tuple[ProjectId, EventId]]
) -> set[str]:
    """Return the keys of the objects of all files of some events that were stored on a day.

    Args:
        connection: The connection to read with.
        day: The day of the files, with which the keys of their objects begin.
        events: Project and id of each event; a thousand take some ten milliseconds.
    """
    if not events:
        return set()
    ordered = sorted(events)
    parameters = {
        "day": day,
        "project_ids": [project_id for project_id, _ in ordered],
        "event_ids": [event_id for _, event_id in ordered],
    }
    return set(await connection.scalars(_OBJECT_KEYS, parameters))


def _to_row(attachment: Attachment, days: BatchDays) -> dict[str, Any]:
    _, _, filename, _ = attachment_key(attachment)
    return {
        "day": attachment.day,
        "retention_class": days.slot_of(attachment.project_id).retention_class,
        "project_id": attachment.project_id,
        "event_id": attachment.event_id,
        "sha256": attachment.sha256,
        "filename": filename,
        "content_type": clean_or_none(attachment.content_type, limit_bytes=_NAME_BYTES),
        "attachment_type": clean(attachment.attachment_type, limit_bytes=_NAME_BYTES),
        "received_at": attachment.received_at,
        "object_key": attachment.object_key,
        "size_bytes": attachment.size_bytes,
    }
