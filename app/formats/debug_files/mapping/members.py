"""The block of one class in a mapping: its names, its source file and the lines of its methods.

    com.acme.shop.net.PayApi -> q.c:
    # {"id":"sourceFile","fileName":"PayApi.kt"}
        java.lang.String base -> a
        1:3:int post(int):31:33 -> b
        4:4:void com.acme.shop.util.Check.positive(int):8:8 -> b
        4:4:int post(int):34 -> b
          # {"id":"com.android.tools.r8.residualsignature","signature":"(I)I"}

Source: https://r8.googlesource.com/r8/+/refs/heads/main/doc/retrace.md and the manual of ProGuard.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.formats.debug_files.mapping import layout

_NOTE_BYTES: Final = 8 * 1024
_NAME_CHARS: Final = 1_000
"""Longer names are cut: a hostile mapping could make an event huge with them."""
_ROWS: Final = 50_000
"""Rows of one method that are read; it has 65,535 instructions at most, and seldom 100 rows."""
_KEPT_ROWS: Final = 10_000
"""Rows that stay parsed for a class; each takes ten times its text. Frames need a few hundred."""
_RANGE: Final = re.compile(r"(\d{1,9}):(?:(\d{1,9}):)?")
_ORIGINAL_LINES: Final = re.compile(r"\s*(?::(\d{1,9})(?::(\d{1,9}))?)?\s*")
_R8: Final = "com.android.tools.r8."


@dataclass(frozen=True, slots=True)
class OutlineCall:
    """Says which line of a method stands for a call of an outline from it.

    Attributes:
        outline: The outline as a descriptor of the app, such as `Lq/z;a(I)I`; may be empty.
        lines: Per line of the outline, as text, the obfuscated line to look up in its place.
    """

    outline: str
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FrameRewrite:
    """Says how many inlined frames to leave out where an exception of certain classes was thrown.

    Attributes:
        conditions: Such as `throws(Ljava/lang/NullPointerException;)`; all must hold.
        actions: Such as `removeInnerFrames(1)`.
    """

    conditions: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(slots=True)
class MethodRow:
    """One line of a mapping: a method that some lines of an obfuscated method came from.

    Attributes:
        class_name: The clear class, or None if it is the class of the block.
        method: The clear name.
        parameters: The clear parameter types, as they are written.
        first_line: The first obfuscated line, or None if the row holds whatever the line is.
        last_line: The last one; the same as the first if only one was written.
        original_first: The line in the source of the first line; None if none was written.
        original_last: Likewise of the last; None if it was not written.
        is_synthesized: True if the compiler made the method; true for each row of it.
        is_outline: True if the method is code that was moved out of several others; likewise.
        outline_calls: Notes that stand below this row.
        rewrites: Notes that stand below this row.
    """

    class_name: str | None
    method: str
    parameters: str
    first_line: int | None
    last_line: int | None
    original_first: int | None
    original_last: int | None
    is_synthesized: bool = False
    is_outline: bool = False
    outline_calls: list[OutlineCall] = field(default_factory=list)
    rewrites: list[FrameRewrite] = field(default_factory=list)

    @property
    def is_for_frames_without_line(self) -> bool:
        """True if the range is `0:0`, which R8 writes for frames whose line the app cannot know."""
        return self.first_line == 0 and self.last_line == 0

    @property
    def has_one_original_line(self) -> bool:
        """True if the row stands for one line in the source, or for none, and not for several."""
        return self.original_last is None or self.original_last == self.original_first

    def holds_line(self, line: int) -> bool:
        """Tell whether the row has a range and the obfuscated line lies in it."""
        if self.first_line is None or self.last_line is None:
            return False
        return self.first_line <= line <= self.last_line

    def has_same_range(self, other: "MethodRow") -> bool:
        """Tell whether two rows that are neighbours belong to one position, by inlining."""
        return (self.first_line, self.last_line) == (other.first_line, other.last_line)

    def without_original_line(self) -> "MethodRow":
        """Return the row as if the mapping did not say the line in the source."""
        return replace(self, original_first=None, original_last=None)

    def find_original_line(self, line: int) -> int | None:
        """Return the line in the source for an obfuscated one in the range, if there is one."""
        first = self.original_first
        if first is None:
            return line or None
        if not self.has_one_original_line:
            first += line - (self.first_line or 0)
        return first or None


class ClassMapping:
    """One class of a mapping; the rows of a method are read when somebody asks for them.

    Attributes:
        clear: Its name in the source.
        obfuscated: Its name in the app.
        source_file: The file name that the mapping notes, such as `PayApi.kt`, or None.
        has_lines: True if any method of the mapping has line numbers. If not, the lines of the app
            are those of the source.
    """

    def __init__(self, text: bytes, *, has_lines: bool) -> None:
        """Read the first lines of a block.

        Args:
            text: The lines of one class, the first of which `layout.split_class_line` can split.
            has_lines: True if any method of the mapping has line numbers.
        """
        self._text = text
        self.has_lines = has_lines
        clear, obfuscated = layout.split_class_line(text.partition(b"\n")[0]) or (b"", b"")
        self.clear = clear.decode("utf-8", "replace")[:_NAME_CHARS]
        self.obfuscated = obfuscated.decode("utf-8", "replace")
        self.source_file = self._read_source_file()
        self._rows: dict[str, list[MethodRow]] = {}
        self._kept_rows = 0

    def read_rows(self, method: str) -> list[MethodRow]:
        """Return the rows of an obfuscated method in the order of the file; empty for none."""
        rows = self._rows.get(method)
        if rows is None:
            rows = self._parse_rows(method)
            self._kept_rows += len(rows)
            if self._kept_rows <= _KEPT_ROWS:
                self._rows[method] = rows
        return rows

    def _read_source_file(self) -> str | None:
        start = self._text.find(b"\n") + 1
        source_file = None
        for line in self._read_note_lines(start) if start else ():
            note = _read_note(line)
            if note.get("id") == "sourceFile" and isinstance(note.get("fileName"), str):
                source_file = note["fileName"][:_NAME_CHARS] or source_file
        return source_file

    def _read_note_lines(self, start: int) -> list[bytes]:
        """Return the lines that begin with `#` from an offset on, up to the first other line."""
        lines = []
        while start < len(self._text):
            end = self._text.find(b"\n", start)
            end = len(self._text) if end < 0 else end
            line = self._text[start:end].strip()
            if line and not line.startswith(b"#"):
                break
            if line:
                lines.append(line)
            start = end + 1
        return lines

    def _parse_rows(self, method: str) -> list[MethodRow]:
        # Only the lines of this method are parsed: a class may have ten thousand others.
        target = b" -> " + method.encode("utf-8", "surrogatepass")
        rows: list[MethodRow] = []
        found = self._text.find(target)
        while found >= 0 and len(rows) < _ROWS:
            start = self._text.rfind(b"\n", 0, found) + 1
            end = self._text.find(b"\n", found)
            end = len(self._text) if end < 0 else end
            is_whole_name = not self._text[found + len(target) : end].strip()
            row = _parse_row(self._text[start:found]) if is_whole_name and start else None
            if row is not None:
                for line in self._read_note_lines(end + 1):
                    _apply_note(row, _read_note(line))
                rows.append(row)
            found = self._text.find(target, found + len(target))
        _spread_method_notes(rows)
        return rows


def _parse_row(line: bytes) -> MethodRow | None:
    """Parse `1:3:int com.acme.Api.post(int):31:33`; None for a field, a note or nonsense."""
    text = line.decode("utf-8", "replace").strip()
    head, opened, tail = text.rpartition("(")
    parameters, closed, numbers = tail.rpartition(")")
    original = _ORIGINAL_LINES.fullmatch(numbers)
    if not opened or not closed or original is None or text.startswith("#"):
        return None
    lines = _RANGE.match(head)
    first_line, last_line = _read_range(lines[1], lines[2] or lines[1]) if lines else (None, None)
    original_first, original_last = _read_range(original[1], original[2])
    if lines is not None:
        head = head[lines.end() :]
    # Kotlin allows blanks in the names of methods, and no type has one.
    _, blank, name = head.strip().partition(" ")
    class_name, _, method = name.strip().rpartition(".")
    if not blank or not method:
        return None
    return MethodRow(
        class_name=class_name[:_NAME_CHARS] or None,
        method=method[:_NAME_CHARS],
        parameters=parameters,
        first_line=first_line,
        last_line=last_line,
        original_first=original_first,
        original_last=original_last,
    )


def _read_range(first: str | None, last: str | None) -> tuple[int | None, int | None]:
    """Read two numbers, of which the smaller is the first whatever the order in the mapping."""
    if first is None or last is None:
        return int(first) if first else None, None
    return min(int(first), int(last)), max(int(first), int(last))


def _read_note(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line `# {…}`; empty for any other comment."""
    text = line.lstrip(b"#").strip()
    if not text.startswith(b"{") or len(text) > _NOTE_BYTES:
        return {}
    try:
        note = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def _apply_note(row: MethodRow, note: dict[str, Any]) -> None:
    """Add to a row what a note below it says; unknown notes say nothing."""
    match str(note.get("id", "")).removeprefix(_R8):
        case "synthesized":
            row.is_synthesized = True
        case "outline":
            row.is_outline = True
        case "outlineCallsite":
            positions = note.get("positions")
            if isinstance(positions, dict):
                lines = {name: line for name, line in positions.items() if type(line) is int}
                outline = note.get("outline")
                row.outline_calls.append(
                    OutlineCall(outline if isinstance(outline, str) else "", lines)
                )
        case "rewriteFrame":
            rewrite = FrameRewrite(_read_texts(note, "conditions"), _read_texts(note, "actions"))
            row.rewrites.append(rewrite)
        case _:
            pass


def _read_texts(note: dict[str, Any], name: str) -> tuple[str, ...]:
    texts = note.get(name)
    if not isinstance(texts, list):
        return ()
    return tuple(text if isinstance(text, str) else "" for text in texts)


def _spread_method_notes(rows: list[MethodRow]) -> None:
    """Mark each row of a method that is marked in one: R8 writes these notes at the first only."""
    synthesized = {_get_method(row) for row in rows if row.is_synthesized}
    outlines = {_get_method(row) for row in rows if row.is_outline}
    for row in rows:
        row.is_synthesized = _get_method(row) in synthesized
        row.is_outline = _get_method(row) in outlines


def _get_method(row: MethodRow) -> tuple[str | None, str, str]:
    return row.class_name, row.method, row.parameters
