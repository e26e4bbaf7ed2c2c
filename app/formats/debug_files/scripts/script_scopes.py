"""Makes of a minified script the names of the functions around its positions.

script ─► tokens ─► functions with the places of their names ─► source map: the clear names
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput
from app.formats.debug_files.scripts.functions import FunctionStart, NamePart, find_functions
from app.formats.debug_files.scripts.tokens import split_script
from app.formats.debug_files.source_maps.scopes import FunctionScopes

SCRIPT_BYTES: Final = 8 * 1024 * 1024
"""A longer script is not looked through, which would take longer than ten seconds."""
ANONYMOUS: Final = "<anonymous>"
_NAME_CHARS: Final = 200
_CONSTRUCTOR: Final = "constructor"

Place = tuple[int, int]
"""Line and column from 0, as source maps count: in UTF-16."""


@dataclass(frozen=True, slots=True)
class ScriptFunctions:
    """The functions of a script."""

    starts: list[FunctionStart]
    line_starts: list[int]
    """The offset of each line."""

    def list_places(self) -> set[Place]:
        """List where the names of the functions stand in the script."""
        return {self.find_place(part.start) for start in self.starts for part in start.name or ()}

    def find_place(self, offset: int) -> Place:
        """Return line and column of an offset."""
        line = bisect_right(self.line_starts, offset) - 1
        return line, offset - self.line_starts[line]

    def name_scopes(self, clear_names: Mapping[Place, str]) -> FunctionScopes:
        """Name the functions.

        Args:
            clear_names: The clear form of names by their places; others are as they stand there.

        Returns:
            Lines from 1, and columns from 0. The name is empty outside of all functions, and
            `<anonymous>` for a function without one.
        """
        names: dict[str, int] = {}
        scopes = FunctionScopes([], [], [], [])
        for start in self.starts:
            name = "" if start.name is None else self._write_name(start.name, clear_names)
            line, column = self.find_place(start.start)
            scopes.lines.append(line + 1)
            scopes.columns.append(column)
            scopes.numbers.append(names.setdefault(name, len(names)))
        scopes.names.extend(names)
        return scopes

    def _write_name(self, name: tuple[NamePart, ...], clear_names: Mapping[Place, str]) -> str:
        parts = [clear_names.get(self.find_place(part.start), part.text) for part in name]
        if len(parts) > 1 and parts[-1] == _CONSTRUCTOR:
            return f"new {'.'.join(parts[:-1])}"[:_NAME_CHARS]
        return ".".join(parts)[:_NAME_CHARS] or ANONYMOUS


def find_script_functions(script: bytes | bytearray) -> ScriptFunctions | None:
    """Find the functions of a script.

    A script of 2.4 MB takes two seconds, so call it once, at the upload.

    Returns:
        None for a script that is too long, or that is not understood.
    """
    if not script or len(script) > SCRIPT_BYTES:
        return None
    text = _count_as_utf16(script.decode("utf-8", "replace"))
    try:
        starts = find_functions(split_script(text))
    except MalformedInput:
        return None
    line_starts = [0]
    at = text.find("\n")
    while at >= 0:
        line_starts.append(at + 1)
        at = text.find("\n", at + 1)
    return ScriptFunctions(starts, line_starts)


def _count_as_utf16(text: str) -> str:
    """Replace characters that are two units in UTF-16 by two others, so that columns agree."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    return "".join([char if char <= "\uffff" else "__" for char in text])
