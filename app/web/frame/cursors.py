"""Places in lists as opaque text for addresses."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final

from app.core.errors import UnknownPlace
from app.db.lists import CursorValue, ListCursor, PageRequest

_NUMBER: Final = struct.Struct(">q")
_ID_BYTES: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_US: Final = 253_370_764_800_000_000
"""Start of the year 9999, in microseconds since 1970."""
_LETTERS: Final[dict[type, bytes]] = {datetime: b"t", timedelta: b"d", int: b"n", str: b"i"}
"""The letter in front of each value, so that a cursor of another list is recognised."""


def write_cursor(cursor: ListCursor) -> str:
    """Write a place in a list."""
    packed = b"".join(_LETTERS[type(value)] + _pack_value(value) for value in cursor)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def read_cursor(text: str, key_types: tuple[type, ...]) -> ListCursor | None:
    """Read a place in a list; empty text stands for no place.

    Args:
        text: Text from an address.
        key_types: Types of the values that the list is ordered by.

    Raises:
        UnknownPlace: `write_cursor` does not write such text, or writes it for another list.
    """
    if not text:
        return None
    padding = "=" * (-len(text) % 4)
    try:
        packed = base64.b64decode(text + padding, altchars=b"-_", validate=True)
        values = []
        for key_type in key_types:
            size = 1 + (_ID_BYTES if key_type is str else _NUMBER.size)
            values.append(_read_value(packed[:size], key_type))
            packed = packed[size:]
    except (binascii.Error, struct.error, ValueError) as error:
        raise UnknownPlace(text) from error
    if packed:
        raise UnknownPlace(text)
    return tuple(values)


def read_page_request(key_types: tuple[type, ...], *, after: str, before: str) -> PageRequest:
    """Read which page of a list an address asks for.

    Raises:
        UnknownPlace: A cursor is none of this list.
    """
    return PageRequest(read_cursor(after, key_types), read_cursor(before, key_types))


def _pack_value(value: CursorValue) -> bytes:
    match value:
        case datetime():
            return _NUMBER.pack(max(0, (value - _EPOCH) // _MICROSECOND))
        case timedelta():
            return _NUMBER.pack(value // _MICROSECOND)
        case int():
            return _NUMBER.pack(value)
        case str():
            return bytes.fromhex(value)


def _read_value(packed: bytes, key_type: type) -> CursorValue:
    """Read a value with its letter.

    Raises:
        ValueError: The value is not of this type, or out of range.
        struct.error: The value is cut off.
    """
    if packed[:1] != _LETTERS[key_type]:
        raise ValueError("a cursor of another list")
    if key_type is str:
        if len(packed) != 1 + _ID_BYTES:
            raise ValueError("an id that is cut off")
        return packed[1:].hex()
    (number,) = _NUMBER.unpack(packed[1:])
    if key_type is int:
        return int(number)
    if key_type is timedelta:
        return timedelta(microseconds=number)
    if not 0 <= number <= _LATEST_US:
        raise ValueError("a moment that no list holds")
    return _EPOCH + timedelta(microseconds=number)
