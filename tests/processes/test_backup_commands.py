"""The commands for backups work on a server with its own Postgres, while it runs."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import environment
from app.db.folder import DataFolderLock
from tests.support.servers import process
from tests.support.servers.process import CommandResult
from tests.support.servers.server import alone


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of Postgres may enter, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="playhead-backup-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def run_playhead(data_dir: Path, *arguments: str) -> CommandResult:
    """Run a command on a data folder to its end."""
    variables = {"PLAYHEAD_DATA_DIR": str(data_dir), "COLUMNS": "200"}
    return process.run_command(*arguments, folder=data_dir.parent, environment=variables)


async def test_a_running_server_is_backed_up_and_restored_beside_it(folder: Path):
    """Each command says what it did, or why not and what to do."""
    data, copy, backups = folder / "data", folder / "copy", str(folder / "backups")
    with process.launch_and_wait(None, data):
        output = run_playhead(data, "backup", backups)
        assert output.status == 0, output.errors
        assert re.match(r"Made [\dT-]+Z \(database \d+ KiB, 0 objects of 0 bytes\)", output.output)
        assert "Dumping the database" in output.errors
        inside = run_playhead(data, "backup", str(data / "backups"))
        assert (inside.status, inside.output) == (1, "")
        assert "is inside of the data folder" in inside.errors
    verified = run_playhead(data, "backup", "--verify", backups)
    assert verified.output.endswith("every byte is as it was written.\n"), verified.errors
    lock = DataFolderLock.acquire(copy)
    running = run_playhead(copy, "restore", backups)
    lock.release()
    assert running.status == 1
    assert f"Playhead already runs on this data folder (process {os.getpid()}" in running.errors
    restored = run_playhead(copy, "restore", backups)
    assert restored.status == 0, restored.errors
    assert f"Start the server with `{environment.format_command('serve')}`." in restored.output
    async with alone(None, copy) as (_, client):
        assert (await client.get("/health/ready")).status_code == 200
