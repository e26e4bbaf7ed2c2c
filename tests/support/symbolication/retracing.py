"""Retraces frames in tests: a mapping as text, frames as short tuples."""

import io
from collections.abc import Sequence
from typing import Any

from app.formats.debug_files.mapping.index import index_mapping
from app.formats.debug_files.mapping.reader import MappingReader
from app.symbolication.jvm.retrace import JvmRetracer

Place = tuple[str, int | None]
"""A method with its class, and a line: `("a.b.c", 3)`."""


def open_mapping(text: bytes | str) -> MappingReader:
    """Index a mapping, and open the result."""
    target = io.BytesIO()
    index_mapping(io.BytesIO(text.encode() if isinstance(text, str) else text), target)
    return MappingReader(target.getvalue())


def make_retracer(*mappings: bytes | str, app_packages: tuple[str, ...] = ()) -> JvmRetracer:
    """Make a retracer of mappings."""
    return JvmRetracer([open_mapping(text) for text in mappings], app_packages)


def make_frame(place: Place, **members: Any) -> dict[str, Any]:
    """Make a frame as Android sends it."""
    class_name, _, function = place[0].rpartition(".")
    frame = {"module": class_name, "function": function, "filename": "SourceFile", **members}
    return frame if place[1] is None else frame | {"lineno": place[1]}


def retrace(
    mapping: bytes | str, *places: Place, thrown: str | None = "java.lang.RuntimeException"
) -> list[Place]:
    """Retrace a stack, written with the innermost call first, and return it likewise."""
    frames = [make_frame(place) for place in reversed(places)]
    return list_places(make_retracer(mapping).retrace_frames(frames, is_jvm, thrown))


def list_places(frames: Sequence[dict[str, Any]]) -> list[Place]:
    """Write frames as `retrace` returns them: the innermost call first."""
    return [
        (f"{frame['module']}.{frame['function']}", frame.get("lineno"))
        for frame in reversed(frames)
    ]


def is_jvm(_frame: object) -> bool:
    """Say of every frame that it is one of the JVM."""
    return True


def retrace_files(mapping: bytes | str, place: Place, filename: str | None) -> list[Any]:
    """Return the file names that a frame gets, the innermost call first."""
    frame = make_frame(place, filename=filename)
    clear: Sequence[Any] = make_retracer(mapping).retrace_frames([frame], is_jvm, None)
    return [frame["filename"] for frame in reversed(clear)]
