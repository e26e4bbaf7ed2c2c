"""Files of compressed blocks that can be read one by one, and sorted tables made of them.

    8 bytes magic │ block │ block │ … │ root │ offset of the root, u64 LE │ its length, u32 LE

Each block is one zstd frame with a checksum. The root is a JSON value that says where the blocks
lie. A table is a list of its blocks with their first keys, so a look-up decodes one block.

These files are made from uploads and read for events: an upload of 50 MB is read once, and an event
reads a few kilobytes of what was made of it.
"""

import struct
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from mmap import mmap
from typing import Any, BinaryIO, Final

import msgspec
import zstandard

from app.core.errors import MalformedInput

MAGIC: Final = b"PHBLOCK1"
_FOOTER: Final = struct.Struct("<QI")
_LEVEL: Final = 3
_TABLE_ITEMS: Final = 256
_LARGEST_BLOCK_BYTES: Final = 72 * 1024 * 1024
"""A block is at most one entry of a bundle."""
RECENT_BYTES: Final = 2 * 1024 * 1024
"""The text of the blocks that a reader keeps."""

BlockPlace = tuple[int, int]
"""The offset and the length of a block in its file."""
TablePlace = list[list[Any]]
"""The blocks of a table in order: first key, offset, length."""


class BlockWriter:
    """Writes a file of blocks from its beginning to its end."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._offset = len(MAGIC)
        target.write(MAGIC)

    def add_block(self, data: bytes | bytearray | memoryview) -> BlockPlace:
        """Write a block, and return where it lies."""
        frame = self._compressor.compress(data)
        place = (self._offset, len(frame))
        self._target.write(frame)
        self._offset += len(frame)
        return place

    def add_json(self, value: object) -> BlockPlace:
        """Write a JSON value as a block, and return where it lies."""
        return self.add_block(msgspec.json.encode(value))

    def add_table(self, items: Iterable[tuple[str, Any]]) -> TablePlace:
        """Write a table, and return its place.

        Args:
            items: Keys and their JSON values, in ascending order of the keys.
        """
        place: TablePlace = []
        rows: list[tuple[str, Any]] = []
        for item in items:
            rows.append(item)
            if len(rows) == _TABLE_ITEMS:
                place.append([rows[0][0], *self.add_json(rows)])
                rows = []
        if rows:
            place.append([rows[0][0], *self.add_json(rows)])
        return place

    def finish(self, root: object) -> int:
        """Write the root, and return the size of the whole file in bytes."""
        offset, length = self.add_json(root)
        self._target.write(_FOOTER.pack(offset, length))
        return offset + length + _FOOTER.size


class BlockReader:
    """Reads blocks of a file that a `BlockWriter` wrote; not for several threads at once.

    It keeps what was read lately, since frames of one stack are often close to one another, and
    events come in groups.
    """

    def __init__(self, data: bytes | mmap) -> None:
        """Take a whole file.

        Raises:
            MalformedInput: It is another kind of file, or it is cut.
        """
        self._data = data
        self._recent: OrderedDict[int, tuple[Any, int]] = OrderedDict()
        self._recent_bytes = 0
        self._decompressor = zstandard.ZstdDecompressor()
        if data[: len(MAGIC)] != MAGIC or len(data) < len(MAGIC) + _FOOTER.size:
            raise MalformedInput("the file does not hold blocks")
        self.root: Any = decode_json(self.read_block(_FOOTER.unpack(data[-_FOOTER.size :])))

    def read_block(self, place: Iterable[int]) -> bytes:
        """Read a block.

        Raises:
            MalformedInput: There is none at this place, or it is damaged.
        """
        offset, length = place
        try:
            return self._decompressor.decompress(
                self._data[offset : offset + length], max_output_size=_LARGEST_BLOCK_BYTES
            )
        except (zstandard.ZstdError, MemoryError) as error:
            raise MalformedInput(f"block at byte {offset} cannot be read: {error}") from None

    def recall[Value](self, place: Sequence[int], decode: Callable[[bytes], Value]) -> Value:
        """Read and decode a block, unless it was read lately.

        Args:
            place: The place of the block.
            decode: Makes the value of the bytes; always the same for the same place.

        Raises:
            MalformedInput: As `read_block`, and as `decode`.
        """
        recent = self._recent.get(place[0])
        if recent is None:
            block = self.read_block(place)
            recent = (decode(block), len(block))
            self._recent[place[0]] = recent
            self._recent_bytes += len(block)
            while self._recent_bytes > RECENT_BYTES and len(self._recent) > 1:
                _, (_, oldest_bytes) = self._recent.popitem(last=False)
                self._recent_bytes -= oldest_bytes
        else:
            self._recent.move_to_end(place[0])
        value: Value = recent[0]
        return value

    def find_in_table(self, table: TablePlace, key: str) -> Any | None:
        """Return the value of a key, or None.

        Raises:
            MalformedInput: As `read_block`.
        """
        index = bisect_right(table, key, key=_first_key) - 1
        return self.recall(table[index][1:], _decode_rows).get(key) if index >= 0 else None


def decode_json(text: bytes) -> Any:
    """Decode the JSON value of a block.

    Raises:
        MalformedInput: It is no JSON.
    """
    try:
        return msgspec.json.decode(text)
    except ValueError as error:
        raise MalformedInput(f"block is not JSON: {error}") from None


def _decode_rows(text: bytes) -> dict[str, Any]:
    return dict(decode_json(text))


def _first_key(block: list[Any]) -> str:
    key: str = block[0]
    return key
