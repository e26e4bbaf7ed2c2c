r"""The files of a journal folder: their names, their first bytes, their order.

    <journal>/00000000000000000001.journal     named after the first seq that may stand in it
    header    "PHJRNL1\n" | first_seq u64 | previous_bytes u64 | crc u32        (big-endian)
    then      entries (see `entry`); after the last of each write, zeros up to a multiple of 4,096

`previous_bytes` says how much of the file before this one was synced when it was closed. With it a
reader tells a torn tail, which nobody was promised, from damage to what was.
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
_VOUCHED: Final = struct.Struct(">8sQQ")
_NAME: Final = re.compile(r"([0-9]{20})\.journal\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Header:
    """The first bytes of a journal file."""

    first_seq: int
    previous_bytes: int


class Numbered(NamedTuple):
    """A journal file and the number in its name."""

    first_seq: int
    path: Path


def name(first_seq: int) -> str:
    """Return the name of the file whose entries begin at `first_seq`."""
    return f"{first_seq:020}.journal"


def listing(folder: Path) -> list[Numbered]:
    """Return the journal files of a folder in the order they were written.

    Raises:
        OSError: The folder cannot be read.
    """
    found = ((_NAME.match(path.name), path) for path in folder.iterdir())
    return sorted(Numbered(int(match[1]), path) for match, path in found if match)


def encode_header(header: Header) -> bytes:
    """Return the first bytes of a journal file."""
    vouched = _VOUCHED.pack(_MAGIC, header.first_seq, header.previous_bytes)
    return vouched + crc32c(vouched).to_bytes(4)


def decode_header(data: bytes) -> Header:
    """Read the first bytes of a journal file.

    Raises:
        MalformedInput: Too few bytes, another format, or bytes that fail their checksum.
    """
    if len(data) != HEADER_BYTES:
        raise MalformedInput(f"{len(data)} bytes where a header of {HEADER_BYTES} belongs")
    magic, first, previous_bytes = _VOUCHED.unpack(data[: _VOUCHED.size])
    if magic != _MAGIC or crc32c(data[: _VOUCHED.size]).to_bytes(4) != data[_VOUCHED.size :]:
        raise MalformedInput("bytes that are no header of a journal file")
    return Header(first, previous_bytes)
