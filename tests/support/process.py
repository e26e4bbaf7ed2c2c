"""A server in a process of its own, to be killed or measured.

Run as a program this file is that process: it serves with the settings of its environment and
prints one line of JSON when it listens. With PLAYHEAD_TEST_HOLD set, digest stores nothing.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

from app import main
from app.core import log
from app.core.settings import Settings
from app.ingest import digest
from app.main import Started

_HOUSE: Final = Path(__file__).parents[2]
_HOLD: Final = "PLAYHEAD_TEST_HOLD"


@dataclass(frozen=True, slots=True)
class Process:
    """A running process and where it listens."""

    started: Started
    pid: int
    popen: "subprocess.Popen[bytes]"

    @property
    def base_url(self) -> str:
        """The address of the server."""
        return self.started.base_url

    def memory_bytes(self) -> int:
        """Return the most memory that the process has had resident so far."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self.popen.poll() is None

    def kill(self) -> None:
        """End it between two instructions, as a power cut would."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()


@contextmanager
def serving(
    database_url: str, folder: Path, *, hold_digest: bool = False, **settings: Any
) -> Iterator[Process]:
    """Start a server; stop it at the end, if it still runs.

    Args:
        database_url: A migrated database.
        folder: For journal and objects.
        hold_digest: Accept only.
        settings: More settings by name.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    values = {
        "data_dir": folder,
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "database_url": database_url,
        "journal_reserve_bytes": 0,
        "key_envelopes_per_s": 0,
        "key_bytes_per_s": 0,
        **settings,
    }
    environment = {
        **os.environ,
        "PYTHONPATH": str(_HOUSE),
        **{f"PLAYHEAD_{name.upper()}": str(value) for name, value in values.items()},
    }
    if hold_digest:
        environment[_HOLD] = "1"
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as popen:
        assert popen.stdout is not None
        line = popen.stdout.readline()
        assert line, "the server did not start"
        yield Process(Started(**json.loads(line)), popen.pid, popen)
        if popen.poll() is None:
            popen.terminate()
            popen.wait(30)


async def _never(*_args: object) -> None:
    await asyncio.Event().wait()


def _serve() -> None:
    log.set_up(json_lines=True)
    with mock.patch.object(digest, "store", _never) if os.environ.get(_HOLD) else nullcontext():
        main.run(Settings(), _tell)


def _tell(started: Started) -> None:
    os.write(1, json.dumps(asdict(started)).encode() + b"\n")


if __name__ == "__main__":
    _serve()
