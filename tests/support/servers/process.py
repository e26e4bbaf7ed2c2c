"""Servers in processes of their own, to be killed or measured; a fork server starts them."""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx2
from pydantic import SecretStr

from app.core import clock
from app.main import StartReport
from tests.support.servers.ports import find_free_port
from tests.support.waiting import PATIENCE_S

_HOUSE: Final = Path(__file__).parents[3]
_PROGRAM: Final = Path(__file__).with_name("fork_server.py")
_BACKLOG: Final = "\nplayhead_journal_backlog_entries 0.0"


class ForkServer:
    """The process that forks servers."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it; its servers inherit `environment`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door = ours
        # Threads start servers at once; each must get the answer to its own request.
        self._turn = threading.Lock()
        with theirs:
            self._popen = subprocess.Popen(
                [sys.executable, str(_PROGRAM)],
                stdin=theirs.fileno(),
                env={**os.environ, "PYTHONPATH": str(_HOUSE), **(environment or {})},
            )

    def fork(self, request: dict[str, Any], pipe: int) -> tuple[int, int]:
        """Ask for a server that speaks into a pipe; returns its process id and its pidfd."""
        with self._turn:
            socket.send_fds(self._door, [json.dumps(request).encode()], [pipe])
            answer, handles, _, _ = socket.recv_fds(self._door, 32, 1)
        assert answer, "the fork server has ended"
        return int(answer), handles[0]

    def close(self) -> None:
        """End the fork server and every server that it forked."""
        self._door.close()
        self._popen.kill()
        self._popen.wait()


@cache
def get_fork_server() -> ForkServer:
    """Return the fork server of this run."""
    fork_server = ForkServer()
    atexit.register(fork_server.close)
    return fork_server


class ServerProcess:
    """A server that was asked for; it may not listen yet, and may be dead already."""

    def __init__(self, pid: int, pidfd: int, pipe: int) -> None:
        self.pid = pid
        self._pidfd = pidfd
        self._said = os.fdopen(pipe, "rb")
        self.place: str | None = None
        """Where it killed itself; known once it did."""
        self._started: StartReport | None = None

    @property
    def started(self) -> StartReport:
        """The report of the server when it began to listen."""
        assert self._started is not None, f"the server did not start: {self.place}"
        return self._started

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self.started.base_url

    def listens(self) -> bool:
        """Wait until it listens; False if it ends before, or takes too long."""
        ready, _, _ = select.select([self._said.fileno(), self._pidfd], [], [], PATIENCE_S)
        line = self._said.readline() if self._said.fileno() in ready else ""
        report = json.loads(line) if line else {}
        if "base_url" in report:
            self._started = StartReport(**report)
            return True
        self.place = report.get("place")
        return False

    def worker_pids(self) -> set[int]:
        """Return the ids of its workers, if it is the parent of any."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()
        names = {int(pid): Path(f"/proc/{pid}/comm").read_text("utf-8") for pid in children}
        return {pid for pid, name in names.items() if "postgres" not in name}

    def memory_bytes(self) -> int:
        """Return the most memory that was resident since the start or `forget_peak`."""
        return self._status_bytes("VmHWM:")

    def resident_bytes(self) -> int:
        """Return the memory that is resident now."""
        return self._status_bytes("VmRSS:")

    def open_files(self) -> int:
        """Return how many files, connections among them, are open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def forget_peak(self) -> None:
        """Let `memory_bytes` start again from what is resident now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", "ascii")

    def _status_bytes(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith(name))
        return int(line.split()[1]) * 1024

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return not select.select([self._pidfd], [], [], 0)[0]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def wait(self) -> None:
        """Wait for its end, and learn where it killed itself."""
        assert select.select([self._pidfd], [], [], PATIENCE_S)[0], "the server does not end"
        for line in self._said:
            self.place = json.loads(line).get("place", self.place)

    def wait_for_end(self, patience_s: float) -> bool:
        """Wait for its end for a while; returns whether it has ended."""
        return bool(select.select([self._pidfd], [], [], patience_s)[0])

    def wait_for_status(self) -> int | None:
        """Wait for the end of a command; returns its status, or None if it was killed."""
        assert self.wait_for_end(PATIENCE_S), "the command does not end"
        line = self._said.readline()
        return json.loads(line)["status"] if line else None

    def kill(self) -> None:
        """End it between two instructions, as a power cut would."""
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """End it as an operator does."""
        self.send(signal.SIGTERM)
        self.wait()

    def close(self) -> None:
        """Let go of it."""
        self._said.close()
        os.close(self._pidfd)


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """Options of a server beside its settings."""

    hold_digest: bool = False
    """Whether the server accepts envelopes and does not digest them."""
    digest_after: Path | None = None
    """The server stores nothing before there is a file at this path."""
    kill_at: int | None = None
    """The step at which it kills itself, with asyncio's own loop; 0 for never, None for uvloop."""
    kill_within: str = ""
    """The folder of `app` whose steps count, as `closing/`; empty for all."""
    address_space_bytes: int = 0
    open_files: int = 0
    """The most files that it may open; 0 for the limit of the tests."""
    log_file: Path | None = None
    """The file for its log, instead of standard error."""
    fork_server: ForkServer | None = None


PLAIN: Final = LaunchOptions()


@contextmanager
def launch_server(
    database_url: str | None, folder: Path, options: LaunchOptions = PLAIN, **settings: Any
) -> Iterator[ServerProcess]:
    """Start a server and continue at once; stop it at the end if it still runs.

    Args:
        database_url: A migrated database; None for an embedded Postgres.
        folder: The folder for journal and objects.
        options: How to start the server.
        settings: Further settings by name.
    """
    port = find_free_port()
    values = {
        "data_dir": folder,
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        **({"database_url": database_url} if database_url else {}),
        "journal_reserve_bytes": 0,
        "journal_keep_s": 0,
        "key_envelopes_per_s": 0,
        "key_bytes_per_s": 0,
        # Drawn by another process, from what is stored: they only cost time here.
        "pictures": False,
        **settings,
    }
    request = {
        "environment": {
            f"PLAYHEAD_{name.upper()}": _spell(value) for name, value in values.items()
        },
        "hold_digest": options.hold_digest,
        "digest_after": str(options.digest_after) if options.digest_after else None,
        "kill_at": options.kill_at,
        "kill_within": options.kill_within,
        "address_space_bytes": options.address_space_bytes,
        "open_files": options.open_files,
        "log_file": str(options.log_file) if options.log_file else None,
    }
    ours, theirs = os.pipe()
    try:
        pid, pidfd = (options.fork_server or get_fork_server()).fork(request, theirs)
    finally:
        os.close(theirs)
    process = ServerProcess(pid, pidfd, ours)
    try:
        yield process
    finally:
        if process.is_alive():
            process.stop()
        process.close()


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The end of a command of `playhead`."""

    status: int
    output: str
    errors: str


def run_command(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    fork_server: ForkServer | None = None,
) -> CommandResult:
    """Run a command of `playhead` to its end, without the second that importing it takes.

    Args:
        arguments: The name of the command, and what follows it.
        folder: The folder in which it runs.
        environment: Further variables of its environment.
        fork_server: The fork server of another release.

    Raises:
        AssertionError: It was killed, or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="playhead-command-") as place:
        output, errors = Path(place, "output"), Path(place, "errors")
        request = {
            "command": arguments,
            "environment": dict(environment),
            "folder": str(folder),
            "output": str(output),
            "errors": str(errors),
            "log_file": None,
            "address_space_bytes": 0,
            "open_files": 0,
        }
        ours, theirs = os.pipe()
        try:
            pid, pidfd = (fork_server or get_fork_server()).fork(request, theirs)
        finally:
            os.close(theirs)
        command = ServerProcess(pid, pidfd, ours)
        try:
            status = command.wait_for_status()
        finally:
            command.send(signal.SIGKILL)
            command.close()
        assert status is not None, errors.read_text("utf-8")
        return CommandResult(status, output.read_text("utf-8"), errors.read_text("utf-8"))


def _spell(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


@contextmanager
def launch_and_wait(
    database_url: str | None, folder: Path, options: LaunchOptions = PLAIN, **settings: Any
) -> Iterator[ServerProcess]:
    """Start a server as `launch_server` does, and wait until it listens."""
    with launch_server(database_url, folder, options, **settings) as process:
        assert process.listens(), "the server did not start"
        yield process


async def wait_until_digested(process: ServerProcess, *, deadline_s: float = PATIENCE_S) -> float:
    """Wait until a server has digested all it took; returns how long that was, in seconds."""
    began_s = clock.monotonic_s()
    url = f"{process.base_url}/metrics"
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client,
        asyncio.timeout(deadline_s),
    ):
        while _BACKLOG not in (await client.get(url)).text:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return clock.monotonic_s() - began_s
