"""Makes symcaches of uploaded debug files in a child, one file at a time on a machine.

    a debug file ─► NativeDeriver.derive ─► child for this file ─► symcaches, killed

What the child sends is checked, and any fault ends it. `finder` reads the symcaches.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.children.process import ChildKind, ChildTimeouts, command_of, run_child
from app.core import file_lock
from app.core.errors import MalformedInput
from app.symbolicator import wire

_MIB: Final = 1024 * 1024
PROGRAM: Final = "app.symbolicator.program"
DEFAULT_MEMORY_MIB: Final = 700
UNFILTERED: Final = (
    "read in a child process with limits, but this kernel or container does not let it filter "
    "its system calls (seccomp)"
)
"""The words for an operator whose sandbox is not complete."""


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """The limits for reading one debug file."""

    memory_mib: int = DEFAULT_MEMORY_MIB
    """Memory of the child, besides the file, which it maps and the kernel can drop at any time. An
    ELF file of 220 MB takes 140 MiB if it is C++, and 500 MiB if it is nothing but small
    functions."""
    cpu_s: int = 60
    """Processor time of the child."""
    clock_s: float = 300.0
    """Time by the clock; the child has low priority and may have to wait."""


class NativeDeriver:
    """Makes symcaches of uploaded debug files, one file at a time on a machine."""

    def __init__(self, lock: Path, limits: ReadingLimits | None = None) -> None:
        """Make one; nothing is started before a file is there.

        Args:
            lock: A file that all processes of this machine lock while they read a debug file. Its
                folder is made when it is needed.
            limits: The limits for reading one file.
        """
        self._lock = lock
        self._limits = limits or ReadingLimits()
        self._turn = asyncio.Lock()

    async def derive(self, source: int, target: int) -> tuple[wire.DebugObject, ...]:
        """Make a symcache of every object in a native debug file: ELF, Mach-O, Breakpad, PDB.

        Args:
            source: A descriptor of the debug file, open for reading only. Its position does not
                matter and is not changed.
            target: A descriptor of an empty file, open for writing, at its beginning. The symcaches
                are written to it one after another; the objects say where each one lies.

        Returns:
            The objects in the file: at least one, each debug id once.

        Raises:
            MalformedInput: The file cannot be used; the message is a sentence for the build log.
            ServiceUnavailable: The child cannot be started.
        """
        size_bytes = os.fstat(source).st_size
        if not size_bytes:
            raise MalformedInput("it is empty")
        async with self._turn, file_lock.hold_file_lock(self._lock):
            answer = await self._ask(source, target, size_bytes)
        written_bytes = os.fstat(target).st_size
        if any(item.start + item.size_bytes > written_bytes for item in answer.objects):
            raise MalformedInput("the symbolicator's child wrote less than it said")
        return tuple(answer.objects)

    async def _ask(self, source: int, target: int, size_bytes: int) -> wire.DeriveAnswer:
        limits = self._limits
        kind = make_child_kind(
            gave_up=f"it needs more than {limits.memory_mib} MiB of memory to read, or is broken",
            too_slow="reading it takes more than",
        )
        timeouts = ChildTimeouts(answer_s=limits.clock_s, cpu_s=limits.cpu_s)
        memory_mib = limits.memory_mib + size_bytes // _MIB
        command = (*command_of(PROGRAM), str(memory_mib), str(limits.cpu_s))
        async with run_child(kind, command, timeouts) as child:
            answer_kind, body = await child.ask(
                wire.DERIVE,
                wire.pack_body(wire.DeriveRequest(size_bytes)),
                expected=(wire.DERIVED, wire.REFUSED),
                files=(source, target),
            )
        if answer_kind == wire.REFUSED:
            raise wire.read_refusal(body)
        return wire.unpack_body(body, wire.DeriveAnswer)


async def is_sandbox_whole() -> bool:
    """Start a child that reads nothing, and tell whether the kernel filters its system calls.

    Raises:
        ServiceUnavailable: The child cannot be started.
    """
    kind = make_child_kind(gave_up="it ended by itself", too_slow="it takes more than")
    command = (*command_of(PROGRAM), str(DEFAULT_MEMORY_MIB), "1")
    async with run_child(kind, command) as child:
        return child.is_filtered


def make_child_kind(*, gave_up: str, too_slow: str) -> ChildKind:
    """Describe the symbolicator's child, with words for how it ends in one of its uses."""
    return ChildKind(
        name="symbolicator's child",
        most_answer_bytes=wire.MOST_ANSWER_BYTES,
        gave_up=gave_up,
        too_slow=too_slow,
        # Rust ends a process that has no memory left by a signal to itself, which is forbidden.
        forbidden=gave_up,
        receives_files=True,
    )
