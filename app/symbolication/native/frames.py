"""Writes the clear frames that an address stands for."""

from collections.abc import Sequence
from typing import Final

from app.formats.debug_files.signatures import shorten_signature
from app.formats.jsonish import JsonObject
from app.symbolication.native import dart_code
from app.symbolication.native.addresses import FrameAddress
from app.symbolicator.wire import SourceLocation

_REPLACED: Final = frozenset({
    "function", "raw_function", "filename", "abs_path", "lineno", "colno", "symbol_addr",
    "pre_context", "context_line", "post_context",
})  # fmt: skip
"""Members that a debug file knows better than an SDK."""
_UNKNOWN_NAMES: Final = frozenset({"", "?", "<unknown>"})


def has_meaning(locations: Sequence[SourceLocation]) -> bool:
    """Tell whether locations say anything: a name or a line."""
    return any(location.symbol not in _UNKNOWN_NAMES or location.line for location in locations)


def write_clear_frames(
    frame: JsonObject, place: FrameAddress, locations: Sequence[SourceLocation]
) -> list[JsonObject]:
    """Write the frames of one address: the function, then those inlined into it.

    Args:
        frame: The frame as sent; its other members stay in all frames.
        place: The address that it holds.
        locations: The locations of the address, innermost function first.

    Returns:
        The frames, the outermost first, as frames stand in events.
    """
    kept = {name: value for name, value in frame.items() if name not in _REPLACED}
    if not kept.get("package") and place.image.path:
        kept["package"] = place.image.path
    frames = [{**kept, **_describe_location(frame, location)} for location in reversed(locations)]
    # The inlined functions have no address of their own.
    frames[0]["symbol_addr"] = hex(place.base + locations[-1].symbol_address)
    return frames


def _describe_location(frame: JsonObject, location: SourceLocation) -> JsonObject:
    described: JsonObject = {}
    if location.symbol in _UNKNOWN_NAMES:
        for name in ("function", "raw_function"):
            if frame.get(name):
                described[name] = frame[name]
    else:
        described["function"] = shorten_signature(location.signature, location.symbol)
        described["raw_function"] = location.signature
    path = dart_code.cut_path(location.path)
    if path:
        described["abs_path"] = path
        described["filename"] = path.replace("\\", "/").rpartition("/")[2] or path
    if location.line:
        described["lineno"] = location.line
    return described
