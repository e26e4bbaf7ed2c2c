"""Stack traces of an event: the app's own frames open, runs of others folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.formats.events import exceptions
from app.formats.events.exceptions import ExceptionRecord, Frame, Thread
from app.formats.jsonish import JsonObject

_OPEN_FRAMES: Final = 5
"""Shown of a stack in which no frame is the app's own."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of source around a frame."""

    number: int | None
    text: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class FrameBlock:
    """One call."""

    function: str
    module: str | None
    place: str | None
    """`cart.py:41`, or the binary it is in."""
    in_app: bool
    lines: tuple[SourceLine, ...]
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Frames that follow one another and are shown, or folded, together."""

    is_open: bool
    frames: tuple[FrameBlock, ...]


@dataclass(frozen=True, slots=True)
class StackBlock:
    """One exception of a chain, or the bare stack of an event without any."""

    type: str | None
    value: str | None
    module: str | None
    relation: str | None
    """How it belongs to the one above: `Caused by`, `Member of …`; None for the first."""
    mechanism: str | None
    handled: bool | None
    details: str | None
    runs: tuple[Run, ...]
    """The innermost call first, where it was thrown."""
    left_out: int


@dataclass(frozen=True, slots=True)
class ThreadBlock:
    """One thread of the app."""

    name: str
    state: str | None
    crashed: bool
    is_main: bool
    runs: tuple[Run, ...]
    frames: int


def stacks(event: JsonObject) -> tuple[StackBlock, ...]:
    """Describe the exceptions of an event, the thrown one first."""
    found = exceptions.read_exceptions(event)
    by_number: dict[int | None, ExceptionRecord] = {
        one.number: one for one in found if one.number is not None
    }
    return tuple(
        StackBlock(
            type=one.type,
            value=one.value,
            module=one.module,
            relation=_relation(by_number.get(one.parent)) if place else None,
            mechanism=one.mechanism,
            handled=one.handled,
            details=one.details,
            runs=_runs(one.frames),
            left_out=one.frames_left_out,
        )
        for place, one in enumerate(found)
    )


def threads(event: JsonObject) -> tuple[ThreadBlock, ...]:
    """Describe the threads of an event, the crashed one first."""
    return tuple(_thread(one) for one in exceptions.read_threads(event))


def _thread(one: Thread) -> ThreadBlock:
    runs = _runs(one.frames)
    return ThreadBlock(one.name, one.state, one.crashed, one.is_main, runs, len(one.frames))


def _relation(parent: ExceptionRecord | None) -> str:
    if parent is not None and parent.is_group:
        return f"Member of {parent.type or 'the group'}"
    return "Caused by"


def _runs(frames: Sequence[Frame]) -> tuple[Run, ...]:
    blocks = [_frame(frame) for frame in reversed(frames)]
    if not any(block.in_app for block in blocks):
        parts = blocks[:_OPEN_FRAMES], blocks[_OPEN_FRAMES:]
        return tuple(
            Run(is_open=not place, frames=tuple(part)) for place, part in enumerate(parts) if part
        )
    return tuple(
        Run(is_own, tuple(run)) for is_own, run in groupby(blocks, key=lambda block: block.in_app)
    )


def _frame(frame: Frame) -> FrameBlock:
    where = frame.filename or frame.package
    line = f":{frame.line}" if where and frame.line else ""
    return FrameBlock(
        function=frame.function or frame.address or "unknown",
        module=frame.module,
        place=f"{where}{line}" if where else None,
        in_app=bool(frame.in_app),
        lines=_lines(frame),
        variables=frame.variables,
    )


def _lines(frame: Frame) -> tuple[SourceLine, ...]:
    if frame.context_line is None:
        return ()
    texts = [*frame.pre_context, frame.context_line, *frame.post_context]
    here = len(frame.pre_context)
    return tuple(
        SourceLine(
            frame.line + place - here if frame.line is not None else None, text, place == here
        )
        for place, text in enumerate(texts)
    )
