"""Splits the text of a JSON array without decoding it.

A source map of 60 MB is mostly source code. Decoded whole it would take several times its size, and
a few bytes of JSON can become a list of millions; so its arrays are cut into the texts of their
elements, one at a time.
"""

import re
from collections.abc import Iterator
from typing import Final

from app.core.errors import MalformedInput, OversizedInput

# The quantifiers are possessive: to come back to each escape in a source of 16 MB, a search would
# keep a gigabyte.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_BLANK: Final = re.compile(rb"[ \t\r\n]*+")
_MOST_MARKS: Final = 4_000_000
"""Brackets, braces, commas and strings in one array: they take about a second to walk over."""
_QUOTE: Final = ord('"')
_COMMA: Final = ord(",")
_OPENING: Final = frozenset(b"[{")


def iterate_elements(array: memoryview, name: str, *, most: int) -> Iterator[memoryview]:
    """Yield the texts of the elements of a JSON array.

    Args:
        array: The text of a JSON value whose syntax was checked. `null` and nothing are an empty
            array.
        name: Name of the array in messages.
        most: The highest number of elements.

    Raises:
        MalformedInput: It is another kind of value.
        OversizedInput: It has more elements than `most`, or too many parts within them.
    """
    if not array or bytes(array[:5]) == b"null":
        return
    if array[0] != ord("["):
        raise MalformedInput(f"{name} of the source map is not a list")
    start = 1
    for count, end in enumerate(_find_ends(array, name), start=1):
        if count > most:
            raise OversizedInput(f"{name} of the source map has more than {most} elements")
        if not _BLANK.fullmatch(array, start, end):  # nothing stands between `[` and `]`
            yield array[start:end]
        start = end + 1


def _find_ends(array: memoryview, name: str) -> Iterator[int]:
    """Yield where each element ends: at a comma, the last at the bracket that closes the array."""
    depth = 0
    for marks, token in enumerate(_TOKEN.finditer(array)):
        if marks > _MOST_MARKS:
            raise OversizedInput(f"{name} of the source map has too many parts")
        mark = array[token.start()]
        if mark == _COMMA:
            if depth == 1:
                yield token.start()
        elif mark in _OPENING:
            depth += 1
        elif mark != _QUOTE:
            depth -= 1
            if depth == 0:
                yield token.start()
