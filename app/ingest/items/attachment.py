"""An `attachment` item: a file that belongs to an event, which may come later or never.

Its bytes are stored as they were sent, because scrubbing would break most files; only a view
hierarchy, which is JSON, is scrubbed. Its name and types are stored in columns and are never part
of a path.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from app.core import clock
from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.core.ids import EventId
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.batch_files import PreparedFile
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
    one_by_one,
    sum_storage,
)
from app.issues import attachments
from app.issues.deletion import erase as error_erase
from app.issues.model import NewAttachment
from app.projects.model import Outcome
from app.projects.storage import ATTACHMENT_BYTES, StorageKind
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.taps.hierarchy import hide_keypad_views

_UNNAMED: Final = "unnamed"
_USUAL_TYPE: Final = "event.attachment"
_NO_FILES: Final = frozenset(
    {"application/vnd.sentry.trace-attachment", "application/vnd.sentry.attachment-ref"}
)
"""Content types of items that belong to a trace, or that only say where a file would be."""


def prepare_attachment(
    item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch
) -> None:
    """Turn one item into an attachment to be stored; it may be empty.

    Raises:
        MalformedInput: The envelope names no event.
        OversizedInput: It is over `LIMITS.attachment_bytes`.
    """
    if (item.content_type or "").partition(";")[0].strip().lower() in _NO_FILES:
        prepared.count(context, item.type, Outcome.IGNORED, "type")
        return
    ATTACHMENT.check_size(item)
    event_id = context.header.event_id
    if event_id is None:
        raise MalformedInput("the envelope of an attachment names no event")
    attachment_type = _scrub_label(item.attachment_type, context) or _USUAL_TYPE
    payload = item.payload
    if attachment_type == view_hierarchy.ATTACHMENT_TYPE:
        payload = scrub_view_hierarchy(payload, context)
    # The hash of the bytes as sent: a second delivery is the same file, also under other rules.
    sha256 = hashlib.sha256(item.payload).hexdigest()
    attachment = NewAttachment(
        project_id=context.project_id,
        event_id=EventId(event_id),
        sha256=sha256,
        filename=_scrub_label(item.filename, context) or _UNNAMED,
        content_type=_scrub_label(item.content_type, context),
        attachment_type=attachment_type,
        received_at=context.received_at,
        size_bytes=len(payload),
        day=prepared.day,
    )
    prepared.rows_of(ATTACHMENT).append(PreparedFile(attachment, payload))


def scrub_view_hierarchy(data: memoryview, context: EnvelopeContext) -> memoryview:
    """Return a view hierarchy without secrets; one that cannot be read stays as it was sent.

    Raises:
        MalformedInput: It cannot be read, and it may show a keypad that the project wants hidden.
        OversizedInput: The same, since it is too large or too deep.
    """
    if context.taps.hides_any:
        return _hide_keypads(data, context)
    if len(data) > LIMITS.view_hierarchy_bytes or walk.is_clean(bytes(data), context.rules):
        return data
    try:
        tree = jsonish.decode(data, "view hierarchy")
    except RequestRefused:
        return data
    return _write_tree(tree, tree, data, context)


def _hide_keypads(data: memoryview, context: EnvelopeContext) -> memoryview:
    if len(data) > LIMITS.view_hierarchy_bytes:
        raise OversizedInput(
            f"the view hierarchy has more than {LIMITS.view_hierarchy_bytes} bytes, so the views"
            " of keypads cannot be hidden in it"
        )
    tree = jsonish.decode(data, "view hierarchy")
    without_keypads, remarks = hide_keypad_views(tree, context.taps)
    context.count_removals(remarks)
    return _write_tree(without_keypads, tree, data, context)


def _write_tree(tree: Any, sent: Any, data: memoryview, context: EnvelopeContext) -> memoryview:
    """Scrub a tree, and write it anew unless it is still the one that was sent."""
    clean = walk.scrub_json(tree, context.rules, kind=PayloadKind.VIEW_HIERARCHY)
    context.count_removals(clean.remarks)
    return data if clean.value is sent else memoryview(msgspec.json.encode(clean.value))


def _scrub_label(label: str | None, context: EnvelopeContext) -> str | None:
    """Return a label of a file without secrets, by the rules for messages: digits may stay."""
    clean = walk.scrub_json({"message": label}, context.rules, kind=PayloadKind.EVENT)
    context.count_removals(clean.remarks)
    clean_label: str | None = clean.value["message"]
    return clean_label


async def store_attachments(
    transaction: StoreTransaction, _files: Sequence[PreparedFile]
) -> StoredRows:
    """Store the rows of files.

    A file that came before has an object already; the one that was put now is handed to the sweep.
    """
    connection, rows = transaction.connection, transaction.files.rows
    added = await attachments.add_attachments(connection, rows, transaction.days)
    repeated = [row for row in rows if attachments.attachment_key(row) not in added]
    await error_erase.discard_files(connection, repeated, at=clock.now())
    keyed = [(ATTACHMENT.name, attachments.attachment_key(row), 1) for row in rows]
    storage = sum_storage(
        StorageKind.ATTACHMENTS,
        rows[0].day,
        [(attachments.attachment_key(row), 1, ATTACHMENT_BYTES + row.size_bytes) for row in rows],
        added,
    )
    return StoredRows(count_rows(keyed, added), storage)


ATTACHMENT: Final = ItemType(
    name="attachment",
    categories=("attachment",),
    limit_bytes=LIMITS.attachment_bytes,
    scrubbing=PayloadKind.VIEW_HIERARCHY,
    prepare=one_by_one(prepare_attachment),
    store=store_attachments,
    is_in_object_storage=True,
)
