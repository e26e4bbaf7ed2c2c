"""Starts media children and talks to them; what they send is checked, and any fault ends them.

    start ─► group ─► group … ─► draw ─► a strip ─► killed
       └── ended, late or wrong: killed, `MalformedInput` says why

One child sees the video of one replay only, or one file, so that a broken decoder cannot leak the
video of one replay into the pictures of another.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.children.process import ChildKind, ChildProcess, ChildTimeouts, command_of, run_child
from app.media import wire

COMMAND: Final = command_of("app.media.decode")
UNFILTERED: Final = (
    "decoded in a child process with limits, but this kernel or container does not let it filter "
    "its system calls (seccomp)"
)
"""The words for an operator whose sandbox is not complete."""
_KIND: Final = ChildKind(
    name="media child",
    most_answer_bytes=wire.MOST_BYTES,
    gave_up="the decoder gave up on it",
    too_slow="decoding it takes more than",
    forbidden="the media child made a forbidden system call",
)


class MediaChild:
    """One child process; use it for one replay, from one task."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self._asked_ms: list[int] = []

    @property
    def is_filtered(self) -> bool:
        """True if the kernel filters the child's system calls."""
        return self._process.is_filtered

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def show(self, group: wire.CodedGroup) -> None:
        """Let the child decode one group of pictures.

        Raises:
            MalformedInput: The child ended while decoding, and cannot be used any more.
        """
        self._asked_ms += [sample.at_ms for sample in group.samples if sample.marks]
        await self._ask(wire.GROUP, wire.pack_group(group), wire.NEXT)

    async def draw(self) -> wire.DrawnStrip:
        """Ask for the pictures of all groups that were decoded.

        Raises:
            MalformedInput: The child ended, or sent pictures that it cannot have made.
        """
        return wire.unpack_strip(await self._ask(wire.DRAW, b"", wire.DRAWN), self._asked_ms)

    async def redraw(self, data: bytes) -> wire.StillPicture:
        """Have a PNG, JPEG or WebP drawn again, scaled down to the size that a page shows.

        Raises:
            MalformedInput: The child ended while decoding, and cannot be used any more.
        """
        return wire.unpack_still(await self._ask(wire.STILL, data, wire.ANEW))

    async def redraw_as_jpeg(self, data: bytes) -> wire.StillPicture:
        """Do the same as `redraw`, as a JPEG, which every mail program and chat shows.

        Raises:
            MalformedInput: The child ended while decoding, and cannot be used any more.
        """
        body = await self._ask(wire.PHOTO, data, wire.ANEW)
        return wire.unpack_still(body, is_jpeg=True)

    async def _ask(self, kind: int, body: bytes, expected: int) -> bytes:
        return (await self._process.ask(kind, body, expected=(expected,)))[1]


@asynccontextmanager
async def start_media_child(
    *, command: Sequence[str] = COMMAND, timeouts: ChildTimeouts | None = None
) -> AsyncIterator[MediaChild]:
    """Start a child, and end it whatever happens.

    Args:
        command: The program of the child; tests replace it.
        timeouts: The time that the child may take.

    Raises:
        ServiceUnavailable: The child cannot be started.
    """
    async with run_child(_KIND, command, timeouts) as process:
        yield MediaChild(process)
