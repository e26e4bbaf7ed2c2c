"""Starts clip children and talks to them; what they send is checked, and any fault ends them.

start ─► plan ─► shots ─► shots … ─► end ─► killed
   └── ended, late, wrong or too expensive: killed, `MalformedInput` says why
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.children.process import ChildKind, ChildProcess, ChildTimeouts, command_of, run_child
from app.media.clip import wire
from app.media.clip.wire import ClipPlan, ClipShot, FilePiece
from app.media.wire import CodedGroup

COMMAND: Final = command_of("app.media.clip.program")
MEMORY_MIB: Final = 300
"""The address space of a child, its program included."""
_ANSWER_S: Final = 60.0
"""The time for one answer by the clock; the child has low priority and may have to wait."""
_KIND: Final = ChildKind(
    name="clip child",
    most_answer_bytes=wire.MOST_ANSWER_BYTES,
    gave_up="the decoder gave up on it",
    too_slow="rendering it takes more than",
    forbidden="the clip child made a forbidden system call",
)


class ClipChild:
    """One child process, which renders one clip; use it from one task."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def used_cpu_s(self) -> float:
        """The processor time that the child has used; that of its start is part of it."""
        return self._process.used_cpu_s

    async def begin(self, plan: ClipPlan) -> None:
        """Tell the child what to render.

        Raises:
            MalformedInput: The child ended.
        """
        await self._ask(wire.PLAN, wire.pack_plan(plan))

    async def add(self, shots: Sequence[ClipShot], group: CodedGroup) -> list[FilePiece]:
        """Let the child render the pictures that one coded group gives.

        Returns:
            The pieces of the file that are ready.

        Raises:
            MalformedInput: The child ended while rendering, and cannot be used any more.
        """
        return await self._ask(wire.SHOTS, wire.pack_shots(shots, group))

    async def finish(self) -> list[FilePiece]:
        """Let the child end the file; returns the last pieces.

        Raises:
            MalformedInput: The child ended, or no picture could be decoded.
        """
        return await self._ask(wire.END, b"")

    async def _ask(self, kind: int, body: bytes) -> list[FilePiece]:
        _, answer = await self._process.ask(kind, body, expected=(wire.PART,))
        return wire.unpack_pieces(answer)


@asynccontextmanager
async def start_clip_child(
    *,
    most_cpu_s: int,
    has_caption: bool = True,
    command: Sequence[str] = COMMAND,
    answer_s: float = _ANSWER_S,
) -> AsyncIterator[ClipChild]:
    """Start a child, and end it whatever happens.

    Args:
        most_cpu_s: The processor time that it may take in all, in whole seconds.
        has_caption: True if the plan has room for a caption, which may need fonts of the machine.
        command: The program of the child; tests replace it.
        answer_s: The time that it may take for one answer, by the clock.

    Raises:
        ServiceUnavailable: The child cannot be started.
    """
    arguments = (str(MEMORY_MIB), str(most_cpu_s), str(int(has_caption)))
    timeouts = ChildTimeouts(answer_s=answer_s, cpu_s=most_cpu_s)
    async with run_child(_KIND, (*command, *arguments), timeouts) as process:
        yield ClipChild(process)
