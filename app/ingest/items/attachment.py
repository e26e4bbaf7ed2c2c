"""An `attachment` item: a file that belongs to an event, which may come later or never.

Its bytes are kept as they came, because scrubbing would break most files; only a view hierarchy,
which is JSON, is scrubbed. Its name and types are labels in columns and never part of a path.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from app.core.errors import MalformedInput, RequestRefused
from app.core.ids import EventId
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.events import view_hierarchy
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    count_rows,
    one_by_one,
)
from app.issues import attachments, erase as error_erase
from app.issues.model import Attachment
from app.projects.model import Outcome
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.storage import keys

_UNNAMED: Final = "unnamed"
_USUAL_TYPE: Final = "event.attachment"
_NO_FILES: Final = frozenset(
    {"application/vnd.sentry.trace-attachment", "application/vnd.sentry.attachment-ref"}
)
"""What belongs to a trace instead of an event, and what only says where a file would be."""


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
    # The hash of what came: a second delivery is the same file, whatever the rules are by then.
    sha256 = hashlib.sha256(item.payload).hexdigest()
    attachment_type = _scrubbed(item.attachment_type, context) or _USUAL_TYPE
    payload = item.payload
    if attachment_type == view_hierarchy.ATTACHMENT_TYPE:
        payload = _scrub_hierarchy(payload, context)
    attachment = Attachment(
        project_id=context.project_id,
        event_id=EventId(event_id),
        sha256=sha256,
        filename=_scrubbed(item.filename, context) or _UNNAMED,
        content_type=_scrubbed(item.content_type, context),
        attachment_type=attachment_type,
        received_at=context.received_at,
        object_key=keys.make_attachment_key(context.project_id, event_id, sha256),
        size_bytes=len(payload),
    )
    prepared.rows_of(ATTACHMENT).append(attachment)
    prepared.files[attachment.object_key] = payload


def _scrub_hierarchy(data: memoryview, context: EnvelopeContext) -> memoryview:
    """Take the secrets out of a view hierarchy; one that cannot be read stays as it came."""
    if len(data) > LIMITS.view_hierarchy_bytes or walk.is_clean(bytes(data), context.rules):
        return data
    try:
        tree = jsonish.decode(data, "view hierarchy")
    except RequestRefused:
        return data
    clean = walk.scrub_json(tree, context.rules, kind=PayloadKind.VIEW_HIERARCHY).value
    return data if clean is tree else memoryview(msgspec.json.encode(clean))


def _scrubbed(label: str | None, context: EnvelopeContext) -> str | None:
    """Take secrets out of a label of a file, as out of a message: a name of digits may stay."""
    clean = walk.scrub_json({"message": label}, context.rules, kind=PayloadKind.EVENT).value
    found: str | None = clean["message"]
    return found


async def store_attachments(
    transaction: StoreTransaction, rows: Sequence[Attachment]
) -> StoredRows:
    """Store the rows of files; a duplicate's object is the one that is there already."""
    connection, files = transaction.connection, transaction.files
    added = await attachments.add_attachments(connection, rows)
    swept = await error_erase.withdraw_outgoing_files(
        connection, sorted({row.object_key for row in rows})
    )
    if swept:
        await transaction.objects.put_many([(key, files[key]) for key in sorted(swept)])
    keyed = [(ATTACHMENT.name, attachments.attachment_key(row), 1) for row in rows]
    return StoredRows(count_rows(keyed, added))


ATTACHMENT: Final = ItemType(
    name="attachment",
    categories=("attachment",),
    limit_bytes=LIMITS.attachment_bytes,
    scrubbing=PayloadKind.VIEW_HIERARCHY,
    prepare=one_by_one(prepare_attachment),
    store=store_attachments,
    is_in_object_storage=True,
)
