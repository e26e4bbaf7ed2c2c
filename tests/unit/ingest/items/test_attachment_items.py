"""Tests of the bytes and the labels that are stored for an attached file."""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from app.core.ids import ProjectId
from app.core.limits import LIMITS
from app.formats.events import view_hierarchy
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import PreparedBatch
from app.issues.model import Attachment
from app.scrub.rules import DEFAULT_RULES

EVENT_ID = "4f1c2b3a09f8e7d6c5b4a39281706f5e"


class PreparedFile(NamedTuple):
    """The row of a file, and the bytes that are stored."""

    row: Attachment
    data: memoryview


def prepared(payload: bytes, **labels: Any) -> PreparedFile:
    """Prepare one file."""
    header = EnvelopeHeader(event_id=EVENT_ID)
    context = EnvelopeContext(
        ProjectId(1), datetime(2026, 11, 30, tzinfo=UTC), 0, None, header, DEFAULT_RULES
    )
    batch = PreparedBatch()
    ATTACHMENT.prepare(
        [(EnvelopeItem("attachment", memoryview(payload), **labels), context)], batch
    )
    (row,) = batch.rows_of(ATTACHMENT)
    return PreparedFile(row, batch.files[row.object_key])


def hierarchy(size_bytes: int) -> bytes:
    """Return a tree of views of this size with a secret in it."""
    tree = {"windows": [{"type": "A", "identifier": "password=w1nter", "x": ""}]}
    tree["windows"][0]["x"] = "y" * (size_bytes - len(json.dumps(tree)))
    return json.dumps(tree).encode()


def test_a_view_hierarchy_is_scrubbed():
    """The largest that pages show is scrubbed as well; its hash stays that of the bytes as sent."""
    sent = hierarchy(LIMITS.view_hierarchy_bytes)
    file = prepared(sent, attachment_type=view_hierarchy.ATTACHMENT_TYPE)
    clean = json.loads(bytes(file.data))
    assert clean["windows"][0]["identifier"] == "password=[Filtered]"
    assert file.row.size_bytes == len(file.data)
    assert file.row.sha256 == prepared(sent).row.sha256


@pytest.mark.parametrize(
    "sent",
    [
        hierarchy(LIMITS.view_hierarchy_bytes + 1),
        b'{"windows": [{"identifier": "password=w1nter"',
        b'{"windows": [{"type": "A", "identifier": "password_field"}]}',
    ],
)
def test_other_hierarchies_stay_as_they_were_sent(sent: bytes):
    """A hierarchy that is too large to be shown, broken, or without a secret stays as it is."""
    file = prepared(sent, attachment_type=view_hierarchy.ATTACHMENT_TYPE)
    assert bytes(file.data) == sent
    assert file.row.size_bytes == len(sent)


def test_files_of_other_types_stay_as_they_were_sent():
    """Nobody knows how to take a secret out of them."""
    assert bytes(prepared(b"password=w1nter").data) == b"password=w1nter"


def test_labels_are_scrubbed():
    """The name of a file and its types are labels."""
    labels = {"filename": "a", "content_type": "text/plain", "attachment_type": "event.minidump"}
    plain = prepared(b"", **labels).row
    assert (plain.filename, plain.content_type) == ("a", "text/plain")
    assert plain.attachment_type == "event.minidump"
    secret = {name: f"{label}; token=w1nter" for name, label in labels.items()}
    assert "w1nter" not in str(prepared(b"", **secret).row)
