"""Reads ZIP archives that strangers have sent: nothing is believed that can be counted.

Names of entries are keys and never paths. Archives inside of an archive are not opened.
"""

import io
import zipfile
import zlib
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Self, override

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown

_MIB: Final = 1024 * 1024
MOST_ENTRIES: Final = 20_000
TOTAL_BYTES: Final = 1024 * _MIB
"""All entries of an archive, after inflating."""
_DIRECTORY_BYTES: Final = 16 * _MIB
_DIRECTORY_SIGNATURE: Final = b"PK\x01\x02"
_HIGHEST_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = _MIB
"""Short entries may shrink more: a few empty lines do."""
_IS_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_CHUNK_BYTES: Final = 256 * 1024
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
)
"""Everything that `zipfile` raises for bytes that are no ZIP, or a damaged one."""


class ZipReader:
    """An open archive; entries are inflated when they are read."""

    def __init__(self, archive: zipfile.ZipFile, what: str) -> None:
        """Take an open archive; `open_zip` makes one."""
        self._archive = archive
        self._what = what
        self._inflated_bytes = 0
        self.members: Final = {member.filename: member for member in archive.infolist()}
        """The entries by their names; of two with one name, the later."""
        if len(self.members) > MOST_ENTRIES:
            raise OversizedInput(
                f"{what} has {len(self.members)} entries, {MOST_ENTRIES} are allowed"
            )

    def iterate_entry(self, entry: str, *, limit: int) -> Iterator[bytes]:
        """Inflate an entry piece by piece.

        Args:
            entry: The name of the entry.
            limit: The most bytes that it may have.

        Raises:
            MalformedInput: It is not there, or it is damaged.
            OversizedInput: It is larger than `limit`, all entries that were read are larger than
                `TOTAL_BYTES`, or it shrank more than debug files do.
        """
        member = self.members.get(entry)
        if member is None:
            raise MalformedInput(f"{self._what} has no entry {shown(entry)}")
        if member.file_size > limit:
            raise OversizedInput(
                f"{shown(entry)} has {member.file_size} bytes, {limit} are allowed"
            )
        if member.flag_bits & _IS_ENCRYPTED or member.compress_type not in _METHODS:
            raise MalformedInput(f"{shown(entry)} is encrypted, or packed in an unknown way")
        size = 0
        with (
            _refusing_zip_errors(f"{shown(entry)} in {self._what}"),
            self._archive.open(member) as stream,
        ):
            while chunk := stream.read(_CHUNK_BYTES):
                size += len(chunk)
                self._check_sizes(entry, size, len(chunk), member, limit=limit)
                yield chunk

    def _check_sizes(
        self, entry: str, size: int, added: int, member: zipfile.ZipInfo, *, limit: int
    ) -> None:
        self._inflated_bytes += added
        if size > limit:
            raise OversizedInput(f"{shown(entry)} has more than {limit} bytes")
        if size > _RATIO_FROM_BYTES and size > member.compress_size * _HIGHEST_RATIO:
            raise OversizedInput(
                f"{shown(entry)} inflates to more than {_HIGHEST_RATIO} times its size"
            )
        if self._inflated_bytes > TOTAL_BYTES:
            raise OversizedInput(f"the entries of {self._what} have more than {TOTAL_BYTES} bytes")


@contextmanager
def open_zip(file: BinaryIO, what: str) -> Iterator[ZipReader]:
    """Open an archive, also one with some bytes before it.

    Args:
        file: The archive; it must allow seeking, and stays open.
        what: The name of it in messages, such as `the bundle`.

    Raises:
        MalformedInput: It is no ZIP.
        OversizedInput: It has more than `MOST_ENTRIES` entries.
    """
    with _refusing_zip_errors(what):
        archive = zipfile.ZipFile(_GuardedFile(file, what))
    with archive:
        yield ZipReader(archive, what)


class _GuardedFile(io.RawIOBase):
    """A file whose directory of entries is refused before `zipfile` makes objects of it.

    `zipfile` reads the directory at once, and makes an object of 600 bytes of every 46.
    """

    def __init__(self, file: BinaryIO, what: str) -> None:
        super().__init__()
        self._file = file
        self._what = what

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._file.tell()

    @override
    def read(self, size: int = -1, /) -> bytes:
        if size > _DIRECTORY_BYTES:
            raise OversizedInput(
                f"{self._what} has more than {_DIRECTORY_BYTES} bytes of directory"
            )
        data = self._file.read(size)
        if data.count(_DIRECTORY_SIGNATURE) > MOST_ENTRIES:
            raise OversizedInput(f"{self._what} has more than {MOST_ENTRIES} entries")
        return data

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        raise io.UnsupportedOperation("readinto")

    @override
    def __enter__(self) -> Self:
        return self


@contextmanager
def _refusing_zip_errors(what: str) -> Iterator[None]:
    try:
        yield
    except _ZIP_ERRORS as error:
        raise MalformedInput(f"{what} cannot be read: {shown(str(error))}") from None
