"""Tests of the bytes and the labels that are stored for an attached file."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.core.ids import EventId, ProjectId
from app.core.limits import LIMITS
from app.formats.events import view_hierarchy
from app.formats.wire.envelope import EnvelopeHeader, EnvelopeItem
from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.batch_files import PreparedFile, lay_out_files
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import PreparedBatch
from app.scrub.rules import DEFAULT_RULES
from app.storage import keys

EVENT_ID = "4f1c2b3a09f8e7d6c5b4a39281706f5e"


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
    (file,) = batch.rows_of(ATTACHMENT)
    return file


def hierarchy(size_bytes: int) -> bytes:
    """Return a tree of views of this size with a secret in it."""
    tree = {"windows": [{"type": "A", "identifier": "password=w1nter", "x": ""}]}
    tree["windows"][0]["x"] = "y" * (size_bytes - len(json.dumps(tree)))
    return json.dumps(tree).encode()


def test_a_view_hierarchy_is_scrubbed():
    """The largest that pages show is scrubbed as well; its hash stays that of the bytes as sent."""
    sent = hierarchy(LIMITS.view_hierarchy_bytes)
    file = prepared(sent, attachment_type=view_hierarchy.ATTACHMENT_TYPE)
    clean = json.loads(bytes(file.content))
    assert clean["windows"][0]["identifier"] == "password=[Filtered]"
    assert file.attachment.size_bytes == len(file.content)
    assert file.attachment.sha256 == prepared(sent).attachment.sha256


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
    assert bytes(file.content) == sent
    assert file.attachment.size_bytes == len(sent)


def test_files_of_other_types_stay_as_they_were_sent():
    """Nobody knows how to take a secret out of them."""
    assert bytes(prepared(b"password=w1nter").content) == b"password=w1nter"


def test_labels_are_scrubbed():
    """The name of a file and its types are labels."""
    labels = {"filename": "a", "content_type": "text/plain", "attachment_type": "event.minidump"}
    plain = prepared(b"", **labels).attachment
    assert (plain.filename, plain.content_type) == ("a", "text/plain")
    assert plain.attachment_type == "event.minidump"
    secret = {name: f"{label}; token=w1nter" for name, label in labels.items()}
    assert "w1nter" not in str(prepared(b"", **secret).attachment)


def test_the_same_file_twice_in_a_batch_is_one_object():
    """A file that came twice, or under two names, has one object; that of another event its own."""
    prefix = keys.make_batch_files_prefix(date(2026, 11, 30), "c" * 32, 7)
    first, other = prepared(b"a", filename="a.txt"), prepared(b"b")
    renamed = PreparedFile(prepared(b"a", filename="b.txt").attachment, memoryview(b"a"))
    elsewhere = PreparedFile(
        replace(first.attachment, event_id=EventId("e" * 32)), memoryview(b"a")
    )
    files = lay_out_files([first, other, renamed, first, elsewhere], prefix)
    a, b, again, twice, same_bytes = (row.object_key for row in files.rows)
    assert a == again == twice
    assert len({a, b, same_bytes}) == 3
    assert files.contents == {a: b"a", b: b"b", same_bytes: b"a"}
    assert [row.filename for row in files.rows] == ["a.txt", "unnamed", "b.txt", "a.txt", "a.txt"]
