"""Entries come back as they were written, and every changed byte is noticed."""

import dataclasses

import msgspec
import pytest
from crc32c import crc32c
from hypothesis import given, strategies as st

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.journal import entry
from app.journal.entry import JournalEntry
from tests.support.builders.journals import bytes_of, entry_of

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
entries = st.builds(
    JournalEntry,
    seq=st.integers(1, 2**64 - 1),
    project_id=st.integers(-(2**63), 2**64 - 1),
    key=texts,
    received_ms=st.integers(0, 2**63),
    client_ip=st.none() | texts,
    content_encoding=st.none() | texts,
    kind=st.sampled_from(["envelope", "store"]),
    body=st.binary(max_size=300),
)


def decoded(data: bytes) -> JournalEntry:
    """Read one entry that fills `data`."""
    head = entry.decode_entry_head(data[: entry.HEAD_BYTES])
    rest = data[entry.HEAD_BYTES :]
    assert len(rest) == head.rest_bytes
    return entry.decode_entry(head, rest[: head.meta_bytes], rest[head.meta_bytes :])


@given(entries)
def test_entry_comes_back_as_it_was(written):
    """Any entry survives the round trip."""
    assert decoded(bytes_of(written)) == written


@given(entries, st.data())
def test_changed_bit_is_noticed(written, data):
    """One flipped bit anywhere makes an entry malformed."""
    raw = bytearray(bytes_of(written))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedInput):
        decoded(bytes(raw))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_head_or_malformed(data):
    """No bytes make the reader of heads raise another error."""
    with pytest.raises(MalformedInput):
        entry.decode_entry_head(data)


@given(st.binary(max_size=200))
def test_any_meta_is_read_or_malformed(meta):
    """Meta that passes its checksum but follows no format is malformed."""
    raw = entry.encode_entry(entry_of(1))
    head = entry.decode_entry_head(raw[: entry.HEAD_BYTES])
    forged = dataclasses.replace(head, crc=crc32c(b"body", crc32c(meta)))
    try:
        decoded = entry.decode_entry(forged, meta, b"body")
    except MalformedInput:
        return
    assert isinstance(decoded, JournalEntry)


def test_meta_of_a_later_version_is_read():
    """Fields added at the end are skipped, so an older release can digest a newer journal."""
    meta = msgspec.msgpack.encode([7, "key", 5, None, "gzip", "store", "new", 99])
    head = entry.EntryHead(len(meta), 0, 3, crc32c(meta))
    assert entry.decode_entry(head, meta, b"") == JournalEntry(
        3, 7, "key", 5, None, "gzip", "store", b""
    )


@pytest.mark.parametrize(
    "change",
    [{"project_id": 2**64}, {"received_ms": -(2**70)}, {"key": "\ud800"}, {"client_ip": "a\udfff"}],
)
def test_what_messagepack_cannot_hold_is_malformed(change):
    """Numbers beyond 64 bits and lone surrogates are refused, not written."""
    with pytest.raises(MalformedInput, match="cannot be encoded"):
        entry.encode_entry(msgspec.structs.replace(entry_of(1), **change))


def test_longest_meta_is_kept_and_one_more_is_not():
    """The limit of meta holds to the byte."""
    spare = entry.META_BYTES - (len(entry.encode_entry(entry_of(1))) - entry.HEAD_BYTES)
    longest = "g" * (spare + len("gzip") - 2)  # a long text has 2 more bytes before it
    kept = msgspec.structs.replace(entry_of(1), content_encoding=longest)
    assert len(entry.encode_entry(kept)) == entry.HEAD_BYTES + entry.META_BYTES
    with pytest.raises(OversizedInput, match="16384 are kept"):
        entry.encode_entry(msgspec.structs.replace(kept, content_encoding=longest + "g"))


def test_largest_body_is_kept_and_one_more_byte_is_not(monkeypatch):
    """The limit of the body holds to the byte."""
    monkeypatch.setattr(entry, "LIMITS", dataclasses.replace(LIMITS, inflated_bytes=9))
    assert decoded(bytes_of(entry_of(1, b"123456789"))).body == b"123456789"
    with pytest.raises(OversizedInput, match="9 are kept"):
        entry.encode_entry(entry_of(1, b"1234567890"))
