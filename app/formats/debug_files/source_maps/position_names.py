"""Reads which names a source map gives to some positions of a script."""

import re
from collections.abc import Iterator, Set as AbstractSet
from typing import Final

from app.formats.debug_files.source_maps import vlq
from app.formats.debug_files.source_maps.mapping_index import MapPart

MAPPINGS_BYTES: Final = 16 * 1024 * 1024
"""Longer mappings are not looked through, which would take longer than three seconds."""
_PIECE: Final = re.compile(rb"[^,;]+|;")
_LINE_END: Final = b";"
_WITH_NAME: Final = 5
_CACHED_SEGMENTS: Final = 50_000


def iterate_named_positions(
    mappings: memoryview, part: MapPart, wanted: AbstractSet[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the positions in `wanted` that have a name, and the number of the name in its map.

    Args:
        mappings: The member `mappings` without its quotes, whose format was checked.
        part: The beginning of the mappings.
        wanted: Lines and columns, from 0.
    """
    if len(mappings) > MAPPINGS_BYTES:
        return
    segments = vlq.SegmentCache(limit=_CACHED_SEGMENTS)
    line, column, name = part.line, part.column, 0
    for match in _PIECE.finditer(mappings):
        piece = match[0]
        if piece == _LINE_END:
            line += 1
            column = 0
            continue
        fields, added, _, _, _, name_step = segments[bytes(piece)]
        column += added
        if fields == _WITH_NAME:
            name += name_step
            if (line, column) in wanted:
                yield (line, column), name
