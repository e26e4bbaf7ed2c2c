"""Retrace the frames of a stack: clear names and lines, inlined calls, outlines, rewritten frames.

    frames as sent, oldest call first ─► innermost first: class ─ rows of the method ─ position
      ─ without outlines, synthesized and rewritten frames ─► frames, oldest call first

Source: https://r8.googlesource.com/r8/+/refs/heads/main/doc/retrace.md
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.formats.debug_files.mapping.members import ClassMapping, FrameRewrite, MethodRow
from app.formats.debug_files.mapping.reader import MappingReader
from app.formats.jsonish import JsonObject
from app.symbolication.jvm import file_names, own_code, positions
from app.symbolication.jvm.positions import OriginalPosition

_REMOVE_INNER: Final = re.compile(r"removeInnerFrames\((\d{1,4})\)")
_MOST_UNKNOWN: Final = 20
_MOST_INLINED: Final = 100
"""Inlined calls of one frame; R8 goes twenty deep at most."""
_MOST_ADDED: Final = 5_000
"""Inlined calls of one event; of those beyond, the frame keeps the method itself."""


@dataclass(slots=True)
class JvmRetracer:
    """Retraces the stacks of one event, and counts what became of their frames.

    Attributes:
        mappings: The mappings of the event; the first that knows a class explains it.
        app_packages: The packages of the app, as `own_code.read_app_packages` reads them.
        check_time: Is called for every frame; raises if the event takes too long.
        used: The numbers of the mappings that knew a class.
        known_frames: Frames as sent whose class a mapping knows.
        unknown_classes: Classes of frames that look obfuscated and are in no mapping; some of them.
        unknown_frames: The number of such frames.
    """

    mappings: Sequence[MappingReader]
    app_packages: tuple[str, ...] = ()
    check_time: Callable[[], None] = lambda: None
    used: set[int] = field(default_factory=set)
    known_frames: int = 0
    unknown_frames: int = 0
    unknown_classes: dict[str, None] = field(default_factory=dict)
    _added_frames: int = 0

    def find_class(self, obfuscated: str) -> ClassMapping | None:
        """Return what a mapping says about a class of the app, or None."""
        for number, mapping in enumerate(self.mappings):
            known = mapping.find_class(obfuscated)
            if known is not None:
                self.used.add(number)
                return known
        return None

    def rename_class(self, obfuscated: str) -> str:
        """Return the clear name of a class, or the name itself if no mapping knows it."""
        known = self.find_class(obfuscated)
        return known.clear if known is not None else obfuscated

    def retrace_frames(
        self, frames: Sequence[JsonObject], is_jvm: Callable[[JsonObject], bool], thrown: str | None
    ) -> list[JsonObject]:
        """Retrace one stack.

        Args:
            frames: The frames as sent, the oldest call first; they are not changed.
            is_jvm: Tells whether a frame belongs to the JVM; others stay as they are.
            thrown: The class of the exception as sent, `a.b`. None for the stack of a thread.

        Returns:
            The frames, the oldest call first; each inlined call has one of its own. A stack of
            nothing but frames that the compiler made keeps these.
        """
        clear: list[JsonObject] = []
        walk = _StackWalk(thrown=frozenset(self._name_thrown(thrown)))
        for frame in reversed(frames):
            self.check_time()
            if is_jvm(frame):
                clear.extend(self._retrace_frame(frame, walk))
            else:
                clear.append(frame)
                walk.pass_frame()
        return clear[::-1] if clear else [self._rename_method(frame) for frame in frames]

    def find_method(self, class_name: str, method: str, line: int | None) -> str | None:
        """Return the clear `package.Class.method` of an obfuscated one, or None if unknown."""
        known = self.find_class(class_name)
        if known is None:
            return None
        rows = known.read_rows(method)
        position = positions.find_position(rows, line) or positions.choose_position(
            rows, keep_synthesized=True
        )
        if position is None:
            return f"{known.clear}.{method}"
        row = position.rows[-1]
        return f"{row.class_name or known.clear}.{row.method}"

    def mark_own_code(self, frame: JsonObject, class_name: str) -> JsonObject:
        """Return a frame that says whether it belongs to the app, unless it does so already."""
        if isinstance(frame.get("in_app"), bool):
            return frame
        is_own = own_code.is_own_code(class_name, self.app_packages)
        return frame if is_own is None else {**frame, "in_app": is_own}

    def _name_thrown(self, thrown: str | None) -> Iterable[str]:
        """Return the descriptors under which a note may name the class of the exception."""
        for name in {thrown, self.rename_class(thrown)} if thrown else ():
            yield f"L{name.replace('.', '/')};"

    def _retrace_frame(self, frame: JsonObject, walk: "_StackWalk") -> list[JsonObject]:
        """Return what a frame becomes, the innermost call first."""
        class_name, method = str(frame["module"]), str(frame["function"])
        known = self.find_class(class_name)
        if known is None:
            walk.pass_frame()
            self._count_unknown(frame, class_name)
            return [self.mark_own_code(frame, class_name)]
        self.known_frames += 1
        sent_line = read_line(frame)
        rows = known.read_rows(method)
        line = walk.find_outline_line(rows, sent_line)
        position = positions.find_position(rows, line)
        if position is None:
            position = positions.choose_position(
                rows,
                keep_synthesized=sent_line is None,
                source_line=None if known.has_lines else sent_line,
            )
            if position is None and rows:  # a bridge that the compiler made
                walk.pass_frame()
                return []
        if position is None:
            walk.pass_frame()
            return [self._write_class(frame, known)]
        if any(row.is_outline for row in position.rows):
            walk.enter_outline(f"{class_name}.{method}", line)
        kept = walk.rewrite(position, is_line_known=sent_line is not None)
        kept = kept[-_MOST_INLINED if self._added_frames < _MOST_ADDED else -1 :]
        self._added_frames += max(0, len(kept) - 1)
        return [self._write_frame(frame, known, row, position) for row in kept]

    def _rename_method(self, frame: JsonObject) -> JsonObject:
        """Return a frame with the clear class and method, and without a line, whoever made it."""
        known = self.find_class(str(frame["module"]))
        if known is None:
            return frame
        position = positions.choose_position(
            known.read_rows(str(frame["function"])), keep_synthesized=True
        )
        if position is None:
            return self._write_class(frame, known)
        return self._write_frame(frame, known, position.rows[0], position)

    def _write_class(self, frame: JsonObject, known: ClassMapping) -> JsonObject:
        """Return a frame of which the mapping knows the class alone."""
        name = self._find_own_file(known, frame)
        changed = {**frame, "module": known.clear, "filename": name}
        if "abs_path" in frame:
            changed["abs_path"] = name
        return self.mark_own_code(changed, known.clear)

    def _write_frame(
        self, frame: JsonObject, known: ClassMapping, row: MethodRow, position: OriginalPosition
    ) -> JsonObject:
        """Return the clear frame for one row of its position."""
        class_name = row.class_name or known.clear
        own_file = self._find_own_file(known, frame)
        if class_name == known.clear:
            file_name = own_file
        else:
            file_name = file_names.find_file_name(class_name, self._read_file, like=own_file)
            if own_code.is_foreign(class_name):
                # What the SDK said of the frame was said of its own class.
                frame = {name: value for name, value in frame.items() if name != "in_app"}
        changed = {**frame, "module": class_name, "function": row.method, "filename": file_name}
        if "abs_path" in frame:
            changed["abs_path"] = file_name
        line = position.find_original_line(row)
        if line is not None:
            changed["lineno"] = line
        else:
            changed.pop("lineno", None)
        return self.mark_own_code(changed, class_name)

    def _find_own_file(self, known: ClassMapping, frame: JsonObject) -> str:
        """Return the file of the class that a frame itself is in."""
        noted = known.source_file
        if noted is not None and file_names.is_file_name(noted):
            return noted
        sent = frame.get("filename")
        if isinstance(sent, str) and file_names.is_file_name(sent):
            return sent
        return file_names.find_file_name(known.clear, self._read_file)

    def _read_file(self, clear_class: str) -> str | None:
        """Return the file that a mapping notes for a clear class."""
        for mapping in self.mappings:
            known = mapping.find_clear_class(clear_class)
            if known is not None and known.source_file:
                return known.source_file
        return None

    def _count_unknown(self, frame: JsonObject, class_name: str) -> None:
        if own_code.is_foreign(class_name) or file_names.is_file_name(frame.get("filename")):
            return
        self.unknown_frames += 1
        if len(self.unknown_classes) < _MOST_UNKNOWN:
            self.unknown_classes[class_name] = None


@dataclass(slots=True)
class _StackWalk:
    """The state that inner frames leave for the next one, on the way from the innermost out."""

    thrown: frozenset[str]
    """Descriptors of the exception's class; empty for a thread."""
    may_rewrite: bool = True
    """True if no frame but outlines came before: only the innermost frame is rewritten."""
    outline: str | None = None
    """The outline that the next frame called, and the line in it: `q.z.a:4`."""

    def pass_frame(self) -> None:
        """Note a frame that the mapping does not explain."""
        self.may_rewrite = False
        self.outline = None

    def find_outline_line(self, rows: Sequence[MethodRow], line: int | None) -> int | None:
        """Return the line to look up: another than was sent, if the frame called an outline."""
        outline, self.outline = self.outline, None
        if outline is None:
            return line
        called = positions.find_outline_call(rows, line, outline)
        return line if called is None else called

    def enter_outline(self, name: str, line: int | None) -> None:
        """Note that the frame is one of an outline, which the next frame calls."""
        self.outline = f"{name}:{line or 0}"

    def rewrite(self, position: OriginalPosition, *, is_line_known: bool) -> list[MethodRow]:
        """Return the rows that become frames, the innermost first; perhaps none."""
        rows = [row for row in position.rows if not row.is_outline]
        if not rows:
            return []  # an outline alone, so the next frame is still the innermost
        if self.may_rewrite and self.thrown:
            for rewrite in [rewrite for row in position.rows for rewrite in row.rewrites]:
                rows = rows[self._count_removed(rewrite) :]
        self.may_rewrite = False
        return [row for row in rows if not (row.is_synthesized and is_line_known)]

    def _count_removed(self, rewrite: FrameRewrite) -> int:
        """Return how many of the inner frames a note takes off for the exception."""
        conditions = {f"throws({descriptor})" for descriptor in self.thrown}
        if not rewrite.conditions or not conditions.issuperset(rewrite.conditions):
            return 0
        removed = (_REMOVE_INNER.fullmatch(action) for action in rewrite.actions)
        return sum(int(match[1]) for match in removed if match is not None)


def read_line(frame: JsonObject) -> int | None:
    """Return the line of a frame as sent; None if it has none, or not a number."""
    line = frame.get("lineno")
    if isinstance(line, bool) or not isinstance(line, int) or line < 0:
        return None
    return line
