"""Names of the functions around positions of a source, as Metro and Hermes write them.

`x_facebook_sources` has an element for each source. Its first part that has them holds the names of
the functions and `mappings`: lines divided by `;`, in each line segments divided by `,`. A segment
says from which column on, counted from 0 in each line, which name holds from which line on. All
numbers are steps from the segment before.

Source: metro-source-map, `B64Builder` and `generateFunctionMap`.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput
from app.formats.debug_files.source_maps import vlq

GLOBAL_SCOPE: Final = "<global>"
"""What Metro calls the code of a module outside of all functions."""
_MOST_SCOPES: Final = 200_000
_NAME_STEP: Final = 1
_LINE_STEP: Final = 2


@dataclass(frozen=True, slots=True)
class FunctionScopes:
    """The functions of one source: which name holds from which position on."""

    starts: list[tuple[int, int]]
    """Lines from 1 and columns from 0, in ascending order."""
    names: list[str]
    """The name for each start."""

    def find_function(self, line: int, column: int) -> str | None:
        """Return the name of the function at a position.

        Args:
            line: From 1.
            column: From 0.
        """
        number = bisect_right(self.starts, (line, column))
        return self.names[number - 1] if number else None


def read_scopes(text: bytes) -> FunctionScopes | None:
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
    scopes: list[tuple[tuple[int, int], str]] = []
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
            scopes.append(((line, column), str(names[name])))
    scopes.sort(key=_get_start)
    return FunctionScopes([start for start, _ in scopes], [name for _, name in scopes])


def _get_start(scope: tuple[tuple[int, int], str]) -> tuple[int, int]:
    return scope[0]
