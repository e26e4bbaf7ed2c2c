"""Reads debug ids, by which events and debug files name the same build of a program.

A debug id is a UUID, for a PDB with an age after it. Tools write it in upper or lower case, with
dashes or without; all of them mean the same.
"""

import re
import uuid
from typing import Final

_DEBUG_ID: Final = re.compile(
    r"\{?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})\}?"
    r"(?:-?([0-9a-f]{1,8}))?",
    re.IGNORECASE | re.ASCII,
)
_CODE_ID: Final = re.compile(r"[0-9a-f]{2,128}", re.IGNORECASE | re.ASCII)
_UUID_BYTES: Final = 16
_AGE_GROUP: Final = 6


def normalize_debug_id(text: object) -> str | None:
    """Write a debug id in its usual form: lower case with dashes, and `-<age>` unless that is 0.

    Args:
        text: A member of an event or of a manifest, of any type.

    Returns:
        None for whatever is not a debug id, and for the id of zeros, which stands for none.
    """
    match = _DEBUG_ID.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    plain_id = "-".join(match.groups()[: _AGE_GROUP - 1]).lower()
    if not plain_id.strip("0-"):
        return None
    age = int(match[_AGE_GROUP] or "0", 16)
    return f"{plain_id}-{age:x}" if age else plain_id


def derive_elf_debug_id(code_id: object) -> str | None:
    """Derive the debug id of an ELF file from its build id.

    The first 16 bytes of the build id are read as a GUID in little-endian order. A shorter build
    id is filled up with zeros.

    Args:
        code_id: The build id in hex, of any type.

    Returns:
        None for whatever is not hex.
    """
    if not isinstance(code_id, str) or not _CODE_ID.fullmatch(code_id) or len(code_id) % 2:
        return None
    build_id = bytes.fromhex(code_id)[:_UUID_BYTES].ljust(_UUID_BYTES, b"\0")
    return str(uuid.UUID(bytes_le=build_id))
