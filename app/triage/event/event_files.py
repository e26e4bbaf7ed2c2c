"""Opens the files that came with an event: as bytes to download, or as a picture drawn anew."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from app.audit import writes as audit
from app.audit.model import Action
from app.core.errors import MalformedInput, NotFound, RequestRefused
from app.core.ids import EventId, PersonId, ProjectId
from app.core.limits import LIMITS
from app.db.engine import Database
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.issues import attachments
from app.issues.events import event_queries
from app.issues.model import Attachment
from app.media import child
from app.storage.port import ObjectStore
from app.symbolication.model import unpack_symbolicated

PICTURE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
"""Content types of files that are shown, drawn anew."""
_MOST_PICTURE_BYTES: Final = 8 * 1024 * 1024
"""A screenshot is below 1 MiB."""
_CHUNK_BYTES: Final = 256 * 1024


async def open_event_file(
    db: Database, project_id: ProjectId, event_id: EventId, number: int, *, person_id: PersonId
) -> Attachment:
    """Find a file that a person downloads, and record that they did.

    Args:
        db: The database, with the log of views.
        project_id: The project of the event.
        event_id: The event.
        number: Position of the file among those of the event, counted from 0.
        person_id: The person who downloads it.

    Raises:
        NotFound: There is no such event or file.
    """
    async with db.transaction() as connection:
        file = await attachments.get_attachment(connection, project_id, event_id, number)
        await audit.add_audit_line(
            connection,
            Action.FILE_DOWNLOADED,
            person_id=person_id,
            project_id=project_id,
            subject=event_id,
            detail={"bytes": file.size_bytes},
        )
    return file


async def write_readable_hierarchy(
    db: Database, store: ObjectStore, file: Attachment
) -> bytes | None:
    """Write a view hierarchy with the clear names of its classes, which a mapping gave them.

    Returns:
        The file as JSON; None if it is no hierarchy that can be read, or has no other names.
    """
    if (
        file.attachment_type != view_hierarchy.ATTACHMENT_TYPE
        or file.size_bytes > LIMITS.view_hierarchy_bytes
    ):
        return None
    async with db.reading() as connection:
        event = await event_queries.find_project_event(connection, file.project_id, file.event_id)
    clear_names = unpack_symbolicated(event.symbolicated).view_types if event else {}
    if not clear_names:
        return None
    data = await store.read(file.object_key, 0, file.size_bytes)
    return await asyncio.to_thread(_rename_views, data, clear_names)


def _rename_views(data: bytes, clear_names: Mapping[str, str]) -> bytes | None:
    try:
        hierarchy = jsonish.decode(data, "view hierarchy")
    except RequestRefused:
        return None
    return msgspec.json.encode(view_hierarchy.rename_view_types(hierarchy, clear_names))


async def read_in_chunks(store: ObjectStore, file: Attachment) -> AsyncIterator[bytes]:
    """Read the bytes of a file, a quarter of a megabyte at a time."""
    start = 0
    while start < file.size_bytes:
        size = min(_CHUNK_BYTES, file.size_bytes - start)
        chunk = await store.read(file.object_key, start, size)
        if not chunk:
            return
        yield chunk
        start += len(chunk)


async def draw_event_picture(
    db: Database,
    store: ObjectStore,
    key: tuple[ProjectId, EventId, int],
    *,
    person_id: PersonId,
    drawing_slot: asyncio.Semaphore,
) -> bytes:
    """Have a picture that came with an event drawn anew by a media child; record who looks at it.

    Args:
        db: The database with the row of the file.
        store: The store with its bytes.
        key: The project and id of the event, and the picture's position among its files, from 0.
        person_id: The person who looks at it.
        drawing_slot: Bounds how many media children draw at once.

    Returns:
        A WebP; never the bytes that the app sent.

    Raises:
        NotFound: There is no such file, or it is not a picture that can be shown.
    """
    async with db.reading() as connection:
        file = await attachments.get_attachment(connection, *key)
    if file.content_type not in PICTURE_TYPES or file.size_bytes > _MOST_PICTURE_BYTES:
        raise NotFound("this file is not shown as a picture")
    data = await store.read(file.object_key)
    try:
        async with drawing_slot, child.start_media_child() as started:
            still = await started.redraw(data)
    except MalformedInput as error:
        raise NotFound(f"this file is not a picture that can be shown: {error}") from error
    project_id, event_id, number = key
    async with db.transaction() as connection:
        await audit.add_audit_line(
            connection,
            Action.FILE_VIEWED,
            person_id=person_id,
            project_id=project_id,
            subject=event_id,
            detail={"file": number},
        )
    return still.data
