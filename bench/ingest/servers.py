"""Starts the servers that are compared: the floor and Playhead.

Each has its own folder, a Postgres of the same kind with the same settings, and a free port.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx2
import psutil

from app.core import clock
from app.db.server import postmaster
from app.db.server.postmaster import Postmaster
from bench.ingest.load import HOST, SendTarget

_HERE: Final = Path(__file__).parent
_REPOSITORY: Final = _HERE.parents[1]
_LIBRARIES: Final = {"libdeflate-dev": "libdeflate.h", "libpq-dev": "libpq-fe.h"}
_START_S: Final = 120.0
_POLL_S: Final = 0.2
"""The pause between two requests for metrics, since each costs the server CPU time."""
_BACKLOG: Final = re.compile(r"^playhead_journal_backlog_entries(?:{[^}]*})? (\S+)", re.MULTILINE)
"""The entries of a process, or of each worker."""


@dataclass(frozen=True, slots=True)
class CpuTime:
    """The CPU time of a server and its Postgres since they were started."""

    server_s: float
    postgres_s: float


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """A server that is running."""

    name: str
    target: SendTarget
    pid: int
    postgres_pid: int
    place: Path
    """The folder of its Postgres."""
    has_backlog: bool
    """Whether it answers before everything is stored."""

    def cpu_time(self) -> CpuTime:
        """Return the CPU time of all its processes so far, those that ended included."""
        postgres = _find_processes(self.postgres_pid)
        return CpuTime(_sum_cpu_s(_find_processes(self.pid) - postgres), _sum_cpu_s(postgres))

    def peak_mb(self) -> float:
        """Return the peak resident memory of the server, without its Postgres."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (peak_kb,) = re.findall(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        return int(peak_kb) / 1024

    async def backlog(self, client: httpx2.AsyncClient) -> int:
        """Return the number of envelopes that it has answered and not digested."""
        answer = await client.get(f"http://{HOST}:{self.target.port}/metrics")
        return sum(int(float(entries)) for entries in _BACKLOG.findall(answer.text))

    async def wait_until_digested(self) -> float:
        """Wait until everything is digested; returns how many seconds that took."""
        began_s = clock.monotonic_s()
        if self.has_backlog:
            async with httpx2.AsyncClient(trust_env=False) as client:
                while await self.backlog(client):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(_POLL_S)
        return clock.monotonic_s() - began_s if self.has_backlog else 0.0

    async def count_kept(self) -> int:
        """Return the number of items that Playhead has counted as kept."""
        connection = await asyncpg.connect(postmaster.find_running_url(self.place))
        try:
            query = "select coalesce(sum(quantity), 0) from outcomes where outcome = 'kept'"
            return int(await connection.fetchval(query))
        finally:
            await connection.close()

    async def count_deadlocks(self) -> int:
        """Return how many deadlocks its Postgres has ended in the database."""
        connection = await asyncpg.connect(postmaster.find_running_url(self.place))
        try:
            query = "select deadlocks from pg_stat_database where datname = current_database()"
            return int(await connection.fetchval(query))
        finally:
            await connection.close()


@contextmanager
def start_floor(folder: Path) -> Iterator[MeasuredServer]:
    """Build and start the floor.

    Raises:
        SystemExit: The compiler or a library is missing; the message names it.
    """
    program = _build_floor(folder)
    port = _find_free_port()
    postgres = Postmaster(folder)
    command = [str(program), str(port), str(folder), postgres.start()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - just built
    try:
        if process.stdout is None or not process.stdout.readline():
            raise SystemExit("the floor did not start")
        target = SendTarget(port, "1", "0" * 32)
        yield MeasuredServer(
            "floor", target, process.pid, postgres.pid or 0, folder, has_backlog=False
        )
    finally:
        process.terminate()
        process.communicate()
        postgres.stop()


@contextmanager
def start_playhead(
    folder: Path,
    database: Postmaster | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    database_url: str | None = None,
) -> Iterator[MeasuredServer]:
    """Start `playhead serve` without limits for a key and without drawing pictures.

    Args:
        folder: The data folder.
        database: A Postgres that runs, or None to let the server start its own.
        settings: Further variables of its environment.
        workers: The number of its processes.
        database_url: Where the server reaches `database`, if not directly.
    """
    port = _find_free_port()
    environment = {
        **os.environ,
        "PLAYHEAD_KEY_ENVELOPES_PER_S": "1000000",
        "PLAYHEAD_KEY_BYTES_PER_S": "100000000000",
        "PLAYHEAD_PICTURES": "False",
        **(settings or {}),
    }
    if database is not None:
        environment["PLAYHEAD_DATABASE_URL"] = database_url or database.url
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
    command += ["--workers", str(workers), "--data-dir"]
    log_file = folder / "output.log"
    with log_file.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(folder)], cwd=_REPOSITORY, env=environment, stdout=output, stderr=output
        )
    try:
        key, project = _wait_for_dsn(process, log_file)
        place = folder if database is None else database.folder.parent
        postgres_pid = int((place / "postgres/postmaster.pid").read_text().split()[0])
        target = SendTarget(port, project, key)
        yield MeasuredServer("playhead", target, process.pid, postgres_pid, place, has_backlog=True)
    finally:
        process.terminate()
        process.wait()


def _wait_for_dsn(process: "subprocess.Popen[bytes]", log_file: Path) -> tuple[str, str]:
    """Wait until the server prints its DSN; returns key and project."""
    deadline_s = clock.monotonic_s() + _START_S
    while clock.monotonic_s() < deadline_s and process.poll() is None:
        if dsn := re.search(r"DSN\s+http://([0-9a-f]{32})@\S+/(\d+)\s", log_file.read_text()):
            return dsn[1], dsn[2]
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
    raise SystemExit(f"playhead did not start:\n{log_file.read_text()}")


def _build_floor(folder: Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing = ["gcc", "libc6-dev", *_LIBRARIES]
    else:
        missing = [name for name, header in _LIBRARIES.items() if not _has_header(compiler, header)]
    if compiler is None or missing:
        raise SystemExit(
            "The floor is a C program, and something to build it is missing. On Debian, as root:\n"
            f"    apt-get install --no-install-recommends {' '.join(missing)}"
        )
    program = folder / "floor"
    sources = [str(_HERE / "floor.c"), str(_HERE / "floor_keepers.c")]
    command = [compiler, "-O2", "-o", str(program), *sources, _find_include_option()]
    subprocess.run([*command, "-ldeflate", "-lpq", "-lpthread"], check=True)  # noqa: S603 - ours
    return program


def _has_header(compiler: str, header: str) -> bool:
    command = [
        compiler,
        "-fsyntax-only",
        "-include",
        header,
        _find_include_option(),
        "-x",
        "c",
        "/dev/null",
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - ours


def _find_include_option() -> str:
    """Return the option that names the folder of Postgres's headers."""
    program = shutil.which("pg_config")
    if program is None:
        return "-I/usr/include/postgresql"
    return f"-I{subprocess.check_output([program, '--includedir'], text=True).strip()}"  # noqa: S603 - found


def _find_free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _find_processes(pid: int) -> set[psutil.Process]:
    root = psutil.Process(pid)
    return {root, *root.children(recursive=True)}


def _sum_cpu_s(processes: set[psutil.Process]) -> float:
    """Add up the CPU time of processes and of their children that ended."""
    total_s = 0.0
    for process in processes:
        try:
            total_s += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total_s
