"""`playhead serve --workers 2` with an embedded Postgres is one server for those who run it."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psutil
import pytest

from app.cli import environment
from app.core.settings import Settings
from tests.support.servers.ports import find_free_port
from tests.support.waiting import PATIENCE_S, until

_ADDRESS = re.compile(r"Web app +(http://\S+)")


class CommandLine:
    """`playhead` on a data folder, as a person calls it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "PLAYHEAD_DATA_DIR": str(folder),
            "PLAYHEAD_PORT": str(port),
            "PLAYHEAD_JOURNAL_RESERVE_BYTES": "0",
            "PYTHONUNBUFFERED": "1",
        }
        self.output = folder.parent / "output"

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command whose output goes to a file."""
        with self.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "app.cli", *arguments],
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def call(self, *arguments: str) -> str:
        """Run a command to its end and return what it prints."""
        command = [sys.executable, "-m", "app.cli", *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        ).stdout


@pytest.fixture
def command_line() -> Iterator[CommandLine]:
    """The command on a new data folder, which the user of Postgres may reach."""
    with tempfile.TemporaryDirectory(prefix="playhead-") as folder:
        Path(folder).chmod(0o711)
        yield CommandLine(Path(folder) / "data", find_free_port())


async def test_workers_are_one_server_for_those_who_run_it(command_line: CommandLine):
    """One banner, one address, one Postgres that comes back when it dies, and a whole end."""
    process = command_line.start("serve", "--workers", "2")
    try:
        await until(lambda: is_banner_printed(command_line) or process.poll() is not None)
        base_url = environment.find_address(Settings(data_dir=command_line.folder))
        async with httpx2.AsyncClient(
            base_url=base_url, trust_env=False, timeout=PATIENCE_S
        ) as client:
            await check_sign_in(client, command_line.output.read_text("utf-8"))
            assert f"runs as process {process.pid}" in command_line.call("doctor")
            postgres = find_postgres(process.pid)
            postgres.kill()
            await until(lambda: find_postgres(process.pid).pid != postgres.pid)
            await until_ready(client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
    printed = command_line.output.read_text("utf-8")
    assert printed.count("Playhead is ready.") == 1
    assert len(set(_ADDRESS.findall(printed))) == 1
    assert "Traceback" not in printed
    assert not (command_line.folder / "playhead.address").exists()
    assert not (command_line.folder / "postgres" / "postmaster.pid").exists()
    assert list((command_line.folder / "journal").iterdir()) == []


def is_banner_printed(command_line: CommandLine) -> bool:
    """Tell whether the banner is there, whole.

    If the database is not prepared after 15 s, another text comes before it, with the same end.
    """
    _, _, banner = command_line.output.read_bytes().partition(b"Playhead is ready.")
    return b"Ctrl-C stops" in banner


async def check_sign_in(client: httpx2.AsyncClient, printed: str) -> None:
    """The link in the banner lets its reader in, whichever worker is asked."""
    link = re.findall(r"Sign in +\S+?(/sign-in/\S+)", printed)
    assert len(link) == 1
    assert (await client.get(link[0])).status_code == 200


async def until_ready(client: httpx2.AsyncClient) -> None:
    """Wait until both workers have found Postgres again."""
    in_a_row = 0
    while in_a_row < 8:
        with suppress(httpx2.TransportError):
            is_ready = (await client.get("/health/ready")).status_code == 200
            in_a_row = in_a_row + 1 if is_ready else 0


def find_postgres(pid: int) -> psutil.Process:
    """Return the Postgres server of a parent, which may be about to start."""
    for child in psutil.Process(pid).children():
        if child.name() == "postgres" and child.status() != psutil.STATUS_ZOMBIE:
            return child
    return psutil.Process(pid)
