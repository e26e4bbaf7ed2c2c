"""Events of JavaScript with one script, and the packed bundle that has its map."""

import io
import json
from typing import Any, Final

from app.debug_files.model import DebugFileKind
from app.formats.debug_files.packed.bundle_packing import pack_bundle
from app.symbolication.model import SymbolicatedEvent
from tests.support.builders.source_maps import MAP_ID, bundle, describe_entry, source_map
from tests.support.symbolication.found_files import MemoryFiles

URL: Final = "https://shop.example/assets/app.js"
APP: Final = "files/_/_/assets/app.js"
MAP: Final = "files/_/_/assets/app.js.map"


def pack(data: bytes) -> bytes:
    """Pack a bundle as an upload does."""
    target = io.BytesIO()
    pack_bundle(io.BytesIO(data), target)
    return target.getvalue()


def pack_script(entries: dict[str, str] | None = None, **changes: Any) -> bytes:
    """Pack a bundle with one script and its map."""
    contents: dict[str, str] = {APP: "x", MAP: json.dumps(source_map(**changes))}
    return pack(
        bundle(
            contents | (entries or {}),
            {APP: describe_entry(APP, **{"debug-id": MAP_ID, "sourcemap": "app.js.map"})},
        )
    )


def with_script(data: bytes, *, debug_id: str = MAP_ID) -> MemoryFiles:
    """Return the files of an event that has one script."""
    files = MemoryFiles()
    files.add(debug_id, DebugFileKind.ARTIFACT_BUNDLE, data)
    return files


def make_frame(line: int | None = 1, column: int | None = 11, **members: Any) -> dict[str, Any]:
    """Make a frame of the script."""
    frame = {"filename": URL, "function": "t", "lineno": line, "colno": column, "in_app": True}
    return frame | members


def make_event(*frames: dict[str, Any], debug_id: str | None = MAP_ID) -> dict[str, Any]:
    """Make an event whose script has a debug id, or none."""
    event: dict[str, Any] = {
        "platform": "javascript",
        "release": "shop@1",
        "dist": "7",
        "exception": {"values": [{"type": "Error", "stacktrace": {"frames": list(frames)}}]},
    }
    if debug_id is not None:
        image = {"type": "sourcemap", "code_file": URL, "debug_id": debug_id.upper()}
        event["debug_meta"] = {"images": [image]}
    return event


def list_frames(symbolicated: SymbolicatedEvent, event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the clear frames of the first exception."""
    clear = symbolicated.apply_to(event)
    frames: list[dict[str, Any]] = clear["exception"]["values"][0]["stacktrace"]["frames"]
    return frames
