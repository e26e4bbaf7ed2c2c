"""Turns a stack into its parts of an issue's key: the names that stay the same from build to build.

Only frames of the app count. If no frame is marked as the app's, the frames that do not belong to
a known platform count; if there are none of these either, all frames count.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.formats.events.exceptions import RepeatedFrames
from app.formats.jsonish import JsonObject
from app.issues.grouping import names
from app.issues.grouping.names import NameFamily

_FAMILIES: Final[dict[str, NameFamily]] = {
    "java": "jvm", "kotlin": "jvm", "scala": "jvm",
    "cocoa": "native", "native": "native", "objc": "native", "c": "native", "rust": "native",
}  # fmt: skip
_WITH_SOURCE: Final = frozenset(
    {"python", "javascript", "node", "php", "ruby", "perl", "elixir", "other", "dart"}
)
"""Platforms whose frames may carry the source line that ran."""
_SOURCE_CHARS: Final = 120
_NAME_CHARS: Final = 300
_FOREIGN: Final = (
    "java.", "javax.", "jdk.", "sun.", "kotlin.", "kotlinx.", "android.", "androidx.",
    "com.android.", "dalvik.", "libcore.", "com.google.android.",
)  # fmt: skip
_DEEP: Final = 150
"""A stack with more frames of the app is an endless recursion, and where it was cut is chance."""
_MOST_FRAMES: Final = 2_000
_MOST_PLATFORMS: Final = 4
"""Platforms for which the parts of one stack are kept; an SDK always writes the same one."""


def describe_stack(
    frames: Sequence[JsonObject], platform: object, images: Sequence[Any] = ()
) -> list[str]:
    """Return one part for each frame that counts, the oldest call first.

    Args:
        frames: The frames as sent.
        platform: The platform of the event; a frame may have its own.
        images: The binaries of `debug_meta`, for frames that do not say where their binary begins.

    Returns:
        `module|function|source line` of each frame, without repetitions of the frame before. Empty
        if no frame has a name or an address.
    """
    if not isinstance(frames, RepeatedFrames) or images or not isinstance(platform, str):
        return _describe_frames(frames, platform, images)
    parts: list[str] | None = frames.computed.get(platform)
    if parts is None:
        parts = _describe_frames(frames, platform, images)
        if len(frames.computed) < _MOST_PLATFORMS:
            frames.computed[platform] = parts
    return parts


def _describe_frames(
    frames: Sequence[JsonObject], platform: object, images: Sequence[Any]
) -> list[str]:
    parts: list[str] = []
    plain_parts: list[str] = []
    for frame in _select_frames(frames[-_MOST_FRAMES:]):
        own = frame.get("platform") or platform
        part, plain = _describe_frame(frame, own if isinstance(own, str) else "", images)
        if part and (not parts or parts[-1] != part or part == names.SHRUNK):
            parts.append(part)
            plain_parts.append(plain)
    if all(part == names.SHRUNK for part in parts):
        parts = plain_parts  # names that hold for one build are better than none
    return sorted(set(parts)) if len(parts) > _DEEP else parts


def _select_frames(frames: Sequence[JsonObject]) -> Sequence[JsonObject]:
    own = [frame for frame in frames if frame.get("in_app") in (True, "true")]
    if own:
        return own
    unmarked = [
        frame
        for frame in frames
        if frame.get("in_app") is None and not _read_text(frame.get("module")).startswith(_FOREIGN)
    ]
    return unmarked or frames


def _describe_frame(frame: JsonObject, platform: str, images: Sequence[Any]) -> tuple[str, str]:
    """Return the part of a frame, and its form that keeps the names that a shrinker made."""
    family = _FAMILIES.get(platform, "script")
    function = names.clean_function_name(_read_text(frame.get("function")), family)
    place = names.clean_module_name(_read_text(frame.get("module")), family)
    if not place:
        place = names.clean_file_name(
            _read_text(frame.get("filename")) or _read_text(frame.get("abs_path"))
        )
    if family == "native":
        return _describe_native_frame(frame, function, images)
    line = frame.get("context_line") if platform in _WITH_SOURCE else None
    source = line.strip() if isinstance(line, str) else ""
    if len(source) > _SOURCE_CHARS or "{snip}" in source:
        source = ""
    if not (function or source or place):
        return "", ""
    plain = f"{place}|{function}|{source}"
    return (names.SHRUNK if names.is_shrunk(place, function, family) else plain), plain


def _describe_native_frame(
    frame: JsonObject, function: str, images: Sequence[Any]
) -> tuple[str, str]:
    """Return the function, or else its offset in its binary, which holds for one build."""
    part = function
    if not part:
        package = names.clean_file_name(_read_text(frame.get("package")))
        offset = _find_offset(frame, images)
        part = f"{package}+{offset:#x}" if offset is not None else package
    return part, part


def _find_offset(frame: JsonObject, images: Sequence[Any]) -> int | None:
    """Return the offset of a frame in its binary."""
    address = _read_address(frame.get("instruction_addr"))
    if address is None:
        return None
    base = _read_address(frame.get("image_addr"))
    if base is None:
        base = next(
            (start for image in images if (start := _find_image_start(image, address)) is not None),
            None,
        )
    return None if base is None or address < base else address - base


def _find_image_start(image: Any, address: int) -> int | None:
    """Return the first address of a binary, or None if an address does not lie in it."""
    if not isinstance(image, dict):
        return None
    start, size = _read_address(image.get("image_addr")), image.get("image_size")
    if start is None or not isinstance(size, int):
        return None
    return start if start <= address < start + size else None


def _read_address(value: Any) -> int | None:
    try:
        return int(value, 16) if isinstance(value, str) else None
    except ValueError:
        return None


def _read_text(value: Any) -> str:
    return value[:_NAME_CHARS] if isinstance(value, str) else ""
