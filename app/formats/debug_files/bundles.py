"""Reads bundles of sources, scripts and source maps as sentry-cli uploads them.

    8 bytes `SYSB` + version ─ ZIP ─ manifest.json   what each entry is, and how events name it
                                   └ files/_/_/…     the entries

One form has three uses: scripts with source maps, sources of a JVM app, sources of native code.
Names of entries are keys and never paths. A manifest may name entries that are not there; these are
left out.
"""

import io
import zipfile
import zlib
from collections.abc import Buffer, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, BinaryIO, Final, Self, override

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown
from app.formats import jsonish
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.jsonish import JsonObject

_MIB: Final = 1024 * 1024
MOST_ENTRIES: Final = 20_000
ENTRY_BYTES: Final = 64 * _MIB
"""The largest entry after inflating."""
TOTAL_BYTES: Final = 1024 * _MIB
"""All entries after inflating."""
_MANIFEST_BYTES: Final = 16 * _MIB
_DIRECTORY_BYTES: Final = 16 * _MIB
_HIGHEST_RATIO: Final = 200
_RATIO_FROM_BYTES: Final = _MIB
"""Short entries may shrink more: a few empty lines do."""
_MANIFEST_NAME: Final = "manifest.json"
_DIRECTORY_SIGNATURE: Final = b"PK\x01\x02"
_IS_ENCRYPTED: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_CHUNK_BYTES: Final = 256 * 1024
_NAME_CHARS: Final = 4_096
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


class BundleFileType(StrEnum):
    """What an entry of a bundle is."""

    SOURCE = "source"
    MINIFIED_SOURCE = "minified_source"
    SOURCE_MAP = "source_map"
    INDEXED_RAM_BUNDLE = "indexed_ram_bundle"


@dataclass(frozen=True, slots=True)
class BundleFile:
    """An entry of a bundle as its manifest describes it."""

    entry: str
    """The name of the entry in the ZIP."""
    type: BundleFileType
    url: str | None
    """The address that events have, such as `~/app.js`, where `~` is any scheme and host."""
    path: str | None
    """The path on the build machine, which the debug information of native code repeats."""
    debug_id: str | None
    """The id that a script shares with its source map."""
    source_map_url: str | None
    """The address of a script's source map, relative to its own."""


@dataclass(frozen=True, slots=True)
class BundleManifest:
    """What a bundle says of itself."""

    debug_id: str | None
    """The id of the bundle; for sources of native code, that of their binary."""
    release: str | None
    dist: str | None
    arch: str | None
    code_id: str | None
    object_name: str | None
    files: Mapping[str, BundleFile] = field(default_factory=lambda: MappingProxyType({}))
    """The entries that are there, by their names."""


class SourceBundle:
    """An open bundle; entries are inflated when they are read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Take an open archive; `open_bundle` makes one."""
        self._archive = archive
        self._inflated_bytes = 0
        self._members = {member.filename: member for member in archive.infolist()}
        if len(self._members) > MOST_ENTRIES:
            raise OversizedInput(
                f"the bundle has {len(self._members)} entries, {MOST_ENTRIES} are allowed"
            )
        self.manifest = _read_manifest(self._read_manifest_text(), self._members)

    def read_entry(self, entry: str) -> bytearray:
        """Inflate an entry.

        Raises:
            MalformedInput: It is not there, or it is damaged.
            OversizedInput: It is larger than `ENTRY_BYTES`, all entries that were read are larger
                than `TOTAL_BYTES`, or it shrank more than sources do.
        """
        return self._read_member(entry, limit=ENTRY_BYTES)

    def _read_manifest_text(self) -> bytearray:
        if _MANIFEST_NAME not in self._members:
            raise MalformedInput("the bundle has no manifest.json")
        return self._read_member(_MANIFEST_NAME, limit=_MANIFEST_BYTES)

    def _read_member(self, entry: str, *, limit: int) -> bytearray:
        member = self._members.get(entry)
        if member is None:
            raise MalformedInput(f"the bundle has no entry {shown(entry)}")
        if member.file_size > limit:
            raise OversizedInput(
                f"{shown(entry)} has {member.file_size} bytes, {limit} are allowed"
            )
        if member.flag_bits & _IS_ENCRYPTED or member.compress_type not in _METHODS:
            raise MalformedInput(f"{shown(entry)} is encrypted, or packed in an unknown way")
        content = bytearray()
        what = f"{shown(entry)} in the bundle"
        with _zip_errors_refused(what), self._archive.open(member) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                content += chunk
                self._check_sizes(entry, len(content), len(chunk), member, limit=limit)
        return content

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
            raise OversizedInput(f"the entries of the bundle have more than {TOTAL_BYTES} bytes")


@contextmanager
def open_bundle(file: BinaryIO) -> Iterator[SourceBundle]:
    """Open a bundle, with or without its eight bytes before the ZIP.

    Args:
        file: The bundle as it was uploaded; it must allow seeking, and stays open.

    Raises:
        MalformedInput: It is no ZIP, or it has no manifest that can be read.
        OversizedInput: It has more than `MOST_ENTRIES` entries.
    """
    with _zip_errors_refused("the bundle"):
        archive = zipfile.ZipFile(_GuardedFile(file))
    with archive:
        yield SourceBundle(archive)


class _GuardedFile(io.RawIOBase):
    """A file whose directory of entries is refused before `zipfile` makes objects of it.

    `zipfile` reads the directory at once, and makes an object of 600 bytes of every 46.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

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
            raise OversizedInput(f"the bundle has more than {_DIRECTORY_BYTES} bytes of directory")
        data = self._file.read(size)
        if data.count(_DIRECTORY_SIGNATURE) > MOST_ENTRIES:
            raise OversizedInput(f"the bundle has more than {MOST_ENTRIES} entries")
        return data

    @override
    def readinto(self, buffer: Buffer, /) -> int:
        raise io.UnsupportedOperation("readinto")

    @override
    def __enter__(self) -> Self:
        return self


@contextmanager
def _zip_errors_refused(what: str) -> Iterator[None]:
    try:
        yield
    except _ZIP_ERRORS as error:
        raise MalformedInput(f"{what} cannot be read: {shown(str(error))}") from None


def _read_manifest(text: bytearray, entries: Mapping[str, Any]) -> BundleManifest:
    raw = jsonish.decode_object(text, _MANIFEST_NAME)
    files: dict[str, BundleFile] = {}
    for entry, description in jsonish.mapping(raw, "files").items():
        if entry in entries and isinstance(description, dict):
            file = _read_file(entry, description)
            if file is not None:
                files[entry] = file
    return BundleManifest(
        debug_id=normalize_debug_id(raw.get("debug_id")),
        release=_read_name(raw, "release"),
        dist=_read_name(raw, "dist"),
        arch=_read_name(raw, "arch"),
        code_id=_read_name(raw, "code_id"),
        object_name=_read_name(raw, "object_name"),
        files=MappingProxyType(files),
    )


def _read_file(entry: str, raw: JsonObject) -> BundleFile | None:
    """Read the description of an entry; None for a type that is not known."""
    try:
        file_type = BundleFileType(jsonish.text(raw, "type") or "")
    except ValueError:
        return None
    headers = {name.lower(): value for name, value in jsonish.pairs(raw, "headers").items()}
    return BundleFile(
        entry=entry,
        type=file_type,
        url=_read_name(raw, "url"),
        path=_read_name(raw, "path"),
        debug_id=normalize_debug_id(headers.get("debug-id")),
        source_map_url=headers.get("sourcemap") or headers.get("x-sourcemap"),
    )


def _read_name(raw: JsonObject, key: str) -> str | None:
    """Return a text that is whole, since a name that was cut means something else."""
    value = jsonish.text(raw, key, limit=_NAME_CHARS + 1)
    if value is None or len(value) > _NAME_CHARS:
        return None
    return value.replace("\0", "\ufffd")
