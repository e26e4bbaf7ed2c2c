"""Builds source maps and bundles of which a test changes one detail."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from app.formats.debug_files.packed.blocks import BlockReader, BlockWriter
from app.formats.debug_files.source_maps.packed_map import PackedSourceMap, SourcePosition
from app.formats.debug_files.source_maps.packing import PackedMapFacts, pack_source_map
from app.formats.debug_files.source_maps.vlq import encode_numbers

MAP_ID = "8f1d7c1e-2222-4333-8444-819345a3ba4a"
SegmentValues = tuple[int, int, int | None, int, int, int | None]
"""Line and column of the script; source, its line and column; name. All from 0, None for none."""


def write_mappings(mappings: list[SegmentValues]) -> str:
    """Write the member `mappings`; lines must ascend."""
    lines: list[list[bytes]] = [[]]
    column = source = source_line = source_column = name = 0
    for line, at_column, at_source, at_line, at_source_column, at_name in mappings:
        while len(lines) <= line:
            lines.append([])
            column = 0
        steps = [at_column - column]
        column = at_column
        if at_source is not None:
            steps += [at_source - source, at_line - source_line, at_source_column - source_column]
            source, source_line, source_column = at_source, at_line, at_source_column
            if at_name is not None:
                steps.append(at_name - name)
                name = at_name
        lines[-1].append(encode_numbers(steps))
    return b";".join(b",".join(line) for line in lines).decode()


def source_map(**changes: Any) -> dict[str, Any]:
    """Build a map in which line 1, column 11 of the script is line 2, column 3 of `src/a.js`."""
    whole: dict[str, Any] = {
        "version": 3,
        "sources": ["src/a.js"],
        "sourcesContent": ["first\n  second()\nthird\n"],
        "names": ["second"],
        "mappings": write_mappings([(0, 0, 0, 0, 0, None), (0, 10, 0, 1, 2, 0)]),
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def pack_text(text: bytes | str) -> tuple[PackedSourceMap, PackedMapFacts]:
    """Pack the text of a map and open what was written."""
    target = io.BytesIO()
    writer = BlockWriter(target)
    facts = pack_source_map(text.encode() if isinstance(text, str) else text, writer)
    writer.finish(facts.places)
    reader = BlockReader(target.getvalue())
    return PackedSourceMap(reader, reader.root), facts


def pack_map(whole: dict[str, Any]) -> PackedSourceMap:
    """Pack a map and open what was written."""
    return pack_text(json.dumps(whole))[0]


def locate(packed: PackedSourceMap, line: int, column: int) -> SourcePosition:
    """Return where a position comes from that the map knows."""
    position = packed.find_position(line, column)
    assert position is not None
    return position


def bundle(
    entries: Mapping[str, bytes | str],
    files: Mapping[str, object] | None = None,
    *,
    packing: int = zipfile.ZIP_DEFLATED,
    **manifest: Any,
) -> bytes:
    """Build a bundle as sentry-cli does.

    Args:
        entries: Contents by name.
        files: Descriptions of entries by name; those that are absent are guessed from the name.
        packing: How the entries are compressed, as `zipfile` counts it.
        **manifest: Other members of the manifest.
    """
    described: dict[str, object] = {name: describe_entry(name) for name in entries}
    described.update(files or {})
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", packing) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
        archive.writestr("manifest.json", json.dumps({"files": described} | manifest))
    return b"SYSB\x02\0\0\0" + target.getvalue()


def describe_entry(entry: str, **headers: str) -> dict[str, Any]:
    """Describe an entry as sentry-cli does in the manifest."""
    url = entry.replace("files/_/_/", "~/")
    kind = "source_map" if entry.endswith(".map") else "minified_source"
    return {"type": kind, "url": url, "headers": headers}
