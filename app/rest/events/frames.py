"""Writes stacks in Sentry's shape: camel case, and source lines with their numbers.

Source: `Frame.get_api_context` and `Stacktrace.get_api_context` in Sentry's interfaces.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.formats import jsonish
from app.formats.events import exceptions
from app.formats.jsonish import JsonObject

_TEXT_CHARS: Final = 4_000
_TEXTS: Final = {
    "filename": "filename",
    "absPath": "abs_path",
    "module": "module",
    "package": "package",
    "platform": "platform",
    "instructionAddr": "instruction_addr",
    "symbolAddr": "symbol_addr",
    "addrMode": "addr_mode",
    "function": "function",
    "rawFunction": "raw_function",
    "symbol": "symbol",
    "trust": "trust",
}
"""Members that are texts: what they are called in answers, and in events."""


def describe_stack(holder: JsonObject) -> dict[str, Any] | None:
    """Describe the stack of an exception, a thread or an event, the oldest call first.

    Returns:
        The stack, or None if there are no frames.
    """
    stack = jsonish.mapping(holder, "stacktrace")
    frames = [describe_frame(frame) for frame in exceptions.list_frames(holder)]
    if not frames:
        return None
    return {
        "frames": frames,
        "framesOmitted": stack.get("frames_omitted"),
        "registers": jsonish.mapping(stack, "registers") or None,
        "hasSystemFrames": any(frame["inApp"] for frame in frames)
        and not all(frame["inApp"] for frame in frames),
    }


def describe_frame(frame: JsonObject) -> dict[str, Any]:
    """Describe one call."""
    described: dict[str, Any] = {
        name: jsonish.text(frame, sent_name, limit=_TEXT_CHARS)
        for name, sent_name in _TEXTS.items()
    }
    line = jsonish.integer(frame, "lineno", lowest=0)
    return {
        **described,
        # As Sentry has it: scripts are sent with their address as the name of the file alone.
        "absPath": described["absPath"] or described["filename"],
        "lineNo": line,
        "colNo": jsonish.integer(frame, "colno", lowest=0),
        "inApp": bool(jsonish.flag(frame, "in_app")),
        "context": _number_lines(frame, line),
        "vars": jsonish.mapping(frame, "vars") or None,
        "lock": jsonish.mapping(frame, "lock") or None,
        "errors": None,
    }


def has_system_frames(stacks: Sequence[dict[str, Any] | None]) -> bool:
    """Tell whether some of the frames of an event are of the app and some are not."""
    owners = {frame["inApp"] for stack in stacks if stack for frame in stack["frames"]}
    return owners == {True, False}


def _number_lines(frame: JsonObject, line: int | None) -> list[list[object]]:
    """Write the source lines around a call, each with its number; empty if there are none."""
    current = jsonish.text(frame, "context_line", limit=_TEXT_CHARS)
    if current is None or line is None:
        return []
    before = [_write_line(value) for value in jsonish.sequence(frame, "pre_context")]
    after = [_write_line(value) for value in jsonish.sequence(frame, "post_context")]
    first = line - len(before)
    return [
        [number, text]
        for number, text in enumerate([*before, current, *after], first)
        if number > 0
    ]


def _write_line(value: object) -> str:
    return jsonish.text_of(value, limit=_TEXT_CHARS) or ""
