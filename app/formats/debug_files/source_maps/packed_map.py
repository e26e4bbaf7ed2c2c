"""Looks positions of a script up in a packed source map."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import MalformedInput
from app.formats.debug_files.packed.blocks import BlockReader, decode_json
from app.formats.debug_files.source_maps.mapping_index import MappingIndex
from app.formats.debug_files.source_maps.packing import SOURCES_IN_BLOCK
from app.formats.debug_files.source_maps.scopes import unpack_scopes

_CONTENT: Final = 1
_FUNCTIONS: Final = 2
_IS_IGNORED: Final = 3


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """The source of a position of a script."""

    source: str
    """Address of the source as the map has it, with its root; empty if the map does not say it."""
    source_number: int
    """Number of the source in the map, for `PackedSourceMap.read_content`."""
    line: int
    """From 1."""
    column: int
    """From 1."""
    name: str | None
    """The name that stands at this position of the source; at a call, what is called."""
    function: str | None
    """The function around the position, such as `Cart#checkout`, if the map has functions."""
    is_ignored: bool
    """True if the map says that the source is other people's code."""


class PackedSourceMap:
    """A source map in a file of blocks; not for several threads at once."""

    def __init__(self, reader: BlockReader, places: dict[str, Any]) -> None:
        """Take the file, and the places that `pack_source_map` returned."""
        self._reader = reader
        self._index = MappingIndex(reader, places["index"])
        self._source_blocks: list[list[int]] = places["sources"]
        self._name_blocks: list[list[int]] = places["names"]

    def find_position(self, line: int, column: int) -> SourcePosition | None:
        """Find where a position comes from.

        Args:
            line: The line of the script, from 1.
            column: From 1; for Hermes the offset in its bytecode, plus 1.

        Returns:
            None if the map does not know the position, or says that it comes from no source.

        Raises:
            MalformedInput: The file is damaged.
        """
        position = self._index.find_position(line - 1, column - 1)
        if position is None:
            return None
        row = self._read_source(position.source)
        place = row[_FUNCTIONS]
        scopes = self._reader.recall(place, unpack_scopes) if place else None
        return SourcePosition(
            source=row[0],
            source_number=position.source,
            line=position.line + 1,
            column=position.column + 1,
            name=None if position.name is None else self._read_name(position.name),
            function=scopes.find_function(position.line + 1, position.column) if scopes else None,
            is_ignored=row[_IS_IGNORED],
        )

    def read_content(self, source_number: int) -> str | None:
        """Return the code of a source, or None if the map does not have it.

        Raises:
            MalformedInput: The file is damaged.
        """
        place = self._read_source(source_number)[_CONTENT]
        return self._reader.recall(place, _decode_text) if place else None

    def _read_source(self, number: int) -> list[Any]:
        block, row = divmod(number, SOURCES_IN_BLOCK)
        try:
            source: list[Any] = self._reader.recall(self._source_blocks[block], decode_json)[row]
        except IndexError:
            raise MalformedInput(f"the packed map has no source {number}") from None
        return source

    def _read_name(self, number: int) -> str | None:
        block = bisect_right(self._name_blocks, number, key=_first_number) - 1
        if block < 0:
            return None
        first, *place = self._name_blocks[block]
        names = self._reader.recall(place, decode_json)
        name = names[number - first] if number - first < len(names) else None
        return name if isinstance(name, str) and name else None


def _decode_text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _first_number(block: list[int]) -> int:
    return block[0]
