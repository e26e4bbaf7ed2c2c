"""Starts media children and talks to them; all they send is checked, and any fault ends them.

    start ─► READY ─► group ─► NEXT ─► group ─► NEXT … ─► draw ─► a strip ─► killed
                        └── ended, late or wrong: killed, `MalformedInput` says why

One child sees the video of one replay only, or one file, so that a broken decoder cannot leak the
video of one replay into the pictures of another.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.errors import MalformedInput, ServiceUnavailable
from app.media import wire

_ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = (sys.executable, "-E", "-s", "-m", "app.media.decode")
_MESSAGE_CHARS: Final = 200
UNFILTERED: Final = (
    "decoded in a child process with limits, but this kernel or container does not let it filter "
    "its system calls (seccomp)"
)
"""The words for an operator whose sandbox is not complete."""


@dataclass(frozen=True, slots=True)
class ChildTimeouts:
    """The time that a child may take, by its own processor time and by the clock."""

    start_s: float = 30.0
    answer_s: float = 20.0
    """The time for one answer by the clock; the child has low priority and may have to wait."""
    cpu_s: int = 5
    """The processor time for one answer."""


class MediaChild:
    """One child process; use it for one replay, from one task."""

    def __init__(self, process: asyncio.subprocess.Process, timeouts: ChildTimeouts) -> None:
        self._process = process
        self._timeouts = timeouts
        self._asked_ms: list[int] = []
        self.is_filtered = False
        """Whether the kernel filters the child's system calls."""

    async def begin(self) -> None:
        """Wait until the sandbox is closed.

        Raises:
            ServiceUnavailable: The child does not start.
        """
        try:
            body = await self._answer(wire.READY, self._timeouts.start_s)
        except MalformedInput as error:
            raise ServiceUnavailable(f"{error}{await self._read_last_error()}") from error
        self.is_filtered = body == b"\x01"

    async def show(self, group: wire.CodedGroup) -> None:
        """Let the child decode one group of pictures.

        Raises:
            MalformedInput: The child ended while decoding, and cannot be used any more.
        """
        self._asked_ms += [sample.at_ms for sample in group.samples if sample.marks]
        await self._ask(wire.GROUP, wire.pack_group(group), wire.NEXT)

    async def draw(self) -> wire.Strip:
        """Ask for the pictures of all groups that were decoded.

        Raises:
            MalformedInput: The child ended, or sent pictures that it cannot have made.
        """
        return wire.unpack_strip(await self._ask(wire.DRAW, b"", wire.DRAWN), self._asked_ms)

    async def redraw(self, data: bytes) -> wire.Still:
        """Have a PNG, JPEG or WebP drawn again, scaled down to the size that a page shows.

        Raises:
            MalformedInput: The child ended while decoding, and cannot be used any more.
        """
        return wire.unpack_still(await self._ask(wire.STILL, data, wire.ANEW))

    async def end(self) -> None:
        """Kill the child, whatever it is doing, and wait until it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        # This also closes its pipes and drops what it wrote.
        await self._process.communicate()

    async def _ask(self, kind: int, body: bytes, expected: int) -> bytes:
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        self._grant_time()
        try:
            self._process.stdin.write(wire.HEAD.pack(kind, len(body)) + body)
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._process.stdin.drain()
        except TimeoutError:
            raise MalformedInput("the media child took too long to read") from None
        except OSError:
            raise MalformedInput(await self._describe_end()) from None
        return await self._answer(expected, self._timeouts.answer_s)

    async def _answer(self, expected: int, timeout_s: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - started with a pipe
        try:
            async with asyncio.timeout(timeout_s):
                head = await self._process.stdout.readexactly(wire.HEAD.size)
                kind, size_bytes = wire.HEAD.unpack(head)
                if kind != expected or size_bytes > wire.MOST_BYTES:
                    raise MalformedInput(
                        f"the media child sent message {kind} of {size_bytes} bytes"
                    )
                return await self._process.stdout.readexactly(size_bytes)
        except TimeoutError:
            raise MalformedInput(f"the media child did not answer within {timeout_s:g} s") from None
        except (asyncio.IncompleteReadError, OSError):
            raise MalformedInput(await self._describe_end()) from None

    def _grant_time(self) -> None:
        """Give the child processor time for one more answer; its hard limit stays."""
        with contextlib.suppress(OSError, ValueError):
            soft = _read_cpu_s(self._process.pid) + 1 + self._timeouts.cpu_s
            _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_CPU)
            resource.prlimit(self._process.pid, resource.RLIMIT_CPU, (min(soft, hard), hard))

    async def _describe_end(self) -> str:
        """Describe how the child ended; it has closed its pipe, so it has ended or soon will."""
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            return "the media child closed its pipe"
        if code >= 0:
            return "the decoder gave up on it"
        name = signal.Signals(-code).name
        words = {
            "SIGSYS": "the media child made a forbidden system call",
            "SIGXCPU": f"it takes more than {self._timeouts.cpu_s} s to decode",
        }
        return f"{words.get(name, 'the media child was ended')} ({name})"

    async def _read_last_error(self) -> str:
        """Read the last error line of a child that could not start."""
        assert self._process.stderr is not None  # noqa: S101 - started with a pipe
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        output = (await self._process.stderr.read(64 * 1024)).decode("utf-8", "replace")
        last = next((line for line in reversed(output.split("\n")) if line.strip()), "")
        return f": {last[:_MESSAGE_CHARS]}" if last else ""


def _read_cpu_s(pid: int) -> int:
    """Return the whole seconds of processor time that a process has used.

    Source: proc_pid_stat(5): `utime` and `stime` are the 12th and 13th field after the name.
    """
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) // os.sysconf("SC_CLK_TCK")


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
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=_ROOT,
            # Nothing of our environment, which contains the password of the database.
            env={},
            start_new_session=True,
        )
    except OSError as error:
        raise ServiceUnavailable(f"the media child cannot be started: {error.strerror}") from error
    child = MediaChild(process, timeouts or ChildTimeouts())
    try:
        await child.begin()
        yield child
    finally:
        await child.end()
