"""Gives frames of JavaScript the position, function and lines of their source."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.formats import jsonish
from app.formats.debug_files import script_urls
from app.formats.debug_files.packed.packed_bundle import PackedBundle, PackedScript
from app.formats.debug_files.scripts.script_scopes import ANONYMOUS
from app.formats.debug_files.source_lines import cut_source_lines
from app.formats.debug_files.source_maps.packed_map import SourcePosition
from app.formats.jsonish import JsonObject

_LIBRARY: Final = re.compile(
    r"(?:^|[/\\])(?:node_modules|metro-runtime)[/\\]|^~/"
    r"|(?:^|/)webpack/(?:bootstrap|runtime)|^\[(?:turbopack|next)\]/"
)
_OF_MINIFIED_CODE: Final = ("module", "pre_context", "context_line", "post_context")
"""Members that an SDK filled from the minified script."""
_HIGHEST_NUMBER: Final = 2**31 - 1
_MINIFIED_COLUMN: Final = 250
"""Nobody writes lines of this length by hand."""


@dataclass(frozen=True, slots=True)
class OpenScript:
    """A script that was found in a bundle."""

    bundle: PackedBundle
    script: PackedScript
    is_at_its_url: bool
    """True if it was found by its address, so that the address of its map is the real one."""


@dataclass(slots=True)
class ScriptResult:
    """Counts of the frames of one script that are clear or missed."""

    clear: int = 0
    """Frames that have been made clear, or got lines."""
    missed: int = 0
    """Frames of the app that stay as they were sent."""
    first_missed: str | None = None
    """The first position that the map does not know, such as `1:4656`."""
    looks_minified: bool = False

    def add(self, other: "ScriptResult") -> None:
        """Add the counts of another stack."""
        self.clear += other.clear
        self.missed += other.missed
        self.first_missed = self.first_missed or other.first_missed
        self.looks_minified |= other.looks_minified


@dataclass(frozen=True, slots=True)
class MappedFrames:
    """Frames after mapping."""

    frames: list[JsonObject]
    results: dict[str, ScriptResult] = field(default_factory=dict)
    """The counts of each script, by the address in the frames."""


def map_frames(
    frames: Sequence[JsonObject],
    scripts: Mapping[str, OpenScript | None],
    *,
    read_url: Callable[[JsonObject], str | None],
    check_time: Callable[[], None],
) -> MappedFrames:
    """Map frames to the sources of their scripts.

    Args:
        frames: As sent, the oldest call first. They are not changed.
        scripts: The scripts that were found, by the address in the frames; None for those that
            were not. Frames of other addresses are left alone.
        read_url: Returns the address of the script of a frame, or None for one of another platform
            or of the engine.
        check_time: Called before each frame; raises when there is no time left.

    Returns:
        As many frames in the same order; those without a source are the same objects.

    Raises:
        MalformedInput: A packed bundle is damaged.
    """
    mapped = MappedFrames([])
    called_name: str | None = None
    for frame in frames:
        check_time()
        url = read_url(frame)
        line, column = _read_number(frame, "lineno"), _read_number(frame, "colno")
        if url is None or url not in scripts or not line:
            mapped.frames.append(frame)
            called_name = None
            continue
        result = mapped.results.setdefault(url, ScriptResult())
        result.looks_minified |= (column or 0) > _MINIFIED_COLUMN
        found = scripts[url]
        source_map = found.script.source_map if found else None
        position = source_map.find_position(line, column or 1) if source_map else None
        if found is not None and source_map is not None and position is not None:
            own_name = position.function or _find_in_script(found.script, line, column or 1)
            function = own_name or called_name  # or else as sent
            clear = _map_frame(frame, _find_base(url, found), position, function)
            content = source_map.read_content(position.source_number)
            if content is None:
                content = _find_source(found.bundle, clear.get("abs_path"))
            mapped.frames.append(_add_lines(clear, content, position.line, position.column))
            called_name = position.name
            result.clear += 1
            continue
        called_name = None
        own_lines = _add_own_lines(frame, found.script.source, line, column) if found else frame
        mapped.frames.append(own_lines)
        if own_lines is not frame:
            result.clear += 1
        elif frame.get("in_app") is not False:
            result.missed += 1
            result.first_missed = result.first_missed or f"{line}:{column or 0}"
    return mapped


def _map_frame(
    frame: JsonObject, base: str, position: SourcePosition, function: str | None
) -> JsonObject:
    """Return a frame with its position in the source, without source lines."""
    mapped = {name: value for name, value in frame.items() if name not in _OF_MINIFIED_CODE}
    mapped |= {"lineno": position.line, "colno": position.column}
    if function is not None:
        mapped["function"] = function
    if position.source:
        mapped["filename"] = script_urls.shorten_source_name(position.source)
        mapped["abs_path"] = script_urls.resolve_url(base, position.source)
        if position.is_ignored or _LIBRARY.search(mapped["filename"]):
            mapped["in_app"] = False
    return mapped


def _find_in_script(script: PackedScript, line: int, column: int) -> str | None:
    """Return the name of the function in the script itself; None for one without a name."""
    name = script.functions.find_function(line, column - 1) if script.functions else None
    return None if name == ANONYMOUS else name or None


def _find_base(url: str, found: OpenScript) -> str:
    """Return the address against which sources are resolved.

    An upload by debug ids need not know where the script is served; its map lies beside it then.
    """
    map_url = found.script.map_url
    return script_urls.move_to_host(url, map_url) if found.is_at_its_url and map_url else url


def _find_source(bundle: PackedBundle, address: object) -> str | None:
    """Find code that is not in the map as an entry of the bundle."""
    if not isinstance(address, str):
        return None
    for candidate in script_urls.list_url_candidates(address):
        source = bundle.find_source_by_url(candidate)
        if source is not None:
            return source
    return None


def _add_own_lines(
    frame: JsonObject, source: str | None, line: int, column: int | None
) -> JsonObject:
    """Add lines of a script that has no map, because it was never minified."""
    return frame if source is None else _add_lines(frame, source, line, column)


def _add_lines(frame: JsonObject, source: str | None, line: int, column: int | None) -> JsonObject:
    lines = cut_source_lines(source, line, column=column) if source is not None else None
    if lines is None:
        return frame
    return frame | {
        "pre_context": lines.before,
        "context_line": lines.line,
        "post_context": lines.after,
    }


def _read_number(frame: JsonObject, name: str) -> int | None:
    return jsonish.integer(frame, name, lowest=1, highest=_HIGHEST_NUMBER)
