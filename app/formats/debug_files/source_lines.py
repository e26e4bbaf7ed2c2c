"""Cuts the lines around a position out of source code, for the frame of a stack."""

from dataclasses import dataclass
from typing import Final

LINES_AROUND: Final = 5
LINE_CHARS: Final = 150
"""Longer lines are cut around the column, so that a minified script does not fill an event."""
_CUT_MARK: Final = "…"


@dataclass(frozen=True, slots=True)
class SourceLines:
    """A line of source code and those around it."""

    before: list[str]
    line: str
    after: list[str]


def cut_source_lines(text: str, line: int, *, column: int | None = None) -> SourceLines | None:
    """Cut out a line with `LINES_AROUND` lines before it and after it.

    Args:
        text: Source code with any kind of line ends.
        line: From 1.
        column: From 1; a long line is cut around it. None for the beginning of the line.

    Returns:
        None if the code has no such line.
    """
    lines = text.split("\n", line + LINES_AROUND)[: line + LINES_AROUND] if line > 0 else []
    if not 0 < line <= len(lines):
        return None
    number = line - 1
    return SourceLines(
        before=[_cut_line(other) for other in lines[max(0, number - LINES_AROUND) : number]],
        line=_cut_line(lines[number], column=column),
        after=[_cut_line(other) for other in lines[number + 1 :]],
    )


def _cut_line(line: str, *, column: int | None = None) -> str:
    line = line.removesuffix("\r")
    if len(line) <= LINE_CHARS:
        return line
    wanted_start = (column or 1) - 1 - LINE_CHARS // 2
    start = max(0, min(wanted_start, len(line) - LINE_CHARS))
    end = start + LINE_CHARS
    first = _CUT_MARK if start else line[start]
    last = _CUT_MARK if end < len(line) else line[end - 1]
    return f"{first}{line[start + 1 : end - 1]}{last}"
