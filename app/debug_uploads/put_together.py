"""Puts a file together of its chunks, in an unnamed file, and compares it with its SHA-1."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.core.errors import MalformedInput, NotFound, ServiceUnavailable
from app.debug_files.chunks import UploadChunk
from app.debug_uploads.folder import UploadFolder
from app.storage.port import ObjectStore

_PIECE_BYTES: Final = 4 * 1024 * 1024


class ChunkMissing(Exception):
    """A chunk is gone since it was last seen.

    Attributes:
        has_row: True if its row is still there, and only its object is gone.
    """

    def __init__(self, *, has_row: bool) -> None:
        super().__init__()
        self.has_row = has_row


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that was put together and has the SHA-1 that it was announced with."""

    file: BinaryIO
    sha256: str
    size_bytes: int


async def put_together(
    objects: ObjectStore, folder: UploadFolder, sha1: str, *, chunks: Sequence[UploadChunk]
) -> WholeFile:
    """Put a file together; the caller closes it.

    Args:
        objects: The store with the chunks.
        folder: The folder for the file.
        sha1: The SHA-1 of the whole file.
        chunks: The chunks in their order.

    Raises:
        MalformedInput: The chunks make another file.
        ChunkMissing: A chunk is gone.
        ServiceUnavailable: The disk is too full, or the storage does not answer.
    """
    hashes = (hashlib.sha1(usedforsecurity=False), hashlib.sha256())
    size_bytes = 0
    file = folder.open_file(sum(chunk.size_bytes for chunk in chunks))
    try:
        for chunk in chunks:
            for start in range(0, chunk.size_bytes, _PIECE_BYTES):
                content = await _read_piece(objects, chunk, start)
                await asyncio.to_thread(_append_chunk, file, content, *hashes)
                size_bytes += len(content)
        _compare(hashes[0].hexdigest(), sha1)
    except BaseException:
        file.close()
        raise
    return WholeFile(file, hashes[1].hexdigest(), size_bytes)


async def _read_piece(objects: ObjectStore, chunk: UploadChunk, start: int) -> bytes:
    try:
        return await objects.read(chunk.object_key, start, _PIECE_BYTES)
    except NotFound as error:
        raise ChunkMissing(has_row=True) from error


def _append_chunk(
    file: BinaryIO, content: bytes, sha1: "hashlib._Hash", sha256: "hashlib._Hash"
) -> None:
    sha1.update(content)
    sha256.update(content)
    try:
        file.write(content)
        file.flush()
    except OSError as error:
        raise ServiceUnavailable(f"an upload cannot be written: {error.strerror}") from error


def _compare(actual: str, announced: str) -> None:
    if actual != announced:
        raise MalformedInput(f"the chunks make a file with the SHA-1 {actual}, not {announced}")
