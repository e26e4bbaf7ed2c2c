"""One journal entry, and its encoding in a file.

    entry   head (28 bytes) | meta | body
    head    mark "PHe1" | meta_bytes u32 | body_bytes u32 | seq u64 | crc u32 | head_crc u32
    meta    MessagePack array: project_id, key, received_ms, client_ip, content_encoding, kind
    body    the request body as it came

Integers are big-endian. `crc` is the CRC32C of meta and body, `head_crc` that of the 24 bytes
before it. The lengths in a head that passes its check can be trusted, so a damaged body does not
cost the entries after it. The body is never copied: it is written from, and read into, its own
buffer.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from crc32c import crc32c

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS

RequestKind = Literal["envelope", "store", "otlp", "otlp_json"]

MARK: Final = b"PHe1"
HEAD_BYTES: Final = 28
META_BYTES: Final = 16 * 1024
"""The longest meta; it holds a few short header values of the client."""
_CHECKED_HEAD: Final = struct.Struct(">4sIIQI")
_HEAD: Final = struct.Struct(">4sIIQII")


class JournalEntry(msgspec.Struct, frozen=True, gc=False):
    """One accepted envelope.

    `seq` is its number in the journal: it starts at 1 and grows, but numbers may be left out.
    """

    seq: int
    project_id: int
    key: str
    received_ms: int
    client_ip: str | None
    content_encoding: str | None
    kind: RequestKind
    body: bytes


@dataclass(frozen=True, slots=True)
class EntryHead:
    """The fixed part before an entry."""

    meta_bytes: int
    body_bytes: int
    seq: int
    crc: int

    @property
    def rest_bytes(self) -> int:
        """The number of bytes of the entry after the head."""
        return self.meta_bytes + self.body_bytes


class _Meta(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The facts of a request beside its body; add new fields at the end, with a default."""

    project_id: int
    key: str
    received_ms: int
    client_ip: str | None
    content_encoding: str | None
    kind: RequestKind


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Meta)


def encode_entry(entry: JournalEntry) -> bytes:
    """Return head and meta of an entry; in the file, its body follows as it is.

    Raises:
        MalformedInput: MessagePack cannot hold one of its texts or numbers.
        OversizedInput: Its body is over `LIMITS.inflated_bytes`, or its meta over 16 KiB.
    """
    try:
        meta = _encoder.encode(
            _Meta(
                entry.project_id,
                entry.key,
                entry.received_ms,
                entry.client_ip,
                entry.content_encoding,
                entry.kind,
            )
        )
    except (OverflowError, UnicodeError) as error:
        raise MalformedInput(f"request facts cannot be encoded: {error}") from error
    if len(meta) > META_BYTES:
        raise OversizedInput(f"request facts of {len(meta)} bytes, {META_BYTES} are kept")
    if len(entry.body) > LIMITS.inflated_bytes:
        raise OversizedInput(f"body of {len(entry.body)} bytes, {LIMITS.inflated_bytes} are kept")
    crc = crc32c(entry.body, crc32c(meta))
    checked = _CHECKED_HEAD.pack(MARK, len(meta), len(entry.body), entry.seq, crc)
    return b"".join((checked, crc32c(checked).to_bytes(4), meta))


def decode_entry_head(data: bytes) -> EntryHead:
    """Read the 28 bytes before an entry.

    Raises:
        MalformedInput: The bytes are too few, begin with another mark, or fail their checksum.
    """
    if len(data) != HEAD_BYTES:
        raise MalformedInput(f"{len(data)} bytes where a head of {HEAD_BYTES} is expected")
    mark, meta_bytes, body_bytes, seq, crc, head_crc = _HEAD.unpack(data)
    if mark != MARK or crc32c(data[: _CHECKED_HEAD.size]) != head_crc:
        raise MalformedInput("the bytes are not the head of an entry")
    return EntryHead(meta_bytes, body_bytes, seq, crc)


def decode_entry(head: EntryHead, meta: bytes, body: bytes) -> JournalEntry:
    """Read an entry from its head and the bytes after it.

    Raises:
        MalformedInput: The bytes fail their checksum, or the meta is not what this version writes.
    """
    if crc32c(body, crc32c(meta)) != head.crc:
        raise MalformedInput(f"entry {head.seq} fails its checksum")
    try:
        facts = _decoder.decode(meta)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise MalformedInput(f"the meta of entry {head.seq} cannot be read: {error}") from error
    return JournalEntry(
        head.seq,
        facts.project_id,
        facts.key,
        facts.received_ms,
        facts.client_ip,
        facts.content_encoding,
        facts.kind,
        body,
    )
