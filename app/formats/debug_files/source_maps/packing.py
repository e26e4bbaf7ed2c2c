"""Packs an uploaded source map for look-ups: positions in slices, sources and names in blocks."""

import re
from collections.abc import Iterator, Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.log import shown
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.packed.blocks import BlockPlace, BlockWriter
from app.formats.debug_files.source_maps.json_elements import iterate_elements
from app.formats.debug_files.source_maps.mapping_index import MapPart, MappingIndexer
from app.formats.debug_files.source_maps.position_names import iterate_named_positions
from app.formats.debug_files.source_maps.scopes import read_scopes

MOST_SECTIONS: Final = 20_000
"""Metro writes a section for each module of a RAM bundle; large apps have 10,000."""
MOST_SOURCES: Final = 100_000
MOST_NAMES: Final = 1_000_000
SOURCES_IN_BLOCK: Final = 256
NAMES_IN_BLOCK: Final = 1_024
_SOURCE_BYTES: Final = 16 * 1024 * 1024
"""A longer source is left out: nobody reads lines of it."""
_SCOPES_BYTES: Final = 4 * 1024 * 1024
_NAME_CHARS: Final = 4_096
_HIGHEST_OFFSET: Final = 2**31 - 1
_NULL: Final = b"null"
_ESCAPE: Final = re.compile(rb"\\")
_NOTHING: Final = msgspec.Raw(b"")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_GUARD: Final = b")]}"
"""Servers put it before JSON, so that no page can run the JSON as a script."""


class _MapText(msgspec.Struct):
    """The members of a source map as they stand in its text."""

    sections: msgspec.Raw = _NOTHING
    sources: msgspec.Raw = _NOTHING
    sources_content: msgspec.Raw = msgspec.field(default=_NOTHING, name="sourcesContent")
    source_root: msgspec.Raw = msgspec.field(default=_NOTHING, name="sourceRoot")
    names: msgspec.Raw = _NOTHING
    mappings: msgspec.Raw = _NOTHING
    facebook_sources: msgspec.Raw = msgspec.field(default=_NOTHING, name="x_facebook_sources")
    ignore_list: msgspec.Raw = msgspec.field(default=_NOTHING, name="ignoreList")
    google_ignore_list: msgspec.Raw = msgspec.field(default=_NOTHING, name="x_google_ignoreList")
    debug_id: msgspec.Raw = msgspec.field(default=_NOTHING, name="debugId")
    old_debug_id: msgspec.Raw = msgspec.field(default=_NOTHING, name="debug_id")


class _Offset(msgspec.Struct):
    line: int
    column: int


class _Section(msgspec.Struct):
    """One map of an indexed map, and the position of the script from which on it holds."""

    offset: _Offset
    map: msgspec.Raw = _NOTHING


_decode_map: Final = msgspec.json.Decoder(_MapText).decode
_decode_section: Final = msgspec.json.Decoder(_Section).decode


@dataclass(frozen=True, slots=True)
class PackedMapFacts:
    """The facts about a source map that packing found."""

    places: dict[str, Any]
    """A JSON value with which `PackedSourceMap` reads the map from the same file."""
    debug_id: str | None
    """The debug id in the map itself."""
    sources: int
    has_content: bool
    """True if any source has its code in the map."""
    has_functions: bool
    """True if the map has names of functions."""


def pack_source_map(text: bytes | bytearray, writer: BlockWriter) -> PackedMapFacts:
    """Pack a source map.

    Args:
        text: The map as it was uploaded. Its addresses are never fetched.
        writer: The file to which blocks are added.

    Raises:
        MalformedInput: It is no source map, or it names what it does not have.
        OversizedInput: It has more sections, sources or names than are allowed.
    """
    members = _decode_members(_strip_guard(memoryview(text)), "the source map")
    packer = _MapPacker(writer)
    if members.sections:
        for offset, section in _read_sections(members.sections):
            packer.add_map(section, offset)
    else:
        packer.add_map(members, _Offset(0, 0))
    return packer.finish(_read_debug_id(members))


def find_names(
    text: bytes | bytearray, wanted: AbstractSet[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """Find the names that a source map gives to some positions of its script.

    Args:
        text: A map that could be packed.
        wanted: Lines and columns of the script, from 0.

    Returns:
        The names of those that have one.

    Raises:
        MalformedInput, OversizedInput: As `pack_source_map`.
    """
    members = _decode_members(_strip_guard(memoryview(text)), "the source map")
    sections = _read_sections(members.sections) if members.sections else [(_Offset(0, 0), members)]
    names: dict[tuple[int, int], str] = {}
    for offset, section in sections:
        part = MapPart(line=offset.line, column=offset.column)
        mappings = _unescape(_view(section.mappings))
        numbers = dict(iterate_named_positions(mappings, part, wanted))
        needed = set(numbers.values())
        elements = iterate_elements(_view(section.names), "names", most=MOST_NAMES)
        texts = {
            number: _decode_text(msgspec.Raw(element))
            for number, element in enumerate(elements)
            if number in needed
        }
        names |= {place: name for place, number in numbers.items() if (name := texts.get(number))}
    return names


@dataclass(slots=True)
class _MapPacker:
    """Puts the maps of all sections together; a plain map is the only section of itself."""

    writer: BlockWriter
    sources: int = 0
    names: int = 0
    has_content: bool = False
    has_functions: bool = False
    source_blocks: list[BlockPlace] = field(default_factory=list)
    name_blocks: list[tuple[int, int, int]] = field(default_factory=list)
    """The number of the first name, offset and length of each block."""
    rows: list[list[Any]] = field(default_factory=list)
    """Sources that wait for their block: name, places of content and functions, is ignored."""
    indexer: MappingIndexer = field(init=False)

    def __post_init__(self) -> None:
        self.indexer = MappingIndexer(self.writer)

    def add_map(self, members: _MapText, offset: _Offset) -> None:
        """Add a map that holds from a position of the script on."""
        first_source, first_name = self.sources, self.names
        self._add_sources(members)
        self._add_names(_view(members.names))
        mappings = _view(members.mappings)
        if not mappings or mappings[0] != ord('"'):
            raise MalformedInput("the source map has no mappings")
        self.indexer.add_part(
            _unescape(mappings),
            MapPart(
                line=offset.line,
                column=offset.column,
                first_source=first_source,
                sources=self.sources - first_source,
                first_name=first_name,
                names=self.names - first_name,
            ),
        )

    def finish(self, debug_id: str | None) -> PackedMapFacts:
        """Write what is left, and return where everything lies."""
        self._flush_rows()
        places = {
            "index": self.indexer.finish(),
            "sources": self.source_blocks,
            "names": self.name_blocks,
        }
        return PackedMapFacts(places, debug_id, self.sources, self.has_content, self.has_functions)

    def _add_sources(self, members: _MapText) -> None:
        root = _decode_text(members.source_root) or ""
        ignored = _read_ignored(members)
        contents = iterate_elements(
            _view(members.sources_content), "sourcesContent", most=MOST_SOURCES
        )
        functions = iterate_elements(
            _view(members.facebook_sources), "x_facebook_sources", most=MOST_SOURCES
        )
        sources = iterate_elements(_view(members.sources), "sources", most=MOST_SOURCES)
        for number, source in enumerate(sources):
            self.sources += 1
            if self.sources > MOST_SOURCES:
                raise OversizedInput(f"the source map has more than {MOST_SOURCES} sources")
            content = self._add_content(next(contents, None))
            scopes = self._add_functions(next(functions, None))
            name = _join_root(root, _decode_text(msgspec.Raw(source)))
            self.rows.append([name, content, scopes, number in ignored])
            if len(self.rows) == SOURCES_IN_BLOCK:
                self._flush_rows()

    def _add_content(self, text: memoryview | None) -> BlockPlace | None:
        if text is None or len(text) > _SOURCE_BYTES:
            return None
        content = _decode_text(msgspec.Raw(text))
        if content is None:
            return None
        self.has_content = True
        return self.writer.add_block(content.encode())

    def _add_functions(self, text: memoryview | None) -> BlockPlace | None:
        if text is None or len(text) > _SCOPES_BYTES or bytes(text[:16]).strip()[:4] == _NULL:
            return None
        scopes = read_scopes(text)
        if scopes is None:
            return None
        self.has_functions = True
        return self.writer.add_block(scopes.pack())

    def _add_names(self, array: memoryview) -> None:
        elements = iterate_elements(array, "names", most=MOST_NAMES)
        while texts := list(islice(elements, NAMES_IN_BLOCK)):
            block = self.writer.add_block(_write_names(texts))
            self.name_blocks.append((self.names, *block))
            self.names += len(texts)
            if self.names > MOST_NAMES:
                raise OversizedInput(f"the source map has more than {MOST_NAMES} names")

    def _flush_rows(self) -> None:
        if self.rows:
            self.source_blocks.append(self.writer.add_json(self.rows))
            self.rows = []


def _write_names(texts: list[memoryview]) -> bytes:
    """Write some names as a list; broken UTF-8 in them becomes U+FFFD."""
    text = b"[" + b",".join(texts) + b"]"
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return msgspec.json.encode([_decode_text(msgspec.Raw(name)) for name in texts])
    return text


def _strip_guard(text: memoryview) -> memoryview:
    """Leave out what servers and editors put before JSON."""
    if bytes(text[:3]) == _BYTE_ORDER_MARK:
        text = text[3:]
    if bytes(text[:3]) == _GUARD:
        line_end = bytes(text[:1024]).find(b"\n")
        text = text[line_end + 1 :] if line_end >= 0 else text
    return text


def _decode_members(text: memoryview, what: str) -> _MapText:
    try:
        return _decode_map(text)
    except RecursionError:
        raise MalformedInput(f"{what} nests too deep") from None
    except ValueError as error:
        raise MalformedInput(f"{what} cannot be read: {shown(str(error))}") from None


def _read_sections(array: msgspec.Raw) -> Iterator[tuple[_Offset, _MapText]]:
    """Yield the maps of an indexed map in the order of their positions."""
    sections: list[_Section] = []
    for element in iterate_elements(_view(array), "sections", most=MOST_SECTIONS):
        try:
            section = _decode_section(element)
        except ValueError as error:
            raise MalformedInput(
                f"a section of the source map cannot be read: {shown(str(error))}"
            ) from None
        if not (
            0 <= section.offset.line <= _HIGHEST_OFFSET
            and 0 <= section.offset.column <= _HIGHEST_OFFSET
        ):
            raise MalformedInput("a section of the source map begins outside of the script")
        if section.map:  # the address of another map is not fetched
            sections.append(section)
    sections.sort(key=lambda section: (section.offset.line, section.offset.column))
    for section in sections:
        members = _decode_members(_view(section.map), "a section of the source map")
        if members.sections:
            raise MalformedInput("a section of the source map has sections itself")
        yield section.offset, members


def _read_debug_id(members: _MapText) -> str | None:
    return normalize_debug_id(_decode_text(members.debug_id)) or normalize_debug_id(
        _decode_text(members.old_debug_id)
    )


def _read_ignored(members: _MapText) -> frozenset[int]:
    """Return the numbers of the sources that are other people's code."""
    array = _view(members.ignore_list) or _view(members.google_ignore_list)
    numbers: set[int] = set()
    for element in iterate_elements(array, "ignoreList", most=MOST_SOURCES):
        text = bytes(element[:16]).strip()
        if text.isdigit():
            numbers.add(int(text))
    return frozenset(numbers)


def _join_root(root: str, source: str | None) -> str:
    if not source:
        return ""
    return f"{root.rstrip('/')}/{source}"[:_NAME_CHARS] if root else source[:_NAME_CHARS]


def _decode_text(raw: msgspec.Raw) -> str | None:
    """Decode a JSON text; broken UTF-8 becomes U+FFFD. None for other values."""
    view = _view(raw)
    if not view or view[0] != ord('"'):
        return None
    try:
        return msgspec.json.decode(view, type=str)
    except ValueError:
        return msgspec.json.decode(bytes(view).decode("utf-8", "replace"), type=str)


def _unescape(mappings: memoryview) -> memoryview:
    """Take off the quotes, and the escapes that some writers use for `/`."""
    if _ESCAPE.search(mappings) is None:
        return mappings[1:-1]
    return memoryview((_decode_text(msgspec.Raw(mappings)) or "").encode("ascii", "replace"))


def _view(raw: msgspec.Raw) -> memoryview:
    """Return the text of a JSON value without spaces around it."""
    view = memoryview(raw)
    start, end = 0, len(view)
    while start < end and view[start] in b" \t\r\n":
        start += 1
    while end > start and view[end - 1] in b" \t\r\n":
        end -= 1
    return view[start:end]
