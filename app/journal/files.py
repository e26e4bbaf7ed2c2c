r"""The files of a journal folder: their names, their first bytes, their order.

    <journal>/00000000000000000001.journal     named after the first seq that may be in it
    header    "PHJRNL1\n" | first_seq u64 | previous_bytes u64 | crc u32        (big-endian)
    then      entries (see `entry`); after the last of each write, zeros up to a multiple of 4,096

`previous_bytes` is the synced size of the file before this one when that was closed. It lets a
reader tell a torn tail, which was never acknowledged, from damage to acknowledged entries.
"""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from crc32c import crc32c

from app.core.errors import MalformedInput

HEADER_BYTES: Final = 28
_MAGIC: Final = b"PHJRNL1\n"
_CHECKED_HEADER: Final = struct.Struct(">8sQQ")
_NAME: Final = re.compile(r"([0-9]{20})\.journal\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The first bytes of a journal file."""

    first_seq: int
    previous_bytes: int


class JournalFile(NamedTuple):
    """A journal file, with the number in its name."""

    first_seq: int
    path: Path


@dataclass(slots=True)
class WrittenFile:
    """A file that this process writes or has written."""

    path: Path
    fd: int
    begun_s: float
    """The time at which it was begun, by the monotonic clock."""
    synced_bytes: int = 0
    last_seq: int = 0
    """The last synced entry; 0 while there is none."""


def name_journal_file(first_seq: int) -> str:
    """Return the name of the file whose entries begin at `first_seq`."""
    return f"{first_seq:020}.journal"


def list_journal_files(folder: Path) -> list[JournalFile]:
    """Return the journal files of a folder in the order they were written.

    Raises:
        OSError: The folder cannot be read.
    """
    matches = ((_NAME.match(path.name), path) for path in folder.iterdir())
    return sorted(JournalFile(int(match[1]), path) for match, path in matches if match)


def encode_file_header(header: FileHeader) -> bytes:
    """Return the first bytes of a journal file."""
    checked = _CHECKED_HEADER.pack(_MAGIC, header.first_seq, header.previous_bytes)
    return checked + crc32c(checked).to_bytes(4)


def decode_file_header(data: bytes) -> FileHeader:
    """Read the first bytes of a journal file.

    Raises:
        MalformedInput: The bytes are too few, of another format, or fail their checksum.
    """
    if len(data) != HEADER_BYTES:
        raise MalformedInput(f"{len(data)} bytes where a header of {HEADER_BYTES} is expected")
    magic, first, previous_bytes = _CHECKED_HEADER.unpack(data[: _CHECKED_HEADER.size])
    if (
        magic != _MAGIC
        or crc32c(data[: _CHECKED_HEADER.size]).to_bytes(4) != data[_CHECKED_HEADER.size :]
    ):
        raise MalformedInput("the bytes are not the header of a journal file")
    return FileHeader(first, previous_bytes)
