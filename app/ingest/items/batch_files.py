"""The files of a batch: each becomes an object of its own, beside those of the same batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from app.issues.model import Attachment, NewAttachment
from app.storage import keys


class PreparedFile(msgspec.Struct, frozen=True, gc=False):
    """A file on its way into the table, and its bytes on their way into storage."""

    attachment: NewAttachment
    content: memoryview


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """The files of a batch with the objects that are to be put for them."""

    rows: tuple[Attachment, ...]
    """The files in the order of arrival; two that are the same file have one object."""
    contents: dict[str, memoryview]
    """The bytes of each object by its key."""


def lay_out_files(files: Sequence[PreparedFile], prefix: str) -> BatchFiles:
    """Give each file of a batch its object.

    Args:
        files: The files in the order of arrival.
        prefix: The prefix of their keys (`keys.make_batch_files_prefix`).
    """
    rows: list[Attachment] = []
    contents: dict[str, memoryview] = {}
    for prepared in files:
        new = prepared.attachment
        key = keys.make_attachment_key(prefix, new.project_id, new.event_id, new.sha256)
        rows.append(new.with_object(key))
        contents[key] = prepared.content
    return BatchFiles(tuple(rows), contents)
