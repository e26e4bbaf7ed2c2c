"""One Postgres server of our own, started and stopped by blocking calls.

The server is a direct child, so that its end is noticed at once, and it listens on a Unix socket
only. All settings are passed on the command line, so that a data folder made by an older release
runs with the settings of this one.

    <data>/postgres/        the cluster, 0700, with the socket
    <data>/postgres.log     the log of the server

When this process is root, the server runs as another system user, as Postgres demands.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.db.folder import make_private
from app.db.roles import SUPERUSER
from app.db.server import authentication
from app.db.server.programs import PostgresPrograms
from app.db.server.system_user import SystemUser, find_system_user

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Durable: a commit is on disk. These are the defaults, written here so that nobody has to ask.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Small: the whole product stays under 512 MiB.
    "max_connections": "60",
    # A statement about events of any age locks every partition with its indexes, eight in all.
    "max_locks_per_transaction": "256",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    # Sealing replaces every row of `segments` once. By default a fifth of them may be dead.
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "io_method": "sync",
    "jit": "off",
    # Bounds both the disk and the time that recovery after a crash takes.
    "max_wal_size": "512MB",
    "min_wal_size": "80MB",
    "idle_in_transaction_session_timeout": "60s",
    # A connection takes 3 to 5 MB. One that ended is opened again when it is needed.
    "idle_session_timeout": "60s",
    "log_checkpoints": "off",
    "cluster_name": "playhead",
}

_LONGEST_SOCKET_BYTES: Final = 100
"""Paths of Unix sockets have at most 107 bytes on Linux and 103 on macOS."""
_LONGEST_LOG_BYTES: Final = 10 * 1024 * 1024
_READY_S: Final = 60.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.01
_PID_FILE: Final = "postmaster.pid"


class Postmaster:
    """A Postgres server on one data folder.

    `start` may be called again after the server has died. All methods may be called from any
    thread. The caller makes sure that no other process uses the folder (`app.db.folder`).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] = SETTINGS,
        bin_dir: Path | None = None,
    ) -> None:
        self.folder = data_dir.resolve() / "postgres"
        self._log_file = data_dir.resolve() / "postgres.log"
        self._settings = settings
        self._bin_dir = bin_dir
        self._programs = PostgresPrograms(Path(), 0)
        self._user = SystemUser()
        self._socket_dir: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        """The server's process id, or None while it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def url(self) -> str:
        """The URL for the superuser, valid from the first `start` on and across restarts."""
        return self.url_for(SUPERUSER)

    def url_for(self, role: str) -> str:
        """Return the URL for a role, valid as `url` is."""
        if self._socket_dir is None:
            raise ServiceUnavailable("Postgres has not been started yet")
        return make_socket_url(self._socket_dir, role)

    def start(self) -> str:
        """Start the server and wait until it accepts connections; make its cluster if needed.

        Returns:
            The URL of its database for the superuser.

        Raises:
            ServiceUnavailable: The server did not start; the message ends with the last lines of
                its log.
        """
        with self._guard:
            if self.pid is not None:
                return self.url
            if self._stopping.is_set():
                raise ServiceUnavailable("Postgres has been stopped")
            self._prepare()
            _stop_leftover_server(self.folder)
            self._launch()
            self._wait_until_ready()
            return self.url

    def relaunch(self) -> None:
        """Start a server that has died, without waiting until it accepts connections.

        Raises:
            ServiceUnavailable: Its programs or folders cannot be used.
        """
        with self._guard:
            if self.pid is None and not self._stopping.is_set():
                self._prepare()
                _stop_leftover_server(self.folder)
                self._launch()

    def stop(self) -> None:
        """Stop the server, gently first, and return when it has ended. Later starts are refused."""
        self._stopping.set()
        with self._guard:
            process = self._process
            if process is not None:
                _end_process(process)
            if self._socket_dir not in (None, self.folder):
                shutil.rmtree(self._socket_dir, ignore_errors=True)

    def _prepare(self) -> None:
        make_private(self.folder.parent)
        self._programs = PostgresPrograms.find(self._bin_dir)
        self._user = find_system_user()
        self._grant_passage()
        if not (self.folder / "PG_VERSION").exists():
            self._make_cluster()
        version = (self.folder / "PG_VERSION").read_text().strip()
        if version != str(self._programs.major):
            raise ServiceUnavailable(
                f"{self.folder} was made by Postgres {version}, but the programs in "
                f"{self._programs.folder} are Postgres {self._programs.major}. Set "
                f"PLAYHEAD_POSTGRES_BIN to the programs of Postgres {version}"
            )
        if self._socket_dir is None:
            self._socket_dir = self._choose_socket_dir()

    def _grant_passage(self) -> None:
        """Let the user that runs the server pass through the data folder, if it is not our own."""
        if self._user.gid is None:
            return
        self._user.require_passage(
            self._programs.folder, remedy="install Playhead elsewhere, as in /opt"
        )
        remedy = "keep the data elsewhere, such as PLAYHEAD_DATA_DIR=/var/lib/playhead"
        self._user.require_passage(self.folder.parents[1], remedy=remedy)
        # Only the group of that user may pass through the folder, and it may not list it.
        os.chown(self.folder.parent, -1, self._user.gid)
        self.folder.parent.chmod(0o710)

    def _make_cluster(self) -> None:
        """Run initdb in a temporary folder, then rename it: a kill never leaves half a cluster."""
        making = self.folder.with_name("postgres.making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self._user.give(making)
        self._run_program(
            "initdb",
            f"--pgdata={making}",
            f"--username={SUPERUSER}",
            "--auth=trust",  # for releases that had no roles; this one uses `authentication`
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
            *self._programs.locale_options(),
        )
        making.rename(self.folder)

    def _choose_socket_dir(self) -> Path:
        if len(os.fsencode(self.folder / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_BYTES:
            return self.folder
        folder = Path(tempfile.mkdtemp(prefix="playhead-"))
        self._user.give(folder)
        return folder

    def _launch(self) -> None:
        options = dict(self._settings) | authentication.write_access_rules(self.folder, self._user)
        options |= {"unix_socket_directories": str(self._socket_dir)}
        for name in self._programs.unknown_settings():
            options.pop(name, None)
        arguments = [f"--{name}={value}" for name, value in options.items()]
        if self._log_file.exists() and self._log_file.stat().st_size > _LONGEST_LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.old"))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with open(os.open(self._log_file, flags, 0o600), "ab") as lines:  # noqa: PTH123 - with its mode
            self._process = subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
                [str(self._programs.folder / "postgres"), "-D", str(self.folder), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=lines,
                stderr=lines,
                start_new_session=True,  # Ctrl-C must not reach it; we stop it after the journal
                user=self._user.uid,
                group=self._user.gid,
                extra_groups=self._user.groups,
            )

    def _wait_until_ready(self) -> None:
        if self._process is None:  # pragma: no cover - _launch has just set it
            return
        deadline_s = monotonic_s() + _READY_S
        while not _is_ready(self.folder, self._process.pid):
            if self._process.poll() is not None:
                raise ServiceUnavailable(f"Postgres did not start: {self._read_last_log_lines()}")
            if self._stopping.wait(_POLL_S) or monotonic_s() > deadline_s:
                _end_process(self._process)
                raise ServiceUnavailable(f"Postgres was not ready in {_READY_S:.0f} s")

    def _run_program(self, program: str, *arguments: str) -> None:
        result = subprocess.run(  # noqa: S603 - our own binary, our own arguments
            [str(self._programs.folder / program), *arguments],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self._user.uid,
            group=self._user.gid,
            extra_groups=self._user.groups,
        )
        if result.returncode != 0:
            raise ServiceUnavailable(f"{program} failed: {log.shown(result.stderr.strip())}")

    def _read_last_log_lines(self) -> str:
        lines = self._log_file.read_text(errors="replace").splitlines()
        return " | ".join(lines[-3:])


def find_running_url(data_dir: Path, *, role: str = SUPERUSER) -> str | None:
    """Return the URL of a server that another process runs on `data_dir`, if there is one."""
    facts = _read_pid_file(data_dir.resolve() / "postgres")
    if facts is None or not _is_postgres_of(facts.pid, data_dir.resolve() / "postgres"):
        return None
    return make_socket_url(facts.socket_dir, role) if facts.is_ready else None


@dataclass(frozen=True, slots=True)
class _PidFile:
    pid: int
    socket_dir: Path
    is_ready: bool


def _read_pid_file(folder: Path) -> _PidFile | None:
    """Read the pid file of a running or dead server.

    Source: PostgreSQL, src/include/utils/pidfile.h, which gives the meaning of each line.
    """
    try:
        lines = (folder / _PID_FILE).read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or not lines[0].strip().isdigit():
        return None
    lines += [""] * 8
    return _PidFile(int(lines[0]), Path(lines[4]), lines[7].strip() == "ready")


def _is_ready(folder: Path, pid: int) -> bool:
    facts = _read_pid_file(folder)
    return facts is not None and facts.pid == pid and facts.is_ready


def _stop_leftover_server(folder: Path) -> None:
    """Stop a server that a killed process of ours left behind, and remove a stale pid file.

    Postgres refuses to start while a process with the pid in its file is alive. After a restart of
    a container that pid often belongs to another program, so its name and folder are checked.
    """
    facts = _read_pid_file(folder)
    if facts is None:
        return
    if _is_postgres_of(facts.pid, folder):
        log.get_logger("db.embedded").info("postgres_left_behind", pid=facts.pid)
        with suppress(psutil.NoSuchProcess):
            _end_process(psutil.Process(facts.pid))
    elif psutil.pid_exists(facts.pid) and not any(
        _is_postgres_of(pid, folder) for pid in psutil.pids()
    ):
        (folder / _PID_FILE).unlink(missing_ok=True)


def _is_postgres_of(pid: int, folder: Path) -> bool:
    try:
        process = psutil.Process(pid)
        return bool(process.name() == "postgres" and Path(process.cwd()) == folder)
    except psutil.Error:
        return False


def _end_process(process: "subprocess.Popen[bytes] | psutil.Process") -> None:
    """Ask for a fast shutdown, then an immediate one, then kill."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        try:
            process.send_signal(request)
            process.wait(_STOP_S)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            continue
        except psutil.NoSuchProcess:
            pass
        return


def make_socket_url(socket_dir: Path, role: str) -> str:
    """Return the URL of a server with this socket folder for a role."""
    return f"postgresql://{role}@/postgres?host={quote(str(socket_dir), safe='/')}"
