"""Starts what is compared: the floor with a Postgres beside it, and Playhead with its own.

Each has a folder of its own, the same Postgres with the same settings, and a free port.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
import httpx2
import psutil  # type: ignore[import-untyped]  # it carries no types

from app.core import clock
from app.db import postmaster
from app.db.postmaster import Postmaster
from bench.ingest.load import HOST, Door

_HERE: Final = Path(__file__).parent
_HOUSE: Final = _HERE.parents[1]
_LIBRARIES: Final = {"libdeflate-dev": "libdeflate.h", "libpq-dev": "libpq-fe.h"}
_START_S: Final = 120.0
_POLL_S: Final = 0.2
"""Looking costs the server something, so five times a second at most."""
_BACKLOG: Final = re.compile(r"^playhead_journal_backlog_entries (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU time since a server and its Postgres were started."""

    server_s: float
    postgres_s: float


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two."""

    name: str
    door: Door
    pid: int
    postgres_pid: int
    place: Path
    """The folder that its Postgres is in."""
    has_backlog: bool

    def spent(self) -> Spent:
        """Return the CPU time of all its processes so far, of those that ended too."""
        postgres = _tree(self.postgres_pid)
        return Spent(_cpu_s(_tree(self.pid) - postgres), _cpu_s(postgres))

    def peak_mb(self) -> float:
        """Return the most memory the server itself has had resident, without its Postgres."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (peak_kb,) = re.findall(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        return int(peak_kb) / 1024

    async def backlog(self, client: httpx2.AsyncClient) -> int:
        """Return how many envelopes it has answered and not digested."""
        answer = await client.get(f"http://{HOST}:{self.door.port}/metrics")
        (entries,) = _BACKLOG.findall(answer.text)
        return int(float(entries))

    async def digested(self) -> float:
        """Wait until everything is digested; returns the seconds that took."""
        began_s = clock.monotonic_s()
        if self.has_backlog:
            async with httpx2.AsyncClient(trust_env=False) as client:
                while await self.backlog(client):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(_POLL_S)
        return clock.monotonic_s() - began_s if self.has_backlog else 0.0

    async def kept(self) -> int:
        """Return how many items Playhead has counted as kept."""
        connection = await asyncpg.connect(postmaster.find_running_url(self.place))
        try:
            query = "select coalesce(sum(quantity), 0) from outcomes where outcome = 'kept'"
            return int(await connection.fetchval(query))
        finally:
            await connection.close()


@contextmanager
def floor(folder: Path) -> Iterator[Server]:
    """Build and start the floor.

    Raises:
        SystemExit: Something to build it with is missing; the message says what.
    """
    program = _built(folder)
    port = _free_port()
    postgres = Postmaster(folder)
    command = [str(program), str(port), str(folder), postgres.start()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - just built
    try:
        if process.stdout is None or not process.stdout.readline():
            raise SystemExit("the floor did not start")
        door = Door(port, "1", "0" * 32)
        yield Server("floor", door, process.pid, postgres.pid or 0, folder, has_backlog=False)
    finally:
        process.terminate()
        process.communicate()
        postgres.stop()


@contextmanager
def playhead(folder: Path, database: Postmaster | None = None) -> Iterator[Server]:
    """Start `playhead serve` without limits for a key and without drawing pictures.

    Args:
        folder: Its data folder.
        database: A Postgres that runs; None: the server starts its own.
    """
    port = _free_port()
    environment = {
        **os.environ,
        "PLAYHEAD_KEY_ENVELOPES_PER_S": "1000000",
        "PLAYHEAD_KEY_BYTES_PER_S": "100000000000",
        "PLAYHEAD_PICTURES": "False",
    }
    if database is not None:
        environment["PLAYHEAD_DATABASE_URL"] = database.url
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--data-dir"]
    log_file = folder / "said.log"
    with log_file.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(folder)], cwd=_HOUSE, env=environment, stdout=said, stderr=said
        )
    try:
        key, project = _dsn(process, log_file)
        place = folder if database is None else database.folder.parent
        postgres_pid = int((place / "postgres/postmaster.pid").read_text().split()[0])
        door = Door(port, project, key)
        yield Server("playhead", door, process.pid, postgres_pid, place, has_backlog=True)
    finally:
        process.terminate()
        process.wait()


def _dsn(process: "subprocess.Popen[bytes]", log_file: Path) -> tuple[str, str]:
    """Wait until the server says how it is reached; returns key and project."""
    deadline_s = clock.monotonic_s() + _START_S
    while clock.monotonic_s() < deadline_s and process.poll() is None:
        if found := re.search(r"DSN\s+http://([0-9a-f]{32})@\S+/(\d+)\s", log_file.read_text()):
            return found[1], found[2]
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            continue
    raise SystemExit(f"playhead did not start:\n{log_file.read_text()}")


def _built(folder: Path) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        missing = ["gcc", "libc6-dev", *_LIBRARIES]
    else:
        missing = [name for name, header in _LIBRARIES.items() if not _finds(compiler, header)]
    if compiler is None or missing:
        raise SystemExit(
            "The floor is a C program and needs more than is here. On Debian, as root:\n"
            f"    apt-get install --no-install-recommends {' '.join(missing)}"
        )
    program = folder / "floor"
    sources = [str(_HERE / "floor.c"), str(_HERE / "floor_keepers.c")]
    command = [compiler, "-O2", "-o", str(program), *sources, _include()]
    subprocess.run([*command, "-ldeflate", "-lpq", "-lpthread"], check=True)  # noqa: S603 - ours
    return program


def _finds(compiler: str, header: str) -> bool:
    command = [compiler, "-fsyntax-only", "-include", header, _include(), "-x", "c", "/dev/null"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - ours


def _include() -> str:
    """Return where Debian keeps the headers of Postgres, or whoever else wrote `pg_config`."""
    program = shutil.which("pg_config")
    if program is None:
        return "-I/usr/include/postgresql"
    return f"-I{subprocess.check_output([program, '--includedir'], text=True).strip()}"  # noqa: S603 - found


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _tree(pid: int) -> set[psutil.Process]:
    root = psutil.Process(pid)
    return {root, *root.children(recursive=True)}


def _cpu_s(processes: set[psutil.Process]) -> float:
    """Add up the time of processes and of their children that ended."""
    total_s = 0.0
    for process in processes:
        try:
            total_s += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total_s
