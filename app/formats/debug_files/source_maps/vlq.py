"""Decodes the numbers of source maps: Base64 digits of five bits each, the lowest first.

Source: ECMA-426, section 9.1, base64 VLQ.
"""

from typing import Final

from app.core.errors import MalformedInput
from app.core.log import shown

_DIGITS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_CONTINUES: Final = 0x20
_BITS: Final = 5
_LONGEST_SHIFT: Final = 30
"""Seven digits hold 32 bits and the sign, as many as the standard allows."""
_MOST_FIELDS: Final = 5

Segment = tuple[int, int, int, int, int, int]
"""The number of fields, and five fields of which those that are absent are 0."""


def decode_numbers(text: bytes) -> list[int]:
    """Decode the numbers of one segment.

    Raises:
        MalformedInput: A byte is no digit, a number is cut, or it has more than 32 bits.
    """
    numbers: list[int] = []
    value = shift = 0
    for digit in text:
        bits = _VALUES.get(digit)
        if bits is None or shift > _LONGEST_SHIFT:
            raise MalformedInput(f"{_quote_start(text)} in the source map is not a position")
        value |= (bits & ~_CONTINUES) << shift
        if bits & _CONTINUES:
            shift += _BITS
        else:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise MalformedInput(f"{_quote_start(text)} in the source map is cut")
    return numbers


def encode_numbers(numbers: list[int]) -> bytes:
    """Encode the numbers of one segment."""
    text = bytearray()
    for number in numbers:
        value = -number << 1 | 1 if number < 0 else number << 1
        while value >= _CONTINUES:
            text.append(_DIGITS[value & (_CONTINUES - 1) | _CONTINUES])
            value >>= _BITS
        text.append(_DIGITS[value])
    return bytes(text)


class SegmentCache(dict[bytes, Segment]):
    """Decoded segments by their text, because most of them occur many times in a source map.

    A look-up costs a fifth of decoding (measured).
    """

    def __init__(self, *, limit: int) -> None:
        """Make an empty cache that keeps at most `limit` segments."""
        super().__init__()
        self._limit = limit

    def __missing__(self, text: bytes) -> Segment:
        """Decode a segment that is not in the cache.

        Raises:
            MalformedInput: It is not 1, 4 or 5 numbers.
        """
        numbers = decode_numbers(text)
        if len(numbers) not in (1, _MOST_FIELDS - 1, _MOST_FIELDS):
            raise MalformedInput(
                f"{_quote_start(text)} in the source map has {len(numbers)} fields"
            )
        padded = numbers + [0] * (_MOST_FIELDS - len(numbers))
        segment = (len(numbers), padded[0], padded[1], padded[2], padded[3], padded[4])
        if len(self) < self._limit:
            self[text] = segment
        return segment


def _quote_start(text: bytes) -> str:
    return shown(text[:40].decode("latin-1"))
