"""The screens of a replay as its row keeps them: `00003:01:CartActivity`.

The segment and the position in front put the screens in the order of visit, whatever order the
segments come in.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from app.db.text import clean

_NAME_START: Final = len("00003:01:")
SQL_NAME_START: Final = _NAME_START + 1
"""The position of the name in a mark for `substr` in SQL, which counts from 1."""
_MOST_OF_SEGMENT: Final = 100
_NAME_BYTES: Final = 200


def write_screen_marks(segment_id: int, names: Sequence[str]) -> list[str]:
    """Write the marks of the screens that a segment names, in the order of visit."""
    return [
        f"{segment_id:05}:{position:02}:{clean(name, limit_bytes=_NAME_BYTES)}"
        for position, name in enumerate(names[:_MOST_OF_SEGMENT])
    ]


def read_screen_names(marks: Iterable[str]) -> tuple[str, ...]:
    """Read the names from marks in their order, each once for each visit."""
    return tuple(name for name, _ in groupby(mark[_NAME_START:] for mark in marks))
