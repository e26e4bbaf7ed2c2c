"""Find classes in an indexed mapping: a binary search in the tables, and one block for each."""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from mmap import mmap
from typing import Final

import zstandard

from app.core.errors import MalformedInput
from app.formats.debug_files.mapping import layout
from app.formats.debug_files.mapping.members import ClassMapping

_KEPT_BYTES: Final = 4 * 1024 * 1024
"""Text of blocks that a reader keeps, and likewise of classes: stacks of an app share them."""
_HASH: Final = struct.Struct(">Q")


class MappingReader:
    """Answers which class a name stands for, from what `index.index_mapping` wrote.

    A reader keeps what it has read lately, and is for one thread at a time.
    """

    def __init__(self, data: mmap | bytes) -> None:
        """Open an indexed mapping, which costs nothing but the read of its last bytes.

        Args:
            data: The whole file, best as a read-only `mmap`, which has to stay open.

        Raises:
            MalformedInput: It was not written by this version of `index_mapping`, or is cut.
        """
        self._data = data
        if len(data) < layout.TRAILER.size or data[: len(layout.MAGIC)] != layout.MAGIC:
            raise MalformedInput("these bytes are no indexed mapping")
        trailer = layout.TRAILER.unpack(data[-layout.TRAILER.size :])
        self._blocks_offset, self._blocks, self.classes, self.has_lines, magic = trailer
        self._obfuscated_offset = self._blocks_offset + self._blocks * layout.BLOCK_ROW.size
        self._clear_offset = self._obfuscated_offset + self.classes * layout.CLASS_ROW.size
        end = self._clear_offset + self.classes * layout.CLASS_ROW.size + layout.TRAILER.size
        if magic != layout.MAGIC or end != len(data):
            raise MalformedInput("the indexed mapping is cut")
        self._decompressor = zstandard.ZstdDecompressor()
        self._texts: _RecentValues[int, bytes] = _RecentValues()
        self._classes: _RecentValues[str, ClassMapping | None] = _RecentValues()
        self._clear_classes: _RecentValues[str, ClassMapping | None] = _RecentValues()

    def find_class(self, obfuscated: str) -> ClassMapping | None:
        """Return the class that has this name in the app, or None if the mapping has no such class.

        Args:
            obfuscated: The full name with dots and dollar signs, such as `a.b$c`.
        """
        return self._find_kept(self._classes, self._obfuscated_offset, obfuscated)

    def find_clear_class(self, clear: str) -> ClassMapping | None:
        """Return the class that has this name in the source, if it has a block of its own."""
        return self._find_kept(self._clear_classes, self._clear_offset, clear)

    def read_text(self) -> Iterator[bytes]:
        """Read the mapping as it was uploaded, without its byte order mark, block by block."""
        for number in range(self._blocks):
            yield self._read_block(number)

    def _find_kept(
        self, kept: "_RecentValues[str, ClassMapping | None]", table_offset: int, name: str
    ) -> ClassMapping | None:
        if name in kept:
            return kept.get(name)
        text = self._find_text(table_offset, name)
        mapping = ClassMapping(text, has_lines=self.has_lines) if text is not None else None
        kept.add(name, mapping, len(name) + len(text or b""))
        return mapping

    def _find_text(self, table_offset: int, name: str) -> bytes | None:
        """Return the text of the last class with a name in one of the tables, or None."""
        side = 0 if table_offset == self._clear_offset else 1
        encoded = name.encode("utf-8", "surrogatepass")
        wanted = layout.hash_name(encoded)
        row = self._find_row_after(table_offset, wanted) - 1
        while row >= 0:
            offset = table_offset + row * layout.CLASS_ROW.size
            hashed, block, start, size = layout.CLASS_ROW.unpack_from(self._data, offset)
            if hashed != wanted:
                return None
            text = self._read_block(block)[start : start + size]
            names = layout.split_class_line(text.partition(b"\n")[0])
            if names is not None and names[side] == encoded:
                return text
            row -= 1
        return None

    def _find_row_after(self, table_offset: int, wanted: int) -> int:
        """Return the number of rows whose hash is not above the wanted one."""
        low, high = 0, self.classes
        while low < high:
            middle = (low + high) // 2
            offset = table_offset + middle * layout.CLASS_ROW.size
            if _HASH.unpack_from(self._data, offset)[0] <= wanted:
                low = middle + 1
            else:
                high = middle
        return low

    def _read_block(self, number: int) -> bytes:
        if number in self._texts:
            return self._texts.get(number)
        if number >= self._blocks:
            raise MalformedInput("the indexed mapping names a block that it does not have")
        row_offset = self._blocks_offset + number * layout.BLOCK_ROW.size
        offset, stored_bytes, text_bytes = layout.BLOCK_ROW.unpack_from(self._data, row_offset)
        stored = self._data[offset : offset + stored_bytes]
        try:
            text = self._decompressor.decompress(stored, max_output_size=text_bytes)
        except zstandard.ZstdError as error:
            raise MalformedInput(f"a block of the indexed mapping is broken: {error}") from None
        self._texts.add(number, text, len(text))
        return text


class _RecentValues[Key, Value]:
    """Keeps the values that were used last, as long as their sizes stay below a sum."""

    def __init__(self) -> None:
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._bytes = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def get(self, key: Key) -> Value:
        self._values.move_to_end(key)
        return self._values[key][0]

    def add(self, key: Key, value: Value, size_bytes: int) -> None:
        self._values[key] = value, size_bytes
        self._bytes += size_bytes
        while self._bytes > _KEPT_BYTES and len(self._values) > 1:
            self._bytes -= self._values.popitem(last=False)[1][1]
