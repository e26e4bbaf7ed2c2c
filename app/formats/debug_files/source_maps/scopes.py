"""Names of the functions around positions of a source, as Metro and Hermes write them.

`x_facebook_sources` has an element for each source. Its first part that has them holds the names of
the functions and `mappings`: lines divided by `;`, in each line segments divided by `,`. A segment
says from which column on, counted from 0 in each line, which name holds from which line on. All
numbers are steps from the segment before.

Source: metro-source-map, `B64Builder` and `generateFunctionMap`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput
from app.formats.debug_files.source_maps import vlq

GLOBAL_SCOPE: Final = "<global>"
"""Metro's name for the code of a module outside of all functions."""
_PackedScopes = tuple[list[str], list[int], list[int], list[int]]
_MOST_SCOPES: Final = 200_000
_NAME_STEP: Final = 1
_LINE_STEP: Final = 2


@dataclass(frozen=True, slots=True)
class FunctionScopes:
    """The functions of one source: which name holds from which position on."""

    names: list[str]
    lines: list[int]
    """The lines of the positions, from 1, in ascending order."""
    columns: list[int]
    """Their columns, from 0."""
    numbers: list[int]
    """The number of the name that holds from each position on."""

    def split(self, size: int) -> Iterator["FunctionScopes"]:
        """Yield parts of at most `size` positions, each with the names that it needs."""
        for start in range(0, len(self.lines), size):
            end = start + size
            needed: dict[int, int] = {}
            numbers = [needed.setdefault(each, len(needed)) for each in self.numbers[start:end]]
            names = [self.names[number] for number in needed]
            yield FunctionScopes(names, self.lines[start:end], self.columns[start:end], numbers)

    def pack(self) -> bytes:
        """Write them as JSON, which is read in a tenth of the time of their form in maps."""
        return msgspec.json.encode((self.names, self.lines, self.columns, self.numbers))

    def find_function(self, line: int, column: int) -> str | None:
        """Return the name of the function at a position.

        Args:
            line: From 1.
            column: From 0.
        """
        start = bisect_left(self.lines, line)
        end = bisect_right(self.lines, line, start)
        at = bisect_right(self.columns, column, start, end)
        return self.names[self.numbers[at - 1]] if at else None


def unpack_scopes(text: bytes) -> FunctionScopes:
    """Read what `FunctionScopes.pack` wrote.

    Raises:
        MalformedInput: It is something else.
    """
    try:
        return FunctionScopes(*msgspec.json.decode(text, type=_PackedScopes))
    except ValueError as error:
        raise MalformedInput(f"block has no functions: {error}") from None


def read_scopes(text: bytes | memoryview) -> FunctionScopes | None:
    """Read one element of `x_facebook_sources`.

    Args:
        text: The JSON text of the element, as it stands in the map.

    Returns:
        None if it has no functions, or if they do not follow the format: a stack is then shown with
        the names that it came with.
    """
    try:
        raw = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    for part in raw if isinstance(raw, list) else []:
        if isinstance(part, dict) and isinstance(part.get("mappings"), str):
            names = part.get("names")
            try:
                return _read_function_map(
                    part["mappings"], names if isinstance(names, list) else []
                )
            except MalformedInput:
                return None
    return None


def _read_function_map(mappings: str, names: list[Any]) -> FunctionScopes:
    scopes: list[tuple[int, int, int]] = []
    name = 0
    line = 1
    for line_text in mappings.encode("ascii", "replace").split(b";"):
        column = 0
        for segment_text in line_text.split(b","):
            if not segment_text:
                continue
            steps = vlq.decode_numbers(segment_text)
            column += steps[0]
            name += steps[_NAME_STEP] if len(steps) > _NAME_STEP else 0
            line += steps[_LINE_STEP] if len(steps) > _LINE_STEP else 0
            if not 0 <= name < len(names) or len(scopes) >= _MOST_SCOPES:
                raise MalformedInput("the functions of the source map do not follow the format")
            scopes.append((line, column, name))
    scopes.sort(key=itemgetter(0, 1))
    return FunctionScopes(
        [str(name) for name in names],
        [line for line, _, _ in scopes],
        [column for _, column, _ in scopes],
        [name for _, _, name in scopes],
    )
