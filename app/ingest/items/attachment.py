"""An `attachment` item: a file that belongs to an event, which may come later or never.

Its bytes are kept as they came: they cannot be scrubbed without breaking them, so nothing shows or
serves them. Its name is a label in a column and never part of a path.
"""

import hashlib
from typing import Final

from app.core.errors import Malformed, TooLarge
from app.core.ids import EventId
from app.core.limits import LIMITS
from app.errors.model import Attachment
from app.formats.envelope import Item
from app.ingest.prepared import AttachmentWork, Context, Prepared
from app.projects.model import Outcome
from app.scrub import walk
from app.scrub.places import Kind
from app.storage import keys

_UNNAMED: Final = "unnamed"
_USUAL_TYPE: Final = "event.attachment"
_NO_FILES: Final = frozenset(
    {"application/vnd.sentry.trace-attachment", "application/vnd.sentry.attachment-ref"}
)
"""What belongs to a trace instead of an event, and what only says where a file would be."""


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into an attachment to be stored; it may be empty.

    Raises:
        Malformed: The envelope names no event.
        TooLarge: It is over `LIMITS.attachment_bytes`.
    """
    if (item.content_type or "").partition(";")[0].strip().lower() in _NO_FILES:
        prepared.count(context, item.type, Outcome.IGNORED, "type")
        return
    size_bytes = len(item.payload)
    if size_bytes > LIMITS.attachment_bytes:
        raise TooLarge(
            f"the attachment has {size_bytes} bytes, at most {LIMITS.attachment_bytes} are kept"
        )
    event_id = context.header.event_id
    if event_id is None:
        raise Malformed("the envelope of an attachment names no event")
    sha256 = hashlib.sha256(item.payload).hexdigest()
    attachment = Attachment(
        project_id=context.project_id,
        event_id=EventId(event_id),
        sha256=sha256,
        filename=_scrubbed(item.filename, context) or _UNNAMED,
        content_type=item.content_type,
        attachment_type=item.attachment_type or _USUAL_TYPE,
        received_at=context.received_at,
        object_key=keys.attachment(context.project_id, event_id, sha256),
        size_bytes=size_bytes,
    )
    prepared.attachments.append(AttachmentWork(attachment, item.payload))


def _scrubbed(name: str | None, context: Context) -> str | None:
    """Take secrets out of a file's name, as out of a message: a name of digits may stay."""
    clean = walk.scrub_json({"message": name}, context.rules, kind=Kind.EVENT).value
    found: str | None = clean["message"]
    return found
