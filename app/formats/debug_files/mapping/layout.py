r"""The layout of an indexed mapping: its text in blocks, and tables that find a class in them.

    "PHMAP01\n"
    blocks        zstd, each on its own; joined, they are the mapping as it was uploaded
    block table   per block: offset in this file, stored bytes, bytes of text
    class tables  by obfuscated name, then by clear name; per class: hash of the name, number of
                  the block, offset in its text, bytes of text; sorted by the hash
    trailer       where the tables begin, how many rows they have, whether any method has line
                  numbers, "PHMAP01\n"

A class never crosses the border of a block, so that a frame needs one block.
Two names with one hash are told apart by the first line of their classes.
"""

import hashlib
import struct
from typing import Final

MAGIC: Final = b"PHMAP01\n"
BLOCK_ROW: Final = struct.Struct(">QII")
"""Offset in the file, stored bytes, bytes of text."""
CLASS_ROW: Final = struct.Struct(">QIII")
"""Hash of the name, number of the block, offset in its text, bytes of text."""
TRAILER: Final = struct.Struct(">QII?8s")
"""Offset of the block table, number of blocks, number of classes, whether it has lines, MAGIC."""
BLOCK_BYTES: Final = 64 * 1024
"""A block ends with the class that makes its text this long or longer."""
CLASS_BYTES: Final = 16 * 1024 * 1024
"""The text of one class; the largest in the mappings of real apps have 1 MiB."""
LINE_BYTES: Final = 64 * 1024
CLASSES: Final = 1_000_000


def hash_name(name: bytes) -> int:
    """Return 64 bits that stand for the name of a class in the class tables."""
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())


def split_class_line(line: bytes) -> tuple[bytes, bytes] | None:
    """Return the clear and the obfuscated name in the line `clear -> obfuscated:`, if it is one."""
    clear, arrow, obfuscated = line.rstrip(b"\r\n\t ").partition(b" -> ")
    if not arrow or not clear or not obfuscated.endswith(b":") or len(obfuscated) == 1:
        return None
    return clear, obfuscated[:-1]
