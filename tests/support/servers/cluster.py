"""Postgres servers on TCP ports, as operators have them: a primary, and standbys made from it.

They run the programs of the embedded Postgres, as its system user. Everybody on this machine may
connect as any role, so that tests can put a pooler between.
"""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg

from app.db.roles import APP, OWNER
from app.db.server import programs, system_user
from tests.support.servers.ports import find_free_port
from tests.support.waiting import until_asked

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "32MB",
    "io_method": "sync",
    "wal_keep_size": "64MB",
    "max_connections": "60",
    # No test here is about a power cut.
    "fsync": "off",
}
_STOP_S: Final = 20


class Cluster:
    """A Postgres server with a folder and a port of its own."""

    def __init__(self, folder: Path) -> None:
        """Name a server that is neither made nor started.

        Args:
            folder: A folder that the system user of the embedded Postgres can reach.
        """
        self._folder = folder
        self._user = system_user.find_system_user()
        self._programs = programs.PostgresPrograms.find(None)
        self._process: subprocess.Popen[bytes] | None = None
        self.port: Final[int] = find_free_port()

    @property
    def host(self) -> str:
        """The address of the server as URLs have it."""
        return f"127.0.0.1:{self.port}"

    def url(self, role: str = "postgres", database: str = "postgres") -> str:
        """Return the URL of a database for a role."""
        return f"postgresql://{role}@{self.host}/{database}"

    def make(self) -> None:
        """Make an empty server."""
        self._run(
            "initdb", f"--pgdata={self._folder}", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--no-sync", "--no-instructions", *self._programs.locale_options(),
        )  # fmt: skip

    def make_standby_of(self, primary: "Cluster") -> None:
        """Copy a running primary, which this server is to follow."""
        self._run(
            "pg_basebackup", f"--pgdata={self._folder}", f"--dbname={primary.url()}",
            "--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream", "--no-sync",
        )  # fmt: skip

    async def start(self, **settings: str) -> None:
        """Start it and wait until it can be asked; `settings` are added to the usual ones."""
        self._launch(_SETTINGS | {"port": str(self.port)} | settings)
        await until_asked(self._answers)

    def _launch(self, settings: dict[str, str]) -> None:
        with Path(f"{self._folder}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs.folder / "postgres"),
                    f"-D{self._folder}",
                    "--unix_socket_directories=",
                    *(f"--{name}={value}" for name, value in settings.items()),
                ],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=self._user.groups,
            )

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Postgres has ended; see {self._folder}.log"
        try:
            await (await asyncpg.connect(self.url())).close()
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    async def promote(self) -> None:
        """Make a primary of this standby, and return when it takes writes."""
        await self.run("select pg_promote()")

    async def run(self, *statements: str) -> None:
        """Run statements as the superuser, each in a transaction of its own."""
        connection = await asyncpg.connect(self.url())
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator does."""
        self._end(signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(_STOP_S)
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs.folder / program), *arguments],
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user.uid,
            group=self._user.gid,
            extra_groups=self._user.groups,
        )


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Offer a folder in which the system user of the embedded Postgres may make others."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-cluster-"))
    system_user.find_system_user().give(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def primary(folder: Path, **settings: str) -> AsyncIterator[Cluster]:
    """Run a primary with an empty database and the two roles of docs/deployment.md."""
    server = Cluster(folder / "primary")
    server.make()
    await server.start(**settings)
    try:
        await server.run(
            f"create role {OWNER} login", f"create role {APP} login",
            f"create database playhead owner {OWNER}",
        )  # fmt: skip
        yield server
    finally:
        server.kill()
