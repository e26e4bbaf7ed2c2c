"""Select the rows of a mapping that a line of an obfuscated method stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from app.formats.debug_files.mapping.members import MethodRow, OutlineCall


@dataclass(frozen=True, slots=True)
class OriginalPosition:
    """The methods in the source for one position in the app: a method, and those inlined into it.

    Attributes:
        rows: The innermost inlined method first, the method itself last; at least one.
        line: The obfuscated line that the rows hold, or None if they were chosen without one.
    """

    rows: tuple[MethodRow, ...]
    line: int | None

    def find_original_line(self, row: MethodRow) -> int | None:
        """Return the line in the source for one of the rows, or None if it is unknown."""
        if self.line is not None:
            return row.find_original_line(self.line)
        return row.original_first or None if row.has_one_original_line else None


def find_position(rows: Sequence[MethodRow], line: int | None) -> OriginalPosition | None:
    """Select the rows of a method that hold a line.

    Args:
        rows: All rows of an obfuscated method in the order of the mapping.
        line: The obfuscated line. None for a frame without a line, which rows for line 0 alone are
            written for.

    Returns:
        The first rows that hold it, or None. Neighbours with the same range are one position.
    """
    for index, row in enumerate(rows):
        if not (row.holds_line(line) if line is not None else row.is_for_frames_without_line):
            continue
        end = index + 1
        while end < len(rows) and rows[end].has_same_range(row):
            end += 1
        return OriginalPosition(tuple(rows[index:end]), line)
    return None


def choose_position(
    rows: Sequence[MethodRow], *, keep_synthesized: bool, source_line: int | None = None
) -> OriginalPosition | None:
    """Choose the row that best names a method when its line is unknown or in no range.

    It is the method itself and not one inlined into it: that of a row without a range, if there is
    one, or else the outermost of the first position. Overloads that got one name cannot be told
    apart; the first is taken.

    Args:
        rows: All rows of an obfuscated method in the order of the mapping.
        keep_synthesized: True if a method that the compiler made may be chosen.
        source_line: The line of the frame, if it is known to be one of the source.

    Returns:
        One row, without a line unless no other line is possible. None if all were made by the
        compiler, and there is none to choose from.
    """
    candidates = [row for row in rows if keep_synthesized or not row.is_synthesized]
    if not candidates:
        return None
    row = next((row for row in candidates if row.first_line is None), None)
    if row is None:
        _, first_rows = next(groupby(candidates, key=lambda row: (row.first_line, row.last_line)))
        row = list(first_rows)[-1]
    if len(rows) == 1 and row.first_line is None and row.original_first is not None:
        return OriginalPosition((row,), None)
    return OriginalPosition((row.without_original_line(),), source_line)


def find_outline_call(rows: Sequence[MethodRow], line: int | None, outline: str) -> int | None:
    """Return the obfuscated line that stands for a line of an outline, in the method that calls it.

    Args:
        rows: All rows of the calling method.
        line: The line of the calling frame as sent.
        outline: The class and the method of the outline in the app, such as `q.z.a`, and after a
            colon the line within it.

    Returns:
        None if no note below the rows at that line says it.
    """
    position = find_position(rows, line)
    if position is None:
        return None
    name, _, outline_line = outline.rpartition(":")
    calls = [call for row in position.rows for call in row.outline_calls]
    # One position may call several outlines; a mapping of an old R8 may not say which one.
    calls.sort(key=lambda call: not _names_outline(call, name))
    return next((call.lines[outline_line] for call in calls if outline_line in call.lines), None)


def _names_outline(call: OutlineCall, name: str) -> bool:
    """Tell whether a note is about an outline: `Lq/z;a(I)I` is about `q.z.a`."""
    class_name, _, method = call.outline.partition(";")
    return f"{class_name[1:].replace('/', '.')}.{method.partition('(')[0]}" == name
