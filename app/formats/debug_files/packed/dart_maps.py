"""Maps of obfuscated Dart names: `["Cart", "aYz", "Order", "bQ", …]`, a clear name before each.

`flutter build --obfuscate --extra-gen-snapshot-options=--save-obfuscation-map=…` writes them. An
uploaded map is written as a table sorted by obfuscated name, so an event decodes a block or two.
"""

from dataclasses import dataclass
from mmap import mmap
from typing import BinaryIO, Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown
from app.formats.debug_files.packed.blocks import BlockReader, BlockWriter

MAP_BYTES: Final = 64 * 1024 * 1024
MOST_NAMES: Final = 1_000_000
"""Clear and obfuscated ones; the map of a large app has 200,000."""
_FORMAT_VERSION: Final = 1
_FORMAT_NAME: Final = "dart"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class DartMapFacts:
    """The facts about a map of Dart names that an upload stores."""

    names: int
    """Number of clear names."""
    packed_bytes: int
    """Size of what was written for look-ups."""


def pack_dart_map(source: BinaryIO, target: BinaryIO) -> DartMapFacts:
    """Check a map of Dart names and write it in the form that `PackedDartMap` reads.

    A map of 200,000 names takes a fifth of a second, so call it in a thread.

    Args:
        source: The map as it was uploaded, read from where it stands to its end.
        target: Is written from where it stands to its end, never read or sought.

    Raises:
        MalformedInput: It is no list of texts, or their number is odd; the message is for the build
            log.
        OversizedInput: It exceeds a limit; likewise.
    """
    text = source.read(MAP_BYTES + 1)
    if len(text) > MAP_BYTES:
        raise OversizedInput(f"the Dart symbol map has more than {MAP_BYTES} bytes")
    if text.count(b",") >= MOST_NAMES:
        raise OversizedInput(f"the Dart symbol map has more than {MOST_NAMES} names")
    try:
        names = msgspec.json.decode(text.removeprefix(_BYTE_ORDER_MARK), type=list[str])
    except (ValueError, RecursionError) as error:
        raise MalformedInput(
            f"the Dart symbol map is no JSON list of names: {shown(str(error))}"
        ) from None
    if len(names) % 2:
        raise MalformedInput(
            f"the Dart symbol map has {len(names)} names; clear and obfuscated ones come in pairs"
        )
    pairs = dict(zip(names[1::2], names[::2], strict=True))
    writer = BlockWriter(target)
    table = writer.add_table(sorted(pairs.items()))
    size = writer.finish({"format": _FORMAT_NAME, "version": _FORMAT_VERSION, "table": table})
    return DartMapFacts(len(names) // 2, size)


class PackedDartMap:
    """A map of Dart names as `pack_dart_map` wrote it; not for several threads at once."""

    def __init__(self, data: bytes | mmap) -> None:
        """Take the whole file.

        Raises:
            MalformedInput: It is another kind of file, or it is damaged.
        """
        self._reader = BlockReader(data)
        root = self._reader.root
        if not isinstance(root, dict) or root.get("format") != _FORMAT_NAME:
            raise MalformedInput("the file is no packed map of Dart names")
        if root.get("version") != _FORMAT_VERSION:
            raise MalformedInput("the map of Dart names was packed by another version")
        self._table = root["table"]

    def find_clear_name(self, name: str) -> str | None:
        """Return the clear name of an obfuscated one, or None if the map does not have it.

        The result is never looked up again, since a clear name may also be an obfuscated one.

        Raises:
            MalformedInput: The file is damaged.
        """
        clear: str | None = self._reader.find_in_table(self._table, name)
        return clear
