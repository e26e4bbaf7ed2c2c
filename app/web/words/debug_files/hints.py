"""Says which debug files an event lacks, what that does to its frames, and how to upload them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.symbolication.model import DebugFileKindName, MissingDebugFile
from app.web.words import phrases
from app.web.words.debug_files.upload_steps import (
    UploadStep,
    last_path_part,
    write_later_steps,
    write_upload_steps,
)

MOST_HINTS: Final = 5
"""The most files that an event names; further ones are counted."""
_SUBJECTS: Final[dict[DebugFileKindName, str]] = {
    "proguard": "Mapping",
    "elf": "Debug symbols of",
    "macho": "Debug symbols of",
    "breakpad": "Debug symbols of",
    "pdb": "Debug symbols of",
    "artifact_bundle": "Source map of",
    "source_bundle": "Source code of",
    "jvm_source_bundle": "Source code of the app",
    "dart_symbol_map": "Map of Dart names",
}
_PLURALS: Final = frozenset({"elf", "macho", "breakpad", "pdb"})
_NAMELESS: Final = frozenset({"proguard", "jvm_source_bundle", "dart_symbol_map"})
"""Kinds that an event names by their id alone."""
_MAPS_OF_NAMES: Final = frozenset({"proguard", "dart_symbol_map"})
_OBFUSCATED: Final = "is obfuscated", "are obfuscated"
_WITHOUT_NAME: Final = "has no name", "have no names"
_WITHOUT_LINE: Final = "shows no line", "show no lines"
_WITHOUT_SOURCE: Final = "shows no source code", "show no source code"
_MINIFIED: Final = "is minified", "are minified"
_CONSEQUENCES: Final[dict[DebugFileKindName, tuple[str, str]]] = {
    "proguard": _OBFUSCATED,
    "elf": _WITHOUT_NAME,
    "macho": _WITHOUT_NAME,
    "breakpad": _WITHOUT_NAME,
    "pdb": _WITHOUT_NAME,
    "artifact_bundle": _MINIFIED,
    "source_bundle": _WITHOUT_SOURCE,
    "jvm_source_bundle": _WITHOUT_SOURCE,
    "dart_symbol_map": _OBFUSCATED,
}


@dataclass(frozen=True, slots=True)
class HintPart:
    """A piece of a sentence; `is_code` marks an id or a name."""

    text: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class DebugFileHint:
    """Why frames are not readable, and how to change that."""

    sentence: tuple[HintPart, ...]
    steps: tuple[UploadStep, ...]
    """The command that uploads the file of this event."""
    later: tuple[UploadStep, ...]
    """The step after which every later build has the file and uploads it."""


@dataclass(frozen=True, slots=True)
class DebugFileHints:
    """The hints above the stack of an event."""

    hints: tuple[DebugFileHint, ...]
    more: int
    """The number of further missing files."""


def build_debug_file_hints(missing: Sequence[MissingDebugFile]) -> DebugFileHints:
    """Build the hints for the files that an event lacks, those that most frames need first."""
    ordered = sorted(missing, key=lambda file: -file.frames)
    return DebugFileHints(
        tuple(build_debug_file_hint(file) for file in ordered[:MOST_HINTS]),
        max(0, len(ordered) - MOST_HINTS),
    )


def build_debug_file_hint(file: MissingDebugFile, *, is_of_one_event: bool = True) -> DebugFileHint:
    """Say why a file does not help, and how to upload one that does.

    Args:
        file: The file.
        is_of_one_event: True if it says what that does to the frames of an event; many events may
            miss the file.
    """
    consequence = _describe_consequence(file) if is_of_one_event else ""
    sentence = (*name_missing_file(file), *_describe_problem(file, consequence))
    return DebugFileHint(sentence, write_upload_steps(file), write_later_steps(file))


def name_missing_file(file: MissingDebugFile) -> tuple[HintPart, ...]:
    """Name a file with all that tells it from others: `Debug symbols of libshop.so (…, arm64)`."""
    subject = _SUBJECTS[file.kind]
    if file.kind in _NAMELESS:
        return HintPart(f"{subject} "), HintPart(file.debug_id or "without an id", is_code=True)
    # A JavaScript file is known by its whole address, a binary by its last part.
    is_script = file.kind == "artifact_bundle"
    name = file.name if is_script else last_path_part(file.name)
    known = [HintPart(f"{subject} "), HintPart(name or "a file without a name", is_code=bool(name))]
    facts: list[HintPart] = []
    if file.debug_id:
        facts += [HintPart("debug id ")] if is_script else []
        facts.append(HintPart(file.debug_id, is_code=True))
    elif is_script:
        facts += _name_release(file)
    if file.arch:
        facts.append(HintPart(f", {file.arch}"))
    return (*known, HintPart(" ("), *facts, HintPart(")")) if facts else tuple(known)


def _name_release(file: MissingDebugFile) -> list[HintPart]:
    if not file.release:
        return [HintPart("the event names neither a debug id nor a release")]
    parts = [HintPart("release "), HintPart(file.release, is_code=True)]
    if file.dist:
        parts += [HintPart(", dist "), HintPart(file.dist, is_code=True)]
    return parts


def _describe_problem(file: MissingDebugFile, consequence: str) -> tuple[HintPart, ...]:
    is_plural = file.kind in _PLURALS
    was, has = ("were", "have") if is_plural else ("was", "has")
    match file.reason:
        case "not_uploaded":
            return (HintPart(f" {was} not uploaded{consequence}."),)
        case "stripped":
            text = f" {was} uploaded stripped (no debug info){consequence}."
            return (HintPart(f"{text} Upload the unstripped file: it has the same id."),)
        case "no_lines":
            return (HintPart(f" {has} no line numbers{consequence}."),)
        case "not_in_map":
            return (
                HintPart(f" {was} uploaded, but "),
                *_name_position(file),
                HintPart(f" not in the map{consequence}. It is the map of another build."),
            )


def _name_position(file: MissingDebugFile) -> tuple[HintPart, ...]:
    if not file.detail:
        return (HintPart("the positions of this event are"),)
    noun = "position" if file.kind == "artifact_bundle" else "class"
    return HintPart(f"{noun} "), HintPart(file.detail, is_code=True), HintPart(" is")


def _describe_consequence(file: MissingDebugFile) -> str:
    """Say what is wrong with frames: `, so 14 frames are obfuscated`."""
    if not file.frames:
        return ", so names of classes are obfuscated" if file.kind in _MAPS_OF_NAMES else ""
    forms = _WITHOUT_LINE if file.reason == "no_lines" else _CONSEQUENCES[file.kind]
    return f", so {phrases.count(file.frames, 'frame')} {phrases.inflect(file.frames, *forms)}"
