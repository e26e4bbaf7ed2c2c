"""Makes events of Java and Kotlin clear: frames, exceptions, locks and screens, source lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, override

from app.debug_files.model import DebugFileKind, DebugFilePart, DebugFileRemark
from app.formats import jsonish
from app.formats.debug_files.debug_ids import normalize_debug_id
from app.formats.debug_files.mapping.reader import MappingReader
from app.formats.debug_files.packed.packed_bundle import PackedBundle
from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft, EventStack
from app.symbolication.family import EventFiles, LocalFile, SymbolFamily
from app.symbolication.jvm import names, own_code, source_lines
from app.symbolication.jvm.retrace import JvmRetracer
from app.symbolication.reader_thread import run_in_reader_thread

_PLATFORMS: Final = frozenset({"java", "kotlin", "scala", "android"})
_MOST_IMAGES: Final = 20
"""Mappings and bundles of one event; an app has one of each."""


@dataclass(frozen=True, slots=True)
class _ImageFile:
    """A debug file that an image names, opened if it is there."""

    debug_id: str
    part: DebugFilePart | None
    file: LocalFile | None


class JvmFamily(SymbolFamily):
    """Makes frames of the JVM clear."""

    @override
    def list_debug_ids(self, draft: EventDraft) -> set[str]:
        if not _has_jvm_code(draft):
            return set()
        return {*_list_image_ids(draft, "proguard"), *_list_image_ids(draft, "jvm")}

    @override
    def list_urls(self, draft: EventDraft) -> tuple[()]:
        return ()

    @override
    async def rewrite(self, draft: EventDraft, files: EventFiles) -> None:
        if not _has_jvm_code(draft):
            return
        mappings = await _open_images(draft, files, "proguard", DebugFileKind.PROGUARD)
        bundles = await _open_images(draft, files, "jvm", DebugFileKind.JVM_SOURCE_BUNDLE)
        if mappings or bundles:
            await run_in_reader_thread(_rewrite, draft, mappings, bundles)


def is_jvm_frame(draft: EventDraft, frame: JsonObject) -> bool:
    """Tell whether a frame is one of the JVM that has a class and a method."""
    return (
        draft.platform_of(frame) in _PLATFORMS
        and bool(jsonish.text(frame, "module"))
        and bool(jsonish.text(frame, "function"))
    )


def _has_jvm_code(draft: EventDraft) -> bool:
    """Tell whether an event has frames or views that a mapping may explain."""
    if draft.platform in _PLATFORMS or draft.view_types:
        return True
    return any(
        frame.get("platform") in _PLATFORMS for stack in draft.stacks for frame in stack.frames
    )


def _list_image_ids(draft: EventDraft, image_type: str) -> list[str]:
    """Return the ids of the images of a type in their order, each once."""
    images = [image for image in draft.images if image.get("type") == image_type]
    found = (
        normalize_debug_id(image.get("uuid")) or normalize_debug_id(image.get("debug_id"))
        for image in images[:_MOST_IMAGES]
    )
    return [*dict.fromkeys(debug_id for debug_id in found if debug_id)]


async def _open_images(
    draft: EventDraft, files: EventFiles, image_type: str, kind: DebugFileKind
) -> list[_ImageFile]:
    """Open the newest file of each image of a type."""
    opened = []
    for debug_id in _list_image_ids(draft, image_type):
        part, file = None, None
        for part in files.find_parts(debug_id, kind):
            file = await files.open_part(part)
            if file is not None:
                break
        opened.append(_ImageFile(debug_id, part if file is not None else None, file))
    return opened


def _rewrite(
    draft: EventDraft, mappings: Sequence[_ImageFile], bundles: Sequence[_ImageFile]
) -> None:
    """Rewrite a draft with the files that are there, and note the others; for a thread."""
    retracer = JvmRetracer(
        [image.file.open_reader(MappingReader) for image in mappings if image.file is not None],
        own_code.read_app_packages(draft.event),
        draft.check_time,
    )
    own_frames = _count_own_frames(draft)
    if mappings and not retracer.mappings:
        if own_frames or _names_own_classes(draft):
            for image in mappings:
                draft.note_missing(DebugFileKind.PROGUARD, image.debug_id, frames=own_frames)
    else:
        # Lines of an app that was shrunk are not those of the source, so a mapping comes first.
        _retrace_event(draft, retracer)
        _note_mappings(draft, mappings, retracer)
        _add_source_lines(draft, bundles)
    if own_frames:
        for image in bundles:
            if image.file is None:
                draft.note_missing(DebugFileKind.JVM_SOURCE_BUNDLE, image.debug_id, frames=0)


def _retrace_event(draft: EventDraft, retracer: JvmRetracer) -> None:
    """Give everything in an event its clear names that the mappings know."""
    _rename_views(draft, retracer)
    with_stack = set()
    for stack in draft.stacks:
        with_stack.add(id(stack.exception))
        if any(is_jvm_frame(draft, frame) for frame in stack.frames):
            _retrace_stack(draft, stack, retracer)
    if draft.platform not in _PLATFORMS:
        return
    for exception in draft.exceptions:
        if id(exception) not in with_stack:
            names.rename_exception(exception, None, retracer)
    if draft.transaction:
        draft.transaction = retracer.rename_class(draft.transaction)
    if draft.contexts:
        draft.contexts = names.rename_contexts(draft.contexts, retracer)


def _rename_views(draft: EventDraft, retracer: JvmRetracer) -> None:
    clear_names = {name: retracer.rename_class(name) for name in draft.view_types}
    draft.clear_view_types |= {
        name: clear_name for name, clear_name in clear_names.items() if clear_name != name
    }


def _retrace_stack(draft: EventDraft, stack: EventStack, retracer: JvmRetracer) -> None:
    """Retrace a stack that has a frame of the JVM, and rename the exception or locks beside it."""
    sent, exception = stack.frames, stack.exception
    thrown = names.read_exception_class(exception) if exception is not None else None
    frames = retracer.retrace_frames(sent, lambda frame: is_jvm_frame(draft, frame), thrown)
    stack.frames = [names.rename_lock(frame, retracer) for frame in frames]
    if exception is not None:
        innermost = sent[-1] if is_jvm_frame(draft, sent[-1]) else None
        names.rename_exception(exception, innermost, retracer)
    if stack.thread is not None:
        names.rename_held_locks(stack.thread, retracer)


def _note_mappings(
    draft: EventDraft, mappings: Sequence[_ImageFile], retracer: JvmRetracer
) -> None:
    """Note which mappings were used, and what they lack."""
    kind = DebugFileKind.PROGUARD
    unknown_frames, known_frames = retracer.unknown_frames, retracer.known_frames
    parts = [image.part for image in mappings if image.part is not None]
    for number in sorted(retracer.used):
        part = parts[number]
        draft.note_use(part.file_id, kind, part.debug_id)
        if part.remark is DebugFileRemark.NO_LINES and known_frames:
            draft.note_missing(kind, part.debug_id, reason="no_lines", frames=known_frames)
    if not unknown_frames:
        return
    absent = [image.debug_id for image in mappings if image.part is None]
    if absent:  # one of several, which may be the one that knows
        draft.note_missing(kind, absent[0], frames=unknown_frames)
    elif parts and unknown_frames >= known_frames:
        # A mapping of another build; single classes may come from code that was loaded later.
        draft.note_missing(
            kind,
            parts[0].debug_id,
            reason="not_in_map",
            detail=next(iter(retracer.unknown_classes)),
            frames=unknown_frames,
        )


def _add_source_lines(draft: EventDraft, images: Sequence[_ImageFile]) -> None:
    bundles = [image.file.open_reader(PackedBundle) for image in images if image.file is not None]
    if not bundles:
        return
    has_lines = False
    for stack in draft.stacks:
        frames = []
        for frame in stack.frames:
            draft.check_time()
            if is_jvm_frame(draft, frame) and frame.get("in_app") is not False:
                with_lines = source_lines.add_source_lines(frame, bundles)
                has_lines = has_lines or with_lines is not frame
                frames.append(with_lines)
            else:
                frames.append(frame)
        stack.frames = frames
    for image in images:
        if image.part is not None and has_lines:
            draft.note_use(image.part.file_id, DebugFileKind.JVM_SOURCE_BUNDLE, image.debug_id)


def _names_own_classes(draft: EventDraft) -> bool:
    """Tell whether an event with foreign frames only has other classes that a mapping explains."""
    thrown = [names.read_exception_class(exception) for exception in draft.exceptions]
    named = [name for name in thrown if name and draft.platform in _PLATFORMS]
    return not all(own_code.is_foreign(name) for name in (*named, *draft.view_types))


def _count_own_frames(draft: EventDraft) -> int:
    """Count the frames that a mapping or a bundle may explain, and not only Java and Android."""
    return sum(
        is_jvm_frame(draft, frame) and not own_code.is_foreign(str(frame["module"]))
        for stack in draft.stacks
        for frame in stack.frames
    )
