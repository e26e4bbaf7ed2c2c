"""Receives the chunks of a request: inflates them, and compares them with their names.

file_gzip, file ─► inflate, at most 8 MiB ─► unnamed file ─► SHA-1 = its name? ─► a chunk
"""

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown
from app.debug_uploads.folder import UploadFolder
from app.debug_uploads.form_reader import PartHead
from app.debug_uploads.limits import CHUNK_BYTES, REQUEST_BYTES

_PLAIN: Final = "file"
_GZIP: Final = "file_gzip"
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_GZIP_WINDOW: Final = 31
_PIECE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedChunk:
    """A chunk that was received whole, in an unnamed file."""

    sha1: str
    size_bytes: int
    file: BinaryIO


class ChunkParts:
    """The chunks of one request, in the order in which they were received."""

    def __init__(self, folder: UploadFolder) -> None:
        """Begin with none.

        Args:
            folder: The folder for chunks until they are stored.
        """
        self._folder = folder
        self._received: list[ReceivedChunk] = []
        self._open: BinaryIO | None = None
        self.bytes_left = REQUEST_BYTES
        """The bytes that the request may still have, after inflating."""

    def open_part(self, head: PartHead) -> "ChunkWriter":
        """Begin with a chunk.

        Raises:
            MalformedInput: The field has another name, or the file is not named after its SHA-1.
            ServiceUnavailable: The disk is too full.
        """
        checksum = head.filename.lower()
        if head.name not in {_PLAIN, _GZIP}:
            raise MalformedInput(
                f"the field {shown(head.name)} is neither `{_PLAIN}` nor `{_GZIP}`"
            )
        if not _SHA1.fullmatch(checksum):
            raise MalformedInput(f"{shown(head.filename)} is not the SHA-1 of a chunk")
        self._open = self._folder.open_file()
        return ChunkWriter(self, checksum, self._open, is_gzip=head.name == _GZIP)

    def add(self, chunk: ReceivedChunk) -> None:
        """Take a chunk that is whole."""
        self._open = None
        self._received.append(chunk)

    def take_received(self) -> list[ReceivedChunk]:
        """Hand out the chunks that were received since the last call; the caller closes them."""
        received, self._received = self._received, []
        return received

    def close(self) -> None:
        """Close the chunks that were not handed out."""
        for chunk in self.take_received():
            chunk.file.close()
        if self._open is not None:
            self._open.close()


class ChunkWriter:
    """Writes one chunk."""

    def __init__(self, parts: ChunkParts, checksum: str, file: BinaryIO, *, is_gzip: bool) -> None:
        self._parts = parts
        self._checksum = checksum
        self._file = file
        self._inflater = zlib.decompressobj(_GZIP_WINDOW) if is_gzip else None
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        """Take the next bytes, as they were sent.

        Raises:
            MalformedInput: They are not gzip.
            OversizedInput: The chunk, or the request, is too large.
        """
        if self._inflater is None:
            self._add(data)
            return
        for piece in self._inflate(self._inflater, data):
            self._add(piece)

    def end(self) -> None:
        """Compare the chunk with its name.

        Raises:
            MalformedInput: It is another one, or its gzip stream is not whole.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise MalformedInput(f"the gzip stream of chunk {self._checksum} ends too soon")
        actual = self._hash.hexdigest()
        if actual != self._checksum:
            raise MalformedInput(f"chunk {self._checksum} has the SHA-1 {actual}")
        self._file.flush()
        self._parts.add(ReceivedChunk(self._checksum, self._size_bytes, self._file))

    def _inflate(self, inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if inflater.eof:
                    raise MalformedInput(f"something follows the gzip stream of {self._checksum}")
                yield inflater.decompress(data, _PIECE_BYTES)
                data = inflater.unconsumed_tail or inflater.unused_data
        except zlib.error as error:
            raise MalformedInput(f"chunk {self._checksum} is not gzip: {error}") from error

    def _add(self, data: bytes) -> None:
        self._size_bytes += len(data)
        self._parts.bytes_left -= len(data)
        if self._size_bytes > CHUNK_BYTES:
            raise OversizedInput(f"chunk {self._checksum} has more than {CHUNK_BYTES} bytes")
        if self._parts.bytes_left < 0:
            raise OversizedInput(f"the chunks of the request have more than {REQUEST_BYTES} bytes")
        self._hash.update(data)
        self._file.write(data)
