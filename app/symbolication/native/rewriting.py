"""Puts clear frames into the stacks of an event, and notes which debug files helped or lack.

It is for the thread of the readers: it reads source code.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import MalformedInput
from app.formats import jsonish
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.formats.debug_files.source_lines import cut_source_lines
from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft, EventStack
from app.symbolication.native import dart_code, own_code
from app.symbolication.native.addresses import FrameAddress
from app.symbolication.native.frames import has_meaning, write_clear_frames
from app.symbolication.native.symbols import ImageSymbols

_PATH_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class NativeStack:
    """A stack, and the addresses of its native frames by their numbers."""

    stack: EventStack
    places: Mapping[int, FrameAddress]


def rewrite_stacks(
    draft: EventDraft, stacks: Sequence[NativeStack], symbols: Mapping[str, ImageSymbols]
) -> None:
    """Replace the native frames of an event by clear ones.

    Args:
        draft: The event.
        stacks: Its stacks.
        symbols: The symbols of each image, by debug id; every image of a frame is there.

    Raises:
        OutOfTime: It takes too long.
    """
    rewriter = _Rewriter(draft, symbols)
    for native in stacks:
        if native.places:
            native.stack.frames = list(rewriter.rewrite_frames(native))
    rewriter.note_files()


class _Rewriter:
    def __init__(self, draft: EventDraft, symbols: Mapping[str, ImageSymbols]) -> None:
        self._draft = draft
        self._symbols = symbols
        self._app_packages = dart_code.find_app_packages(
            [
                dart_code.cut_path(location.path)
                for found in symbols.values()
                for locations in found.locations.values()
                for location in locations
            ],
            _read_app_identifier(draft.event),
        )
        self._source_texts: dict[tuple[str, str], str | None] = {}
        self._unknown: dict[str, int] = {}
        """The number of frames of the app that stay unreadable, by debug id."""
        self._without_line: dict[str, int] = {}
        """The number of frames of the app whose line is not known, by debug id."""

    def rewrite_frames(self, native: NativeStack) -> Iterator[JsonObject]:
        """Yield the frames of a stack, clear where they can be."""
        for number, frame in enumerate(native.stack.frames):
            self._draft.check_time()
            place = native.places.get(number)
            if place is None:
                yield _mark_suspension(frame)
                continue
            found = self._symbols[place.image.debug_id]
            locations = found.locations.get(place, ())
            if has_meaning(locations):
                for clear in write_clear_frames(frame, place, locations):
                    yield self._finish_frame(clear, found)
            else:
                yield self._mark_frame(frame, place)

    def note_files(self) -> None:
        """Note the debug files that were used, and those that are missing or lack something."""
        for debug_id, found in self._symbols.items():
            image = found.image
            if found.part is not None and found.locations:
                self._draft.note_use(found.part.file_id, found.part.kind, debug_id)
            if (frames := self._without_line.get(debug_id)) is not None:
                self._draft.note_missing(
                    image.kind, debug_id, reason="no_lines",
                    name=image.name, arch=image.arch, frames=frames,
                )  # fmt: skip
            frames, reason = self._unknown.get(debug_id), found.reason
            if frames and reason is not None:
                self._draft.note_missing(
                    image.kind, debug_id, reason=reason,
                    name=image.name, arch=image.arch, frames=frames,
                )  # fmt: skip

    def _mark_frame(self, frame: JsonObject, place: FrameAddress) -> JsonObject:
        """Return a frame that stays as it was sent, with a note of whose it is."""
        is_own = frame.get("in_app")
        if not isinstance(is_own, bool):
            is_own = own_code.is_own_library(_read_package(frame) or place.image.path)
        if is_own is not False:
            debug_id = place.image.debug_id
            self._unknown[debug_id] = self._unknown.get(debug_id, 0) + 1
        return frame if is_own is None else {**frame, "in_app": is_own}

    def _finish_frame(self, frame: JsonObject, found: ImageSymbols) -> JsonObject:
        """Return a clear frame with a note of whose it is, and with its source lines."""
        path = str(frame.get("abs_path") or "")
        is_own = frame.get("in_app")
        if not isinstance(is_own, bool):
            if dart_code.is_dart_path(path):
                is_own = dart_code.is_own_library(path, self._app_packages)
            else:
                is_own = own_code.is_own_library(_read_package(frame) or found.image.path)
            if is_own is not None:
                frame = {**frame, "in_app": is_own}
        line = frame.get("lineno")
        if is_own is False:
            return frame
        if not isinstance(line, int):
            if found.has_no_lines:
                debug_id = found.image.debug_id
                self._without_line[debug_id] = self._without_line.get(debug_id, 0) + 1
            return frame
        return self._add_source_lines(frame, found, path, line)

    def _add_source_lines(
        self, frame: JsonObject, found: ImageSymbols, path: str, line: int
    ) -> JsonObject:
        text = self._read_source(found, path)
        lines = cut_source_lines(text, line) if text is not None else None
        if lines is None:
            return frame
        return {
            **frame,
            "pre_context": lines.before,
            "context_line": lines.line,
            "post_context": lines.after,
        }

    def _read_source(self, found: ImageSymbols, path: str) -> str | None:
        key = (found.image.debug_id, path)
        if key not in self._source_texts:
            self._source_texts[key] = None
            for source in found.sources:
                try:
                    text = source.file.open_reader(PackedBundle).find_source_by_path(path)
                except MalformedInput:
                    continue
                if text is not None:
                    self._source_texts[key] = text
                    self._draft.note_use(source.part.file_id, source.part.kind, key[0])
                    break
        return self._source_texts[key]


def _mark_suspension(frame: JsonObject) -> JsonObject:
    """Return a frame that is not native; one that stands for an `await` is nobody's code."""
    if frame.get("abs_path") == dart_code.SUSPENSION and not isinstance(frame.get("in_app"), bool):
        return {**frame, "in_app": False}
    return frame


def _read_package(frame: JsonObject) -> str | None:
    return jsonish.text(frame, "package", limit=_PATH_CHARS)


def _read_app_identifier(event: JsonObject) -> str | None:
    """Return the identifier of the app, from the contexts of an event or from its release."""
    app = jsonish.mapping(jsonish.mapping(event, "contexts"), "app")
    release = jsonish.text(event, "release", limit=_PATH_CHARS) or ""
    return jsonish.text(app, "app_identifier", limit=_PATH_CHARS) or release.partition("@")[0]
