"""Reads an open file from a position of its own, so that several readers can share a descriptor."""

import io
import os
from typing import override


class PositionedFile(io.RawIOBase):
    """A reader of an open file. Closing it leaves the descriptor open."""

    def __init__(self, descriptor: int) -> None:
        """Begin to read a regular file at its beginning."""
        super().__init__()
        self._descriptor = descriptor
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        match whence:
            case io.SEEK_SET:
                self._position = offset
            case io.SEEK_CUR:
                self._position += offset
            case _:
                self._position = os.fstat(self._descriptor).st_size + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position

    @override
    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # narrower
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
