"""Reads the exceptions and stack frames of an event, for pages and for its title.

    event.exception.values[]     oldest cause first; the last one is what was thrown or captured
      .type .value .module
      .mechanism                 how it was caught: type, handled
      .stacktrace.frames[]       oldest call first; the last one is where it happened

Nothing here raises: what has the wrong type counts as absent.

Source: docs/protocol.md, sections 9.1 to 9.3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.formats import jsonish
from app.formats.jsonish import JsonObject

_NAME_CHARS: Final = 500
_VALUE_CHARS: Final = 8_000
_LINE_CHARS: Final = 500
_MOST_EXCEPTIONS: Final = 50
_MOST_FRAMES: Final = 500
"""Of one stack; of a longer one the middle is left out, as it is where recursion repeats itself."""
_MOST_CONTEXT_LINES: Final = 20
_MOST_VARIABLES: Final = 100
_MOST_THREADS: Final = 200


class RepeatedFrames(list[JsonObject]):
    """Frames as sent that come again and again: what was found about them is kept beside them."""

    __slots__ = ("found",)

    def __init__(self, frames: Iterable[JsonObject]) -> None:
        super().__init__(frames)
        self.found: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Frame:
    """One call on a stack."""

    function: str | None
    module: str | None
    filename: str | None
    line: int | None
    column: int | None
    in_app: bool | None
    """Whether it is the app's own code; None where the SDK does not say."""
    context_line: str | None
    pre_context: tuple[str, ...]
    post_context: tuple[str, ...]
    package: str | None
    """The library or app binary it is in, on native platforms."""
    address: str | None
    """Where in memory, as `0x…`, where there are no symbols."""
    variables: tuple[tuple[str, str], ...] = ()
    """Local variables with their values as JSON, where the SDK sends them."""


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """One exception of a chain, or the bare stack of an event that has none."""

    type: str | None
    value: str | None
    module: str | None
    mechanism: str | None
    handled: bool | None
    """False: nobody caught it; None: the SDK does not say."""
    frames: tuple[Frame, ...]
    """Oldest call first, as sent."""
    frames_left_out: int = 0
    """Taken from the middle of `frames`."""
    number: int | None = None
    """What its members name it by, where the SDK sends a tree of exceptions."""
    parent: int | None = None
    """The exception that it caused, or the group it is a member of."""
    is_group: bool = False
    details: str | None = None
    """What a platform adds: a signal, a Mach exception, a domain with its code."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of the app at the moment of an event."""

    name: str
    state: str | None
    crashed: bool
    is_main: bool
    frames: tuple[Frame, ...]
    """Oldest call first, as sent."""


def read_exceptions(event: JsonObject) -> tuple[ExceptionRecord, ...]:
    """Read the exceptions of an event, the thrown one first, then its causes.

    Returns:
        Empty for a message. If no exception has a stack, that of the crashed (or only) thread, or
        of the event itself, stands with the first one, which is made for it if there is none.
    """
    chain = list_exceptions(event)
    shown = [_read_exception(value, list_frames(value)) for value in reversed(chain)]
    if any(one.frames for one in shown):
        return tuple(shown)
    frames = _frames_beside(event)
    if frames:
        shown[:1] = [_read_exception(chain[-1] if chain else {}, frames)]
    return tuple(shown)


def read_threads(event: JsonObject) -> tuple[Thread, ...]:
    """Read the threads of an event, the crashed one first, then the main one."""
    found = [
        Thread(
            name=jsonish.text(one, "name", limit=_NAME_CHARS)
            or f"Thread {jsonish.text(one, 'id', limit=_NAME_CHARS) or '?'}",
            state=jsonish.text(one, "state", limit=_NAME_CHARS),
            crashed=bool(jsonish.flag(one, "crashed")),
            is_main=_is_main(one),
            frames=tuple([_read_frame(frame) for frame in _bounded(list_frames(one))[0]]),
        )
        for one in jsonish.values_of(event, "threads")[:_MOST_THREADS]
        if isinstance(one, dict)
    ]
    return tuple(sorted(found, key=lambda one: (not one.crashed, not one.is_main)))


def _is_main(thread: JsonObject) -> bool:
    """Tell the main thread: by its mark, or where there is none by its name."""
    marked = jsonish.flag(thread, "main")
    return thread.get("name") == "main" if marked is None else marked


def list_exceptions(event: JsonObject) -> list[JsonObject]:
    """List the exceptions of an event as sent, oldest cause first; of many the last ones."""
    values = jsonish.values_of(event, "exception")
    return [value for value in values[-_MOST_EXCEPTIONS:] if isinstance(value, dict)]


def find_main_frame(event: JsonObject, value: JsonObject) -> Frame | None:
    """Find the frame that an exception is named after.

    Args:
        event: Its threads and its own stack stand in where the exception has none.
        value: The exception as sent, `{}` for an event that has none.

    Returns:
        The last frame of the app's own code; else the last that is not said to be foreign.
    """
    frames = list_frames(value) or _frames_beside(event)
    foreign: Any = None
    for frame in reversed(frames):
        is_own = jsonish.flag(frame, "in_app")
        if is_own:
            return _read_frame(frame)
        if is_own is None and foreign is None:
            foreign = frame
    return _read_frame(foreign) if foreign is not None else None


def get_mechanism(value: JsonObject) -> JsonObject:
    """Return how an exception as sent was caught; empty if it does not say."""
    return jsonish.mapping(value, "mechanism")


def list_frames(holder: JsonObject) -> list[JsonObject]:
    """List the stack frames of an exception, a thread or an event, as sent."""
    frames = jsonish.sequence(jsonish.mapping(holder, "stacktrace"), "frames")
    return frames if isinstance(frames, RepeatedFrames) else drop_non_frames(frames)


def drop_non_frames(frames: Iterable[Any]) -> list[JsonObject]:
    """Leave out what is no frame."""
    return [frame for frame in frames if isinstance(frame, dict)]


def list_thread_frames(event: JsonObject) -> list[JsonObject]:
    """List the frames of the thread that crashed, or else of the only one that has any."""
    read_threads = [one for one in jsonish.values_of(event, "threads") if isinstance(one, dict)]
    crashed = [thread for thread in read_threads if jsonish.flag(thread, "crashed")]
    stacks = [frames for thread in crashed or read_threads if (frames := list_frames(thread))]
    return stacks[0] if stacks and (crashed or len(stacks) == 1) else []


def _frames_beside(event: JsonObject) -> list[JsonObject]:
    """List the frames that stand in for those of an exception, or explain a message.

    PHP, older JavaScript and raven write the stack of a message into the event itself.
    """
    return list_thread_frames(event) or list_frames(event)


def _read_exception(value: JsonObject, frames: list[JsonObject]) -> ExceptionRecord:
    mechanism = get_mechanism(value)
    frames, left_out = _bounded(frames)
    return ExceptionRecord(
        type=jsonish.text(value, "type", limit=_NAME_CHARS),
        value=jsonish.text(value, "value", limit=_VALUE_CHARS),
        module=jsonish.text(value, "module", limit=_NAME_CHARS),
        mechanism=jsonish.text(mechanism, "type", limit=_NAME_CHARS),
        handled=jsonish.flag(mechanism, "handled"),
        frames=tuple([_read_frame(frame) for frame in frames]),
        frames_left_out=left_out,
        number=jsonish.integer(mechanism, "exception_id"),
        parent=jsonish.integer(mechanism, "parent_id"),
        is_group=bool(jsonish.flag(mechanism, "is_exception_group")),
        details=_details(jsonish.mapping(mechanism, "meta")),
    )


def _bounded(frames: list[JsonObject]) -> tuple[list[JsonObject], int]:
    """Take the middle out of a stack that is too long, and say how much that is."""
    left_out = max(0, len(frames) - _MOST_FRAMES)
    if left_out:
        half = _MOST_FRAMES // 2
        frames = frames[:half] + frames[-half:]
    return frames, left_out


def _details(meta: JsonObject) -> str | None:
    """Write the facts of a mechanism: `SIGSEGV (SEGV_MAPERR)`, `EXC_BAD_ACCESS`, `Domain 500`."""
    signal = jsonish.mapping(meta, "signal")
    code = jsonish.text(signal, "code_name", limit=_NAME_CHARS)
    name = jsonish.text(signal, "name", limit=_NAME_CHARS)
    error = jsonish.mapping(meta, "ns_error")
    domain = jsonish.text(error, "domain", limit=_NAME_CHARS)
    found = (
        f"{name} ({code})" if name and code else name,
        jsonish.text(jsonish.mapping(meta, "mach_exception"), "name", limit=_NAME_CHARS),
        f"{domain} {jsonish.text(error, 'code', limit=_NAME_CHARS) or ''}".strip()
        if domain
        else None,
    )
    return ", ".join(part for part in found if part) or None


def _read_frame(frame: JsonObject) -> Frame:
    return Frame(
        function=jsonish.text(frame, "function", limit=_NAME_CHARS),
        module=jsonish.text(frame, "module", limit=_NAME_CHARS),
        filename=jsonish.text(frame, "filename", limit=_NAME_CHARS)
        or jsonish.text(frame, "abs_path", limit=_NAME_CHARS),
        line=jsonish.integer(frame, "lineno", lowest=0),
        column=jsonish.integer(frame, "colno", lowest=0),
        in_app=jsonish.flag(frame, "in_app"),
        context_line=jsonish.text(frame, "context_line", limit=_LINE_CHARS),
        pre_context=_read_lines(frame, "pre_context"),
        post_context=_read_lines(frame, "post_context"),
        package=jsonish.text(frame, "package", limit=_NAME_CHARS),
        address=jsonish.text(frame, "instruction_addr", limit=_NAME_CHARS),
        variables=tuple(
            [
                (str(name)[:_NAME_CHARS], _written(value))
                for name, value in [*jsonish.mapping(frame, "vars").items()][:_MOST_VARIABLES]
            ]
        ),
    )


def _written(value: object) -> str:
    """Write a variable: text as it is, since SDKs send what `repr` gave; the rest as JSON."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LINE_CHARS else f"{text[: _LINE_CHARS - 1]}…"


def _read_lines(frame: JsonObject, key: str) -> tuple[str, ...]:
    """Read source lines; an empty one stays, or the numbers of the others would be wrong."""
    lines = jsonish.sequence(frame, key)[:_MOST_CONTEXT_LINES]
    return tuple([jsonish.text_of(line, limit=_LINE_CHARS) or "" for line in lines])
