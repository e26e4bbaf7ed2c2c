"""Turn an uploaded R8 or ProGuard mapping into blocks with an index, once, at the upload."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import zstandard

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown
from app.formats.debug_files.mapping import layout

_CHUNK_BYTES: Final = 1024 * 1024
_LEVEL: Final = 3
_BOM: Final = b"\xef\xbb\xbf"
# Both expressions are linear: what follows the `*` can begin at one kind of byte only.
_CLASS_LINE: Final = re.compile(rb"^[^ \t#\r\n][^\n]*:[ \t\r]*$", re.MULTILINE)
_MEMBER_WITH_LINES: Final = re.compile(rb"^[ \t]+\d+:\d+:", re.MULTILINE)
_HEAD_LINE: Final = re.compile(
    rb"^# ?(compiler|compiler_version|pg_map_id): *([^\r\n]{1,200})", re.MULTILINE
)
_R8_NOTE: Final = b'"com.android.tools.r8.mapping"'


@dataclass(frozen=True, slots=True)
class MappingFacts:
    """The facts about a mapping that an upload stores.

    Attributes:
        classes: The number of classes that the mapping names.
        has_lines: True if any method has line numbers, without which inlined calls are unknown.
        compiler: "R8", or what else the head of the file names. None for ProGuard: it writes no
            head.
        compiler_version: The version in the head of the file.
        map_id: The `pg_map_id`, which R8 also writes into the source file of classes.
        size_bytes: The size of the mapping without a byte order mark.
    """

    classes: int
    has_lines: bool
    compiler: str | None
    compiler_version: str | None
    map_id: str | None
    size_bytes: int


def index_mapping(source: BinaryIO, target: BinaryIO) -> MappingFacts:
    """Write the mapping in blocks with an index, which `reader.MappingReader` reads.

    The text streams through: memory holds a mebibyte of it or the largest class, and 28 bytes for
    each class. A mapping of 50 MB takes about a second, so call it in a thread.

    Args:
        source: The mapping as it was uploaded, read from where it stands to its end.
        target: Is written from its beginning to its end, never read or sought.

    Raises:
        MalformedInput: It is no mapping; the message is for the build log.
        OversizedInput: A line, a class or the number of classes exceeds its limit; likewise.
    """
    writer = _IndexWriter(target)
    head = b""
    has_lines = False
    size_bytes = 0
    for text in _read_whole_lines(source):
        head = head or text
        size_bytes += len(text)
        has_lines = has_lines or _MEMBER_WITH_LINES.search(text) is not None
        writer.add_lines(text)
    notes = {
        name: value.decode("utf-8", "replace").strip() for name, value in _HEAD_LINE.findall(head)
    }
    if not writer.classes and b"compiler" not in notes and _R8_NOTE not in head:
        raise MalformedInput(
            "this is no R8 or ProGuard mapping: no line has the form `com.example.Name -> a.b:`"
        )
    writer.finish(has_lines=has_lines)
    return MappingFacts(
        classes=writer.classes,
        has_lines=has_lines,
        compiler=notes.get(b"compiler"),
        compiler_version=notes.get(b"compiler_version"),
        map_id=notes.get(b"pg_map_id"),
        size_bytes=size_bytes,
    )


def _read_whole_lines(source: BinaryIO) -> Iterator[bytes]:
    """Read text that ends with a line, about a mebibyte at a time, without a byte order mark.

    The last line may lack its newline.
    """
    cut_line = source.read(len(_BOM)).removeprefix(_BOM)
    while chunk := source.read(_CHUNK_BYTES):
        text = cut_line + chunk
        end = text.rfind(b"\n") + 1
        cut_line = text[end:]
        _check_line_lengths(text)
        if end:
            yield text[:end]
    if cut_line:
        yield cut_line


def _check_line_lengths(text: bytes) -> None:
    """Refuse a line over the limit; `text` begins with a line and may end within one."""
    start = 0
    while len(text) - start > layout.LINE_BYTES:
        end = text.rfind(b"\n", start, start + layout.LINE_BYTES + 1)
        if end < 0:
            line = shown(text[start : start + 200].decode("utf-8", "replace"))
            raise OversizedInput(
                f"a line of the mapping is longer than {layout.LINE_BYTES} bytes: it begins {line}"
            )
        start = end + 1


class _IndexWriter:
    """Collects whole classes into blocks, and the places of the classes for the tables."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._offset = len(layout.MAGIC)
        self._block = bytearray()
        """The head of the file or whole classes, and last the class whose end was not seen yet."""
        self._open_start = 0
        """The offset in the block at which that class begins."""
        self._block_rows: list[bytes] = []
        self._clear_hashes = array("Q")
        self._obfuscated_hashes = array("Q")
        self._block_numbers = array("I")
        self._starts = array("I")
        self._sizes = array("I")
        target.write(layout.MAGIC)

    @property
    def classes(self) -> int:
        """The number of classes so far."""
        return len(self._clear_hashes)

    def add_lines(self, text: bytes) -> None:
        """Add text that begins and ends with a line.

        Raises:
            OversizedInput: There are too many classes, or one is too long.
        """
        added = 0
        for match in _CLASS_LINE.finditer(text):
            names = layout.split_class_line(match.group())
            if names is not None:
                self._extend(text[added : match.start()])
                added = match.start()
                self._close_class()
                self._open_class(*names)
        self._extend(text[added:])

    def finish(self, *, has_lines: bool) -> None:
        """Write the last block, the tables and the trailer."""
        self._close_class()
        self._write_block()
        self._target.writelines(self._block_rows)
        for hashes in (self._obfuscated_hashes, self._clear_hashes):
            # Sorting is stable: of two classes with one name, the later stays behind the other.
            for row in sorted(range(self.classes), key=hashes.__getitem__):
                place = (self._block_numbers[row], self._starts[row], self._sizes[row])
                self._target.write(layout.CLASS_ROW.pack(hashes[row], *place))
        tables = (self._offset, len(self._block_rows), self.classes)
        self._target.write(layout.TRAILER.pack(*tables, has_lines, layout.MAGIC))

    def _extend(self, text: bytes) -> None:
        self._block += text
        if len(self._block) - self._open_start > layout.CLASS_BYTES:
            raise OversizedInput(
                f"a class of the mapping, or the text before the first one, is longer than"
                f" {layout.CLASS_BYTES} bytes"
            )

    def _open_class(self, clear: bytes, obfuscated: bytes) -> None:
        if self.classes >= layout.CLASSES:
            raise OversizedInput(f"the mapping has more than {layout.CLASSES} classes")
        self._open_start = len(self._block)
        self._clear_hashes.append(layout.hash_name(clear))
        self._obfuscated_hashes.append(layout.hash_name(obfuscated))
        self._block_numbers.append(len(self._block_rows))
        self._starts.append(self._open_start)

    def _close_class(self) -> None:
        """End the open class, if there is one, and the block with it, if that is long enough."""
        if len(self._sizes) < self.classes:
            self._sizes.append(len(self._block) - self._open_start)
        if len(self._block) >= layout.BLOCK_BYTES:
            self._write_block()

    def _write_block(self) -> None:
        if self._block:
            stored = self._compressor.compress(self._block)
            row = layout.BLOCK_ROW.pack(self._offset, len(stored), len(self._block))
            self._block_rows.append(row)
            self._target.write(stored)
            self._offset += len(stored)
            self._block = bytearray()
        self._open_start = 0
