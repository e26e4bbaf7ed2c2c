"""Tells for each native frame of a stack which address to look up in which image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.symbolication.draft import EventDraft, EventStack
from app.symbolication.native.images import (
    NativeImage,
    NativeImages,
    is_relative,
    parse_address,
)

FrameRole = Literal["exact", "caller", "crashed"]
_INSTRUCTION_REGISTERS: Final = ("pc", "rip", "eip")
_LABEL_CHARS: Final = 100


@dataclass(frozen=True, slots=True)
class FrameAddress:
    """An address that a frame holds, and how to take it."""

    image: NativeImage
    address: int
    """The address in memory, or in the image if `base` is 0."""
    base: int
    """The address at which the image begins, counted as `address` is."""
    role: FrameRole
    """`exact`: the instruction itself. `caller`: the instruction after a call. `crashed`: the
    instruction itself, unless the signal and the register say otherwise."""
    signal: int = 0
    register: int = 0
    """The value of the instruction register; 0 if it is not known."""


def list_frame_addresses(
    draft: EventDraft, images: NativeImages, stack: EventStack
) -> Iterator[tuple[int, FrameAddress]]:
    """List the frames of a stack that lie in a native image, with their numbers.

    Callers hold the address to which their call returns, which may be of the next line or even of
    the next function; the innermost frame holds the address of its own instruction. A stack may
    say otherwise in `instruction_addr_adjustment`.
    """
    adjustment = jsonish.text(stack.stacktrace, "instruction_addr_adjustment", limit=_LABEL_CHARS)
    innermost = len(stack.frames) - 1
    for number, frame in enumerate(stack.frames):
        located = locate_frame(images, frame)
        if located is None:
            continue
        image, address, base = located
        role = _choose_role(adjustment, is_innermost=number == innermost)
        if role != "crashed" or not stack.is_crashed:
            yield number, FrameAddress(image, address, base, role)
            continue
        register = 0 if is_relative(frame.get("addr_mode")) else _read_register(stack.stacktrace)
        yield (
            number,
            FrameAddress(image, address, base, role, _read_signal(draft, stack), register),
        )


def locate_frame(images: NativeImages, frame: JsonObject) -> tuple[NativeImage, int, int] | None:
    """Return the image of a native frame, its address, and where the image begins in that count.

    Returns:
        None for a frame of another kind, and for one in no image that the event names.
    """
    address = parse_address(frame.get("instruction_addr"))
    if address is None:
        return None
    mode = frame.get("addr_mode")
    if is_relative(mode):
        image = images.find_named_image(str(mode))
        return (image, address, 0) if image else None
    image = images.find_image(address)
    return (image, address, image.start) if image and image.start is not None else None


def _choose_role(adjustment: str | None, *, is_innermost: bool) -> FrameRole:
    match adjustment:
        case "none":
            return "exact"
        case "all":
            return "caller"
        case "all_but_first":
            return "exact" if is_innermost else "caller"
        case _:
            return "crashed" if is_innermost else "caller"


def _read_register(stacktrace: JsonObject) -> int:
    registers = jsonish.mapping(stacktrace, "registers")
    for name in _INSTRUCTION_REGISTERS:
        value = parse_address(registers.get(name))
        if value is not None:
            return value
    return 0


def _read_signal(draft: EventDraft, stack: EventStack) -> int:
    """Return the number of the signal that ended the thread of a stack; 0 if there was none."""
    exceptions = [stack.exception] if stack.exception is not None else draft.exceptions
    for exception in exceptions:
        meta = jsonish.mapping(jsonish.mapping(exception, "mechanism"), "meta")
        number = jsonish.integer(jsonish.mapping(meta, "signal"), "number", lowest=0)
        if number:
            return number
    return 0
