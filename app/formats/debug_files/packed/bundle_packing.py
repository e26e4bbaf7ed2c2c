"""Packs an uploaded bundle for look-ups: by debug id, by address, by path on the build machine."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

from app.core.errors import MalformedInput, OversizedInput, RequestRefused
from app.core.log import shown
from app.formats.debug_files import script_urls
from app.formats.debug_files.bundles import (
    BundleFile,
    BundleFileType,
    BundleManifest,
    SourceBundle,
    open_bundle,
)
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.packed.blocks import BlockPlace, BlockWriter
from app.formats.debug_files.scripts.script_scopes import find_script_functions
from app.formats.debug_files.source_maps.packing import PackedMapFacts, find_names, pack_source_map

BundleKind = Literal["artifact_bundle", "jvm_source_bundle", "source_bundle"]

DEBUG_ID_KEY: Final = "d:"
URL_KEY: Final = "u:"
PATH_KEY: Final = "p:"
FORMAT_VERSION: Final = 1
_JVM_SUFFIX: Final = ".jvm"
_SOURCE_BYTES: Final = 8 * 1024 * 1024
"""A longer file without a source map is left out: nobody reads lines of it."""
_FUNCTIONS_BYTES: Final = 32 * 1024 * 1024
"""Scripts of a bundle that are looked through for their functions, 3 MB in a second."""
_FUNCTIONS_IN_BLOCK: Final = 1_024
_MAP_COMMENTS: Final = (b"//# sourceMappingURL=", b"//@ sourceMappingURL=")
_ID_COMMENT: Final = b"//# debugId="
_ID_COMMENT_BYTES: Final = 64
_SCRIPT_TYPES: Final = frozenset(
    {BundleFileType.SOURCE, BundleFileType.MINIFIED_SOURCE, BundleFileType.INDEXED_RAM_BUNDLE}
)


@dataclass(frozen=True, slots=True)
class BundleUrl:
    """An address under which a bundle has a script or a source map."""

    url: str
    """As the manifest has it, such as `~/index.android.bundle`."""
    entry: str
    """The name of the entry in the ZIP."""


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """The facts about a bundle that an upload stores."""

    kind: BundleKind
    debug_id: str | None
    """The id of the bundle; for sources, the id that events have or that of the binary."""
    release: str | None
    dist: str | None
    arch: str | None
    code_id: str | None
    object_name: str | None
    debug_ids: tuple[str, ...]
    """Ids of the scripts and source maps in the bundle, in ascending order."""
    urls: tuple[BundleUrl, ...]
    """Addresses of the scripts and source maps in the bundle."""
    files: int
    """Number of entries that can be looked up."""
    source_maps: int
    packed_bytes: int
    """Size of what was written for look-ups."""


def pack_bundle(source: BinaryIO, target: BinaryIO) -> BundleFacts:
    """Check a bundle and write it in the form that `PackedBundle` reads.

    Entries are read one at a time; memory holds one of them, at most 64 MiB, and small notes about
    each. A bundle with a map of a million positions takes a second, so call it in a thread.

    Args:
        source: The bundle as it was uploaded; it must allow seeking, and stays open.
        target: Is written from where it stands to its end, never read or sought.

    Raises:
        MalformedInput: It is no bundle, or an entry cannot be read; the message is for the build
            log.
        OversizedInput: It exceeds a limit; likewise.
    """
    with open_bundle(source) as bundle:
        return _BundlePacker(bundle, BlockWriter(target)).pack()


@dataclass(frozen=True, slots=True)
class _PackedMap:
    """A source map that was packed."""

    place: BlockPlace
    file: BundleFile
    """The entry that it came from: its own, or a script that carries it."""
    has_functions: bool


class _BundlePacker:
    """Packs the entries of one bundle."""

    def __init__(self, bundle: SourceBundle, writer: BlockWriter) -> None:
        self._bundle = bundle
        self._manifest = bundle.manifest
        self._writer = writer
        self._maps: dict[str, _PackedMap] = {}
        """Source maps by their keys."""
        self._functions_bytes = _FUNCTIONS_BYTES
        """Scripts that may still be looked through for their functions."""
        self._rows: dict[str, dict[str, Any]] = {}
        self._source_maps = 0

    def pack(self) -> BundleFacts:
        """Pack every entry, the source maps before the scripts that use them."""
        files = sorted(self._manifest.files.values(), key=lambda file: file.entry)
        for file in files:
            if file.type is BundleFileType.SOURCE_MAP:
                self._add_map_file(file)
        for file in files:
            if file.type in _SCRIPT_TYPES:
                self._add_script(file)
        table = self._writer.add_table(sorted(self._rows.items()))
        size = self._writer.finish({"version": FORMAT_VERSION, "table": table})
        return self._make_facts(files, size)

    def _add_map_file(self, file: BundleFile) -> None:
        text = self._bundle.read_entry(file.entry)
        place, facts = self._pack_map(text, file.entry)
        packed = _PackedMap(place, file, facts.has_functions)
        for key in _make_keys(file, file.debug_id or facts.debug_id):
            self._maps[key] = packed
            self._rows.setdefault(key, {})["map"] = place
            self._rows[key].setdefault("map_url", file.url)

    def _add_script(self, file: BundleFile) -> None:
        text = self._bundle.read_entry(file.entry)
        debug_id = file.debug_id or _read_id_comment(text)
        packed = self._find_map(file, debug_id, text)
        row: dict[str, Any] = {"url": file.url}
        if packed is not None:
            row |= {"map": packed.place, "map_url": packed.file.url}
            row["functions"] = self._add_functions(text, packed)
        elif 0 < len(text) <= _SOURCE_BYTES:
            row["source"] = self._writer.add_block(text)
        for key in _make_keys(file, debug_id):
            self._rows[key] = row

    def _add_functions(self, script: bytearray, packed: _PackedMap) -> BlockPlace | None:
        """Look a script through for its functions, if its map does not have them."""
        if packed.has_functions or packed.file.type is not BundleFileType.SOURCE_MAP:
            return None
        self._functions_bytes -= len(script)
        if self._functions_bytes < 0:
            return None
        functions = find_script_functions(script)
        if functions is None:
            return None
        map_text = self._bundle.read_entry(packed.file.entry)
        clear_names = find_names(map_text, functions.list_places())
        scopes = functions.name_scopes(clear_names)
        return self._writer.add_json(
            [
                [part.lines[0], part.columns[0], *self._writer.add_block(part.pack())]
                for part in scopes.split(_FUNCTIONS_IN_BLOCK)
            ]
        )

    def _find_map(
        self, file: BundleFile, debug_id: str | None, text: bytearray
    ) -> _PackedMap | None:
        """Find the map of a script: by id, by the address that it names, or by its own address."""
        if debug_id is not None and (packed := self._maps.get(DEBUG_ID_KEY + debug_id)):
            return packed
        reference = file.source_map_url or _read_map_comment(text)
        if reference is not None and reference.startswith("data:"):
            place = self._pack_inline_map(reference, file.entry)
            return _PackedMap(place, file, has_functions=False) if place else None
        for url in _list_map_urls(file.url, reference):
            if packed := self._maps.get(URL_KEY + url):
                return packed
        return None

    def _pack_inline_map(self, reference: str, entry: str) -> BlockPlace | None:
        head, _, data = reference.partition(",")
        if not head.endswith(";base64"):
            return None
        try:
            return self._pack_map(base64.b64decode(data), entry)[0]
        except (binascii.Error, RequestRefused):
            return None  # Scripts that make scripts contain such comments, too.

    def _pack_map(self, text: bytes | bytearray, entry: str) -> tuple[BlockPlace, PackedMapFacts]:
        try:
            facts = pack_source_map(text, self._writer)
        except MalformedInput as error:
            raise MalformedInput(f"{shown(entry)}: {error}") from None
        except OversizedInput as error:
            raise OversizedInput(f"{shown(entry)}: {error}") from None
        self._source_maps += 1
        return self._writer.add_json(facts.places), facts

    def _make_facts(self, files: list[BundleFile], size: int) -> BundleFacts:
        manifest = self._manifest
        prefix = len(DEBUG_ID_KEY)
        return BundleFacts(
            kind=_guess_kind(manifest, files),
            debug_id=manifest.debug_id,
            release=manifest.release,
            dist=manifest.dist,
            arch=manifest.arch,
            code_id=manifest.code_id,
            object_name=manifest.object_name,
            debug_ids=tuple(key[prefix:] for key in sorted(self._rows) if key.startswith("d:")),
            urls=tuple(BundleUrl(file.url, file.entry) for file in files if file.url),
            files=len(files),
            source_maps=self._source_maps,
            packed_bytes=size,
        )


def _guess_kind(manifest: BundleManifest, files: list[BundleFile]) -> BundleKind:
    if manifest.object_name or any(file.path and not file.url for file in files):
        return "source_bundle"
    if files and all((file.url or "").endswith(_JVM_SUFFIX) for file in files):
        return "jvm_source_bundle"
    return "artifact_bundle"


def _make_keys(file: BundleFile, debug_id: str | None) -> Iterator[str]:
    if debug_id:
        yield DEBUG_ID_KEY + debug_id
    if file.url:
        yield URL_KEY + file.url
    if file.path:
        yield PATH_KEY + file.path


def _list_map_urls(url: str | None, reference: str | None) -> list[str]:
    """List where the map of a script may be: where the script says, else beside it."""
    urls: list[str] = []
    if reference:
        urls += script_urls.list_url_candidates(script_urls.resolve_url(url or "~/", reference))
    if url:
        urls.append(f"{url}.map")
    return urls


def _read_map_comment(text: bytearray) -> str | None:
    """Return the address of the map that the end of a script names."""
    at, mark = max((text.rfind(mark), mark) for mark in _MAP_COMMENTS)
    if at < 0:
        return None
    start = at + len(mark)
    end = text.find(b"\n", start)
    comment = bytes(text[start : end if end >= 0 else None])
    return comment.decode("utf-8", "replace").strip() or None


def _read_id_comment(text: bytearray) -> str | None:
    at = text.rfind(_ID_COMMENT)
    if at < 0:
        return None
    comment = bytes(text[at + len(_ID_COMMENT) : at + len(_ID_COMMENT) + _ID_COMMENT_BYTES])
    return normalize_debug_id(comment.partition(b"\n")[0].decode("ascii", "replace"))
