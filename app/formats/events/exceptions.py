"""Reads the exceptions, threads and stack frames of an event, for pages and for its title.

    event.exception.values[]     oldest cause first; the last one is what was thrown or captured
      .type .value .module
      .mechanism                 how it was caught: type, handled
      .stacktrace.frames[]       oldest call first; the last one is where it happened

Nothing here raises: a member of the wrong type counts as absent.

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
"""Most frames of one stack; a longer one loses its middle, where recursion repeats itself."""
_ENGINE_FILES: Final = frozenset({"native", "[native code]"})
_BUNDLE_ENDINGS: Final = (".bundle", ".jsbundle", ".hbc")
_MOST_CONTEXT_LINES: Final = 20
_MOST_VARIABLES: Final = 100
_MOST_THREADS: Final = 200


class RepeatedFrames(list[JsonObject]):
    """Frames as sent that come again and again, with a cache of what was computed from them."""

    __slots__ = ("computed",)

    def __init__(self, frames: Iterable[JsonObject]) -> None:
        super().__init__(frames)
        self.computed: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Frame:
    """One call on a stack."""

    function: str | None
    module: str | None
    filename: str | None
    line: int | None
    column: int | None
    in_app: bool | None
    """True for the app's own code, or None if the SDK does not say."""
    context_line: str | None
    pre_context: tuple[str, ...]
    post_context: tuple[str, ...]
    package: str | None
    """The library or app binary that holds the code, on native platforms."""
    address: str | None
    """The address in memory as `0x…`, for frames without symbols."""
    variables: tuple[tuple[str, str], ...] = ()
    """Local variables with their values as JSON, if the SDK sends them."""


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """One exception of a chain, or the bare stack of an event that has none."""

    type: str | None
    value: str | None
    module: str | None
    mechanism: str | None
    handled: bool | None
    """False if nobody caught it, or None if the SDK does not say."""
    frames: tuple[Frame, ...]
    """The frames, oldest call first, as sent."""
    frames_left_out: int = 0
    """The number of frames that are left out in the middle of `frames`."""
    number: int | None = None
    """The number by which its members name it, if the SDK sends a tree of exceptions."""
    parent: int | None = None
    """The number of the exception that it caused, or of the group that it is a member of."""
    is_group: bool = False
    details: str | None = None
    """Details of the platform: a signal, a Mach exception, or a domain with its code."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread of the app at the moment of an event."""

    name: str
    state: str | None
    crashed: bool
    is_main: bool
    frames: tuple[Frame, ...]
    """The frames, oldest call first, as sent."""


def read_exceptions(event: JsonObject) -> tuple[ExceptionRecord, ...]:
    """Read the exceptions of an event, the thrown one first, then its causes.

    Returns:
        The exceptions, none for a message. If none of them has a stack, the first one gets that of
        the crashed (or only) thread, or of the event itself; without any exception, that stack
        stands in an empty one.
    """
    chain = list_exceptions(event)
    exceptions = [_read_exception(value, list_frames(value)) for value in reversed(chain)]
    if any(exception.frames for exception in exceptions):
        return tuple(exceptions)
    frames = _list_other_frames(event)
    if frames:
        exceptions[:1] = [_read_exception(chain[-1] if chain else {}, frames)]
    return tuple(exceptions)


def read_threads(event: JsonObject) -> tuple[Thread, ...]:
    """Read the threads of an event, the crashed one first, then the main one."""
    threads = [
        Thread(
            name=jsonish.text(value, "name", limit=_NAME_CHARS)
            or f"Thread {jsonish.text(value, 'id', limit=_NAME_CHARS) or '?'}",
            state=jsonish.text(value, "state", limit=_NAME_CHARS),
            crashed=bool(jsonish.flag(value, "crashed")),
            is_main=_is_main(value),
            frames=tuple([_read_frame(frame) for frame in _cut_middle(list_frames(value))[0]]),
        )
        for value in jsonish.values_of(event, "threads")[:_MOST_THREADS]
        if isinstance(value, dict)
    ]
    return tuple(sorted(threads, key=lambda thread: (not thread.crashed, not thread.is_main)))


def _is_main(thread: JsonObject) -> bool:
    """Tell whether a thread is the main one, by its flag, or else by its name."""
    flag = jsonish.flag(thread, "main")
    return thread.get("name") == "main" if flag is None else flag


def list_exceptions(event: JsonObject) -> list[JsonObject]:
    """List the exceptions of an event as sent, oldest cause first, up to the last fifty."""
    values = jsonish.values_of(event, "exception")
    return [value for value in values[-_MOST_EXCEPTIONS:] if isinstance(value, dict)]


def find_main_frame(event: JsonObject, exception: JsonObject) -> Frame | None:
    """Find the frame that an exception is named after.

    Args:
        event: The event, whose threads and own stack stand in if the exception has no stack.
        exception: The exception as sent, or `{}` for an event without any.

    Returns:
        The last frame of the app's own code, or else the last that is not marked as library code.
        React Native marks functions of the engine and helpers of the bundler as the app's, too:
        they count only if nothing else is.
    """
    frames = list_frames(exception) or _list_other_frames(event)
    bundled: JsonObject | None = None
    unmarked: JsonObject | None = None
    for frame in reversed(frames):
        is_own = jsonish.flag(frame, "in_app")
        if is_own and not _is_bundled(frame):
            return _read_frame(frame)
        if is_own and bundled is None:
            bundled = frame
        if is_own is None and unmarked is None:
            unmarked = frame
    main = bundled or unmarked
    return _read_frame(main) if main is not None else None


def _is_bundled(frame: JsonObject) -> bool:
    """Tell whether a frame is of the JavaScript engine, or names a bundle instead of a source."""
    file_name = jsonish.text(frame, "filename") or ""
    return file_name in _ENGINE_FILES or file_name.endswith(_BUNDLE_ENDINGS)


def get_mechanism(exception: JsonObject) -> JsonObject:
    """Return the mechanism that caught an exception as sent; empty if the exception has none."""
    return jsonish.mapping(exception, "mechanism")


def list_frames(holder: JsonObject) -> list[JsonObject]:
    """List the stack frames of an exception, a thread or an event, as sent."""
    frames = jsonish.sequence(jsonish.mapping(holder, "stacktrace"), "frames")
    return frames if isinstance(frames, RepeatedFrames) else drop_non_frames(frames)


def drop_non_frames(members: Iterable[Any]) -> list[JsonObject]:
    """Return the frames among the members of a list, leaving out anything else."""
    return [member for member in members if isinstance(member, dict)]


def list_thread_frames(event: JsonObject) -> list[JsonObject]:
    """List the frames of the thread that crashed, or else of the only thread that has any."""
    values = jsonish.values_of(event, "threads")
    threads = [value for value in values if isinstance(value, dict)]
    crashed = [thread for thread in threads if jsonish.flag(thread, "crashed")]
    stacks = [frames for thread in crashed or threads if (frames := list_frames(thread))]
    return stacks[0] if stacks and (crashed or len(stacks) == 1) else []


def _list_other_frames(event: JsonObject) -> list[JsonObject]:
    """List the frames of an event outside of its exceptions: of a thread, or of the event itself.

    PHP, older JavaScript and raven write the stack of a message into the event itself.
    """
    return list_thread_frames(event) or list_frames(event)


def _read_exception(value: JsonObject, frames: list[JsonObject]) -> ExceptionRecord:
    mechanism = get_mechanism(value)
    frames, left_out = _cut_middle(frames)
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
        details=_write_details(jsonish.mapping(mechanism, "meta")),
    )


def _cut_middle(frames: list[JsonObject]) -> tuple[list[JsonObject], int]:
    """Take the middle out of a stack that is too long; return also how many frames that are."""
    left_out = max(0, len(frames) - _MOST_FRAMES)
    if left_out:
        half = _MOST_FRAMES // 2
        frames = frames[:half] + frames[-half:]
    return frames, left_out


def _write_details(meta: JsonObject) -> str | None:
    """Write the details of a mechanism: `SIGSEGV (SEGV_MAPERR)`, `EXC_BAD_ACCESS`, `Domain 500`."""
    signal = jsonish.mapping(meta, "signal")
    code = jsonish.text(signal, "code_name", limit=_NAME_CHARS)
    name = jsonish.text(signal, "name", limit=_NAME_CHARS)
    error = jsonish.mapping(meta, "ns_error")
    domain = jsonish.text(error, "domain", limit=_NAME_CHARS)
    details = (
        f"{name} ({code})" if name and code else name,
        jsonish.text(jsonish.mapping(meta, "mach_exception"), "name", limit=_NAME_CHARS),
        f"{domain} {jsonish.text(error, 'code', limit=_NAME_CHARS) or ''}".strip()
        if domain
        else None,
    )
    return ", ".join(part for part in details if part) or None


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
                (str(name)[:_NAME_CHARS], _write_variable(value))
                for name, value in [*jsonish.mapping(frame, "vars").items()][:_MOST_VARIABLES]
            ]
        ),
    )


def _write_variable(value: object) -> str:
    """Write a variable: text as it is, because SDKs send what `repr` returned; the rest as JSON."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LINE_CHARS else f"{text[: _LINE_CHARS - 1]}…"


def _read_lines(frame: JsonObject, key: str) -> tuple[str, ...]:
    """Read source lines. Empty ones stay, so that the numbers of the others remain right."""
    lines = jsonish.sequence(frame, key)[:_MOST_CONTEXT_LINES]
    return tuple([jsonish.text_of(line, limit=_LINE_CHARS) or "" for line in lines])
