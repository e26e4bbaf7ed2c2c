"""Starts child processes and talks to them; any fault ends a child.

    start ─► READY ─► request ─► answer ─► request ─► answer … ─► killed
               └── ended, late or wrong: killed, `MalformedInput` says why

What a child sends is as untrusted as what it reads: the packages that own a kind of child check
every answer.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.children.messages import HEAD, READY
from app.core import log
from app.core.errors import MalformedInput, ServiceUnavailable

_logger: Final = log.get_logger("children")

_ROOT: Final = Path(__file__).resolve().parents[2]
_MESSAGE_CHARS: Final = 200


def command_of(module: str) -> tuple[str, ...]:
    """Return the command that runs a module as a child: without the user's own packages."""
    return (sys.executable, "-E", "-s", "-m", module)


@dataclass(frozen=True, slots=True)
class ChildTimeouts:
    """The time that a child may take, by its own processor time and by the clock."""

    start_s: float = 30.0
    answer_s: float = 20.0
    """The time for one answer by the clock; the child has low priority and may have to wait."""
    cpu_s: int = 5
    """The processor time for one answer."""


@dataclass(frozen=True, slots=True)
class ChildKind:
    """The name, the limits and the words of one kind of child."""

    name: str
    """Its name in messages, such as "media child"."""
    most_answer_bytes: int
    gave_up: str
    """Says that the child ended by itself, which it does on any error."""
    too_slow: str
    """Begins the sentence that names the processor time it used up."""
    forbidden: str
    """Says that the child made a system call that its sandbox forbids."""
    receives_files: bool = False
    """True if open files can be handed over: the child then has a socket besides its pipes."""


class ChildProcess:
    """One child process; use it from one task."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        kind: ChildKind,
        timeouts: ChildTimeouts,
        files: socket.socket | None = None,
    ) -> None:
        self._process = process
        self._kind = kind
        self._timeouts = timeouts
        self._files = files
        self._refused_time = ""
        self.is_filtered = False
        """True if the kernel filters the child's system calls."""

    async def begin(self) -> None:
        """Wait until the sandbox is closed.

        Raises:
            ServiceUnavailable: The child does not start.
        """
        try:
            body = await self._answer((READY,), self._timeouts.start_s)
        except MalformedInput as error:
            raise ServiceUnavailable(f"{error}{await self._read_last_error()}") from error
        self.is_filtered = body[1] == b"\x01"

    async def ask(
        self, kind: int, body: bytes, *, expected: Sequence[int], files: Sequence[int] = ()
    ) -> tuple[int, bytes]:
        """Send one request and wait for its answer.

        Args:
            kind: The kind of the request.
            body: The body of the request.
            expected: The kinds that the answer may have.
            files: Open descriptors that the child gets copies of, with this request.

        Raises:
            MalformedInput: The child ended, was too slow or sent something else. It cannot be
                used any more.
        """
        assert self._process.stdin is not None  # noqa: S101 - started with a pipe
        self._grant_time()
        try:
            self._hand_over(files)
            self._process.stdin.write(HEAD.pack(kind, len(body)) + body)
            async with asyncio.timeout(self._timeouts.answer_s):
                await self._process.stdin.drain()
        except TimeoutError:
            raise MalformedInput(f"the {self._kind.name} took too long to read") from None
        except OSError:
            raise MalformedInput(await self._describe_end()) from None
        return await self._answer(expected, self._timeouts.answer_s)

    async def end(self) -> None:
        """Kill the child, whatever it is doing, and wait until it has ended."""
        if self._files is not None:
            self._files.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        # This also closes its pipes and drops what it wrote.
        await self._process.communicate()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def used_cpu_s(self) -> float:
        """The processor time that the child has used; 0 if it has ended."""
        try:
            return _read_cpu_s(self._process.pid)
        except (OSError, ValueError, IndexError):
            return 0.0

    def _hand_over(self, files: Sequence[int]) -> None:
        if files:
            assert self._files is not None  # noqa: S101 - the kind of child receives files
            # A message of one byte a request: the socket's buffer never fills.
            socket.send_fds(self._files, [b"F"], list(files))

    async def _answer(self, expected: Sequence[int], timeout_s: float) -> tuple[int, bytes]:
        assert self._process.stdout is not None  # noqa: S101 - started with a pipe
        try:
            async with asyncio.timeout(timeout_s):
                head = await self._process.stdout.readexactly(HEAD.size)
                kind, size_bytes = HEAD.unpack(head)
                if kind not in expected or size_bytes > self._kind.most_answer_bytes:
                    raise MalformedInput(
                        f"the {self._kind.name} sent message {kind} of {size_bytes} bytes"
                    )
                return kind, await self._process.stdout.readexactly(size_bytes)
        except TimeoutError:
            raise MalformedInput(
                f"the {self._kind.name} did not answer within {timeout_s:g} s"
            ) from None
        except (asyncio.IncompleteReadError, OSError):
            raise MalformedInput(await self._describe_end()) from None

    def _grant_time(self) -> None:
        """Give the child processor time for one more answer; its hard limit stays.

        Where the system refuses, as some containers do, the child has one answer's time for all of
        them. It is used all the same, and the log and the message at its end say why it ended.
        """
        try:
            soft = int(_read_cpu_s(self._process.pid)) + 1 + self._timeouts.cpu_s
            _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_CPU)
            resource.prlimit(self._process.pid, resource.RLIMIT_CPU, (min(soft, hard), hard))
        except (ProcessLookupError, FileNotFoundError):
            return  # it has ended, which its next answer tells
        except (OSError, ValueError, IndexError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if not self._refused_time:
                _logger.warning("a child gets no more time", kind=self._kind.name, reason=reason)
            self._refused_time = reason

    async def _describe_end(self) -> str:
        """Describe how the child ended; it has closed its pipe, so it has ended or soon will."""
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._process.wait()
        code = self._process.returncode
        if code is None:
            return f"the {self._kind.name} closed its pipe"
        if code >= 0:
            return self._kind.gave_up
        name = signal.Signals(-code).name
        words = {
            "SIGSYS": self._kind.forbidden,
            "SIGXCPU": f"{self._kind.too_slow} {self._timeouts.cpu_s} s",
        }
        if name == "SIGXCPU" and self._refused_time:
            words[name] += f" in all, as the system gave it no more: {self._refused_time}"
        return f"{words.get(name, f'the {self._kind.name} was ended')} ({name})"

    async def _read_last_error(self) -> str:
        """Read the last error line of a child that could not start."""
        assert self._process.stderr is not None  # noqa: S101 - started with a pipe
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        output = (await self._process.stderr.read(64 * 1024)).decode("utf-8", "replace")
        last = next((line for line in reversed(output.split("\n")) if line.strip()), "")
        return f": {last[:_MESSAGE_CHARS]}" if last else ""


def _read_cpu_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used.

    Source: proc_pid_stat(5): `utime` and `stime` are the 12th and 13th field after the name.
    """
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def start_child(
    kind: ChildKind, command: Sequence[str], timeouts: ChildTimeouts | None = None
) -> ChildProcess:
    """Start a child and wait until its sandbox is closed; the caller ends it.

    Args:
        kind: The kind of child.
        command: Its program. A child that receives files gets, as one more argument, the number
            of its end of the socket.
        timeouts: The time that it may take.

    Raises:
        ServiceUnavailable: The child cannot be started.
    """
    ours: socket.socket | None = None
    theirs: socket.socket | None = None
    try:
        if kind.receives_files:
            ours, theirs = _make_sockets()
        process = await asyncio.create_subprocess_exec(
            *command,
            *([str(theirs.fileno())] if theirs else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=_ROOT,
            # Nothing of our environment, which contains the password of the database.
            env={},
            start_new_session=True,
            pass_fds=(theirs.fileno(),) if theirs else (),
        )
    except OSError as error:
        if ours is not None:
            ours.close()
        raise ServiceUnavailable(f"the {kind.name} cannot be started: {error.strerror}") from error
    finally:
        if theirs is not None:
            theirs.close()
    child = ChildProcess(process, kind=kind, timeouts=timeouts or ChildTimeouts(), files=ours)
    try:
        await child.begin()
    except BaseException:
        await child.end()
        raise
    return child


@asynccontextmanager
async def run_child(
    kind: ChildKind, command: Sequence[str], timeouts: ChildTimeouts | None = None
) -> AsyncIterator[ChildProcess]:
    """Start a child, and end it whatever happens.

    Raises:
        ServiceUnavailable: The child cannot be started.
    """
    child = await start_child(kind, command, timeouts)
    try:
        yield child
    finally:
        await child.end()


def _make_sockets() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)  # noqa: FBT003 - positional in the standard library
    return ours, theirs
