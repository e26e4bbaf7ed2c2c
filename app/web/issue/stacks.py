"""Builds the stack traces of an event; the app's own frames are open, runs of others are folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.formats.events import exceptions
from app.formats.events.exceptions import ExceptionRecord, Frame, Thread
from app.formats.jsonish import JsonObject

_OPEN_FRAMES: Final = 5
"""Frames that are open in a stack without frames of the app."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of source code around a frame."""

    number: int | None
    text: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class FrameBlock:
    """A frame of a stack."""

    function: str
    module: str | None
    place: str | None
    """File and line, as in `cart.py:41`, or the binary."""
    in_app: bool
    lines: tuple[SourceLine, ...]
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Consecutive frames that are open, or folded, together."""

    is_open: bool
    frames: tuple[FrameBlock, ...]


@dataclass(frozen=True, slots=True)
class StackBlock:
    """An exception of a chain, or the stack of an event without an exception."""

    type: str | None
    value: str | None
    module: str | None
    relation: str | None
    """How it is related to the exception above: `Caused by`, `Member of …`; None for the first."""
    mechanism: str | None
    handled: bool | None
    details: str | None
    runs: tuple[FrameRun, ...]
    """The innermost call first, in which the exception was thrown."""
    left_out: int
    """How many frames in the middle are left out."""


@dataclass(frozen=True, slots=True)
class ThreadBlock:
    """A thread of the app."""

    name: str
    state: str | None
    crashed: bool
    is_main: bool
    runs: tuple[FrameRun, ...]
    frames: int


def build_stacks(event: JsonObject) -> tuple[StackBlock, ...]:
    """Describe the exceptions of an event, the thrown one first."""
    chain = exceptions.read_exceptions(event)
    by_number: dict[int | None, ExceptionRecord] = {
        exception.number: exception for exception in chain if exception.number is not None
    }
    return tuple(
        StackBlock(
            type=exception.type,
            value=exception.value,
            module=exception.module,
            relation=_describe_relation(by_number.get(exception.parent)) if index else None,
            mechanism=exception.mechanism,
            handled=exception.handled,
            details=exception.details,
            runs=_build_runs(exception.frames),
            left_out=exception.frames_left_out,
        )
        for index, exception in enumerate(chain)
    )


def build_threads(event: JsonObject) -> tuple[ThreadBlock, ...]:
    """Describe the threads of an event, the crashed one first."""
    return tuple(_build_thread(thread) for thread in exceptions.read_threads(event))


def _build_thread(thread: Thread) -> ThreadBlock:
    return ThreadBlock(
        name=thread.name,
        state=thread.state,
        crashed=thread.crashed,
        is_main=thread.is_main,
        runs=_build_runs(thread.frames),
        frames=len(thread.frames),
    )


def _describe_relation(parent: ExceptionRecord | None) -> str:
    if parent is not None and parent.is_group:
        return f"Member of {parent.type or 'the group'}"
    return "Caused by"


def _build_runs(frames: Sequence[Frame]) -> tuple[FrameRun, ...]:
    blocks = [_build_frame(frame) for frame in reversed(frames)]
    if not any(block.in_app for block in blocks):
        runs = (True, blocks[:_OPEN_FRAMES]), (False, blocks[_OPEN_FRAMES:])
        return tuple(FrameRun(is_open, tuple(run)) for is_open, run in runs if run)
    return tuple(
        FrameRun(is_own, tuple(run))
        for is_own, run in groupby(blocks, key=lambda block: block.in_app)
    )


def _build_frame(frame: Frame) -> FrameBlock:
    where = frame.filename or frame.package
    line = f":{frame.line}" if where and frame.line else ""
    return FrameBlock(
        function=frame.function or frame.address or "unknown",
        module=frame.module,
        place=f"{where}{line}" if where else None,
        in_app=bool(frame.in_app),
        lines=_build_lines(frame),
        variables=frame.variables,
    )


def _build_lines(frame: Frame) -> tuple[SourceLine, ...]:
    if frame.context_line is None:
        return ()
    texts = [*frame.pre_context, frame.context_line, *frame.post_context]
    first = -len(frame.pre_context)
    return tuple(
        SourceLine(
            number=None if frame.line is None else frame.line + distance,
            text=text,
            is_current=distance == 0,
        )
        for distance, text in enumerate(texts, first)
    )
