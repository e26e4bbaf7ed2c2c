"""Looks scripts, source maps and source code up in a packed bundle."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Any, Final

from app.core.errors import MalformedInput
from app.formats.debug_files.packed.blocks import BlockReader, decode_json
from app.formats.debug_files.packed.bundle_packing import (
    DEBUG_ID_KEY,
    FORMAT_VERSION,
    PATH_KEY,
    URL_KEY,
)
from app.formats.debug_files.source_maps.packed_map import PackedSourceMap
from app.formats.debug_files.source_maps.scopes import unpack_scopes

_OPEN_MAPS: Final = 32
"""Maps whose positions are kept; each takes as much as a tenth of its text."""


class PackedFunctions:
    """The functions that a script defines, in blocks of some positions."""

    def __init__(self, reader: BlockReader, place: Sequence[int]) -> None:
        """Take the file, and the place of the list of blocks."""
        self._reader = reader
        self._blocks: list[list[int]] = reader.recall(place, decode_json)

    def find_function(self, line: int, column: int) -> str | None:
        """Return the name of the function around a position of the script.

        Args:
            line: From 1.
            column: From 0.

        Returns:
            An empty text outside of all functions; None before the first.

        Raises:
            MalformedInput: The file is damaged.
        """
        number = bisect_right(self._blocks, [line, column], key=_read_start)
        if not number:
            return None
        _, _, *place = self._blocks[number - 1]
        return self._reader.recall(place, unpack_scopes).find_function(line, column)


@dataclass(frozen=True, slots=True)
class PackedScript:
    """A script of a bundle, or a source map whose script is not there."""

    source_map: PackedSourceMap | None
    map_url: str | None
    """Address of the map, against which those of its sources are resolved."""
    source: str | None
    """The code of the script itself, if it has no map."""
    functions: PackedFunctions | None = None
    """The functions around positions of the script, if its map does not have them. Their names are
    empty outside of functions."""


class PackedBundle:
    """A bundle as `pack_bundle` wrote it; not for several threads at once."""

    def __init__(self, data: bytes | mmap) -> None:
        """Take the whole file.

        Raises:
            MalformedInput: It is another kind of file, or it is damaged.
        """
        self._reader = BlockReader(data)
        root = self._reader.root
        if not isinstance(root, dict) or root.get("version") != FORMAT_VERSION:
            raise MalformedInput("the file is no packed bundle of this version")
        self._table = root["table"]
        self._maps: dict[int, PackedSourceMap] = {}

    def find_script_by_id(self, debug_id: str) -> PackedScript | None:
        """Return the script with a normalised debug id.

        Raises:
            MalformedInput: The file is damaged.
        """
        return self._make_script(self._find_row(DEBUG_ID_KEY + debug_id))

    def find_script_by_url(self, url: str) -> PackedScript | None:
        """Return the script that the manifest has under this address.

        Raises:
            MalformedInput: The file is damaged.
        """
        return self._make_script(self._find_row(URL_KEY + url))

    def find_source_by_url(self, url: str) -> str | None:
        """Return source code by its address, such as `~/com/acme/shop/Cart.jvm`.

        Raises:
            MalformedInput: The file is damaged.
        """
        return self._read_source(self._find_row(URL_KEY + url))

    def find_source_by_path(self, path: str) -> str | None:
        """Return source code by its path on the build machine.

        Raises:
            MalformedInput: The file is damaged.
        """
        return self._read_source(self._find_row(PATH_KEY + path))

    def _find_row(self, key: str) -> dict[str, Any] | None:
        row: dict[str, Any] | None = self._reader.find_in_table(self._table, key)
        return row

    def _make_script(self, row: dict[str, Any] | None) -> PackedScript | None:
        if row is None:
            return None
        place = row.get("map")
        source_map = None
        if place:
            source_map = self._open_map(place)
        functions = row.get("functions")
        return PackedScript(
            source_map,
            row.get("map_url"),
            self._read_source(row),
            PackedFunctions(self._reader, functions) if functions else None,
        )

    def _open_map(self, place: list[int]) -> PackedSourceMap:
        source_map = self._maps.get(place[0])
        if source_map is None:
            if len(self._maps) >= _OPEN_MAPS:
                self._maps.clear()
            places = decode_json(self._reader.read_block(place))
            source_map = self._maps[place[0]] = PackedSourceMap(self._reader, places)
        return source_map

    def _read_source(self, row: dict[str, Any] | None) -> str | None:
        place = row.get("source") if row else None
        return self._reader.read_block(place).decode("utf-8", "replace") if place else None


def _read_start(block: list[int]) -> list[int]:
    return block[:2]
