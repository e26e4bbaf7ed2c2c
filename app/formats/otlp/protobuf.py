"""Reads and writes the wire form of Protocol Buffers: numbered fields, without a schema.

    message   (tag field)*       tag = number << 3 | wire type, a varint
    wire type 0 varint | 1 eight bytes | 2 length and bytes | 5 four bytes

Two bytes are enough for a message, so a body can hold millions of them. A reader therefore returns
a limited number of fields over its life, however deeply messages nest. Groups (wire types 3 and 4)
are older than OTLP and are refused.

Source: protobuf.dev, "Encoding".
"""

from collections.abc import Iterator
from typing import Final

from app.core.errors import MalformedInput, OversizedInput

VARINT: Final = 0
FIXED64: Final = 1
LENGTH: Final = 2
FIXED32: Final = 5
_FIXED_BYTES: Final = {FIXED64: 8, FIXED32: 4}

_MOST_VARINT_BYTES: Final = 10
_LOW_BITS: Final = 0x7F
_MORE: Final = 0x80
_U64: Final = (1 << 64) - 1

Field = tuple[int, int, int | bytes]
"""Number, wire type and value, which is bytes for the wire type `LENGTH` and otherwise unsigned."""


class ProtobufReader:
    """Reads the messages of one body, up to a number of fields for all of them together."""

    def __init__(self, *, most_fields: int) -> None:
        self._fields_left = most_fields
        self._most_fields = most_fields

    def read_fields(self, data: bytes) -> Iterator[Field]:
        """Yield the fields of one message in their order.

        Raises:
            MalformedInput: A field is cut, has an unknown wire type, or the number 0.
            OversizedInput: The reader has yielded as many fields as it may.
        """
        at = 0
        while at < len(data):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise OversizedInput(f"protobuf body has more than {self._most_fields} fields")
            tag, at = _read_varint(data, at)
            number, wire = tag >> 3, tag & 7
            if number == 0:
                raise MalformedInput(f"protobuf field 0 at byte {at}")
            value: int | bytes
            if wire == VARINT:
                value, at = _read_varint(data, at)
            elif wire == LENGTH:
                size, at = _read_varint(data, at)
                value = _take_bytes(data, at, size, number)
                at += size
            elif wire in _FIXED_BYTES:
                size = _FIXED_BYTES[wire]
                value = int.from_bytes(_take_bytes(data, at, size, number), "little")
                at += size
            else:
                raise MalformedInput(f"protobuf field {number} has the wire type {wire}")
            yield number, wire, value

    def read_parts(self, data: bytes) -> dict[int, list[bytes]]:
        """Return the texts, bytes and messages of one message by number, in their order.

        Raises:
            MalformedInput: A field is cut, has an unknown wire type, or the number 0.
            OversizedInput: The reader has yielded as many fields as it may.
        """
        parts: dict[int, list[bytes]] = {}
        for number, _, value in self.read_fields(data):
            if isinstance(value, bytes):
                parts.setdefault(number, []).append(value)
        return parts


def write_field(number: int, wire: int, value: int | bytes) -> bytes:
    """Write one field as `ProtobufReader.read_fields` yields it."""
    tag = _write_varint(number << 3 | wire)
    if isinstance(value, bytes):
        return tag + _write_varint(len(value)) + value
    size = _FIXED_BYTES.get(wire)
    return tag + (_write_varint(value) if size is None else value.to_bytes(size, "little"))


def write_text(number: int, value: str) -> bytes:
    """Write one field of text."""
    return write_field(number, LENGTH, value.encode())


def write_message(number: int, data: bytes) -> bytes:
    """Write one field that is a message."""
    return write_field(number, LENGTH, data)


def write_number(number: int, value: int) -> bytes:
    """Write one field that is a whole number, not negative."""
    return write_field(number, VARINT, value)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, and return it with the offset after it."""
    try:
        byte = data[at]
        if byte < _MORE:
            return byte, at + 1
        value = byte & _LOW_BITS
        for place in range(1, _MOST_VARINT_BYTES):
            byte = data[at + place]
            value |= (byte & _LOW_BITS) << (7 * place)
            if byte < _MORE:
                return value & _U64, at + place + 1
    except IndexError:
        raise MalformedInput(f"protobuf number is cut at byte {at}") from None
    raise MalformedInput(f"protobuf number at byte {at} has more than {_MOST_VARINT_BYTES} bytes")


def _write_varint(value: int) -> bytes:
    written = bytearray()
    while value >= _MORE:
        written.append(value & _LOW_BITS | _MORE)
        value >>= 7
    written.append(value)
    return bytes(written)


def _take_bytes(data: bytes, at: int, size: int, number: int) -> bytes:
    value = data[at : at + size]
    if len(value) < size:
        raise MalformedInput(
            f"protobuf field {number} at byte {at} claims {size} bytes, {len(value)} are left"
        )
    return value
