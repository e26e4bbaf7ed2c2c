"""Reads bundles of sources, scripts and source maps as sentry-cli uploads them.

    8 bytes `SYSB` + version ─ ZIP ─ manifest.json   what each entry is, and how events name it
                                   └ files/_/_/…     the entries

One form has three uses: scripts with source maps, sources of a JVM app, sources of native code.
Names of entries are keys and never paths. A manifest may name entries that are not there; these are
left out.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from app.core.errors import MalformedInput
from app.formats import jsonish
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.zip_reader import ZipReader, open_zip
from app.formats.jsonish import JsonObject

_MIB: Final = 1024 * 1024
ENTRY_BYTES: Final = 64 * _MIB
"""The largest entry after inflating."""
_MANIFEST_BYTES: Final = 16 * _MIB
_MANIFEST_NAME: Final = "manifest.json"
_NAME_CHARS: Final = 4_096


class BundleFileType(StrEnum):
    """The kind of an entry of a bundle."""

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
    """The manifest of a bundle."""

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

    def __init__(self, archive: ZipReader) -> None:
        """Take an open archive; `open_bundle` makes one."""
        self._archive = archive
        self.manifest = _read_manifest(self._read_manifest_text(), archive.members)

    def read_entry(self, entry: str) -> bytearray:
        """Inflate an entry.

        Raises:
            MalformedInput: It is not there, or it is damaged.
            OversizedInput: It is larger than `ENTRY_BYTES`, all entries that were read are larger
                than `zip_reader.TOTAL_BYTES`, or it shrank more than sources do.
        """
        return self._read_member(entry, limit=ENTRY_BYTES)

    def _read_manifest_text(self) -> bytearray:
        if _MANIFEST_NAME not in self._archive.members:
            raise MalformedInput("the bundle has no manifest.json")
        return self._read_member(_MANIFEST_NAME, limit=_MANIFEST_BYTES)

    def _read_member(self, entry: str, *, limit: int) -> bytearray:
        content = bytearray()
        for piece in self._archive.iterate_entry(entry, limit=limit):
            content += piece
        return content


@contextmanager
def open_bundle(file: BinaryIO) -> Iterator[SourceBundle]:
    """Open a bundle, with or without its eight bytes before the ZIP.

    Args:
        file: The bundle as it was uploaded; it must allow seeking, and stays open.

    Raises:
        MalformedInput: It is no ZIP, or it has no manifest that can be read.
        OversizedInput: It has more than `MOST_ENTRIES` entries.
    """
    with open_zip(file, "the bundle") as archive:
        yield SourceBundle(archive)


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
