"""The commands about processes and their store, run as a person runs them."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.root import app
from app.core.errors import InvalidInput, NotFound
from app.db.engine import Database
from app.processes.heartbeat import ProcessHeartbeat, make_identity
from app.processes.model import ProcessCondition
from app.storage.disk.local import LocalStore
from tests.support.servers.postgres import run_sql


@pytest.fixture
def settings(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the settings name the test's database and a folder of its own."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    """Run a command and return its result."""
    return CliRunner().invoke(app, list(arguments))


def write_heartbeat(database_url: str, *, store: str = "", is_old: bool = False) -> str:
    """Let a process tell that it runs, or that it ran an hour ago; returns its id."""

    async def write() -> str:
        database = Database.open(database_url, pool_size=1)
        heartbeat = ProcessHeartbeat(
            database,
            make_identity(version="9.9", journal_id="a" * 32, store=store),
            lambda: ProcessCondition(backlog_entries=1_234, backlog_bytes=5_000_000),
            heartbeat_s=5,
            silent_after_s=60,
        )
        await heartbeat.work()
        await database.close()
        if is_old:
            await run_sql(
                database_url, "update processes set seen_at = seen_at - interval '1 hour'"
            )
        return heartbeat.identity.process_id

    return asyncio.run(write())


def read_actions(database_url: str) -> list[str]:
    """Return the actions in the audit log."""

    async def read() -> list[str]:
        database = Database.open(database_url, pool_size=1)
        async with database.reading() as connection:
            rows = await connection.exec_driver_sql("select action, detail from audit_lines")
            lines = [f"{row.action} {row.detail}" for row in rows]
        await database.close()
        return lines

    return asyncio.run(read())


def test_processes_are_listed_and_only_dead_ones_forgotten(settings, database_url):
    """A person sees what waits where, and cannot remove what runs."""
    assert "No process" in run("processes", "list").output
    running = write_heartbeat(database_url)
    listed = run("processes", "list").output
    assert running[:8] in listed
    assert "live" in listed
    assert "1,234, 4.8 MiB" in listed
    assert "9.9" in listed
    result = run("processes", "forget", running, "--yes")
    assert isinstance(result.exception, InvalidInput)
    assert isinstance(run("processes", "forget", "b" * 32, "--yes").exception, NotFound)
    assert isinstance(run("processes", "forget", running[:7], "--yes").exception, InvalidInput)
    dead = write_heartbeat(database_url, is_old=True)
    assert "silent" in run("processes", "list").output
    assert run("processes", "forget", dead).exit_code == 1  # asked, and not answered
    assert run("processes", "forget", dead[:8], "--yes").output == "Removed.\n"
    assert dead[:8] not in run("processes", "list").output
    (line,) = read_actions(database_url)
    assert line.startswith("process_forgotten")
    assert "'envelopes': 1234" in line


def test_a_store_is_claimed_after_the_objects_moved(settings, database_url, monkeypatch):
    """Without its mark another folder is refused, and with a claim it is taken."""
    assert "has claimed no store yet" in run("storage", "show").output
    assert run("storage", "claim").exit_code == 1  # asked, and not answered
    assert "has claimed" in run("storage", "claim", "--yes").output
    output = run("storage", "show")
    assert output.exit_code == 0
    assert "Both are the same store." in output.output
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(settings / "elsewhere"))
    (settings / "elsewhere").mkdir()
    output = run("storage", "show")
    assert output.exit_code == 1
    assert "not the same store" in output.output
    write_heartbeat(database_url, store="/another on host")
    refused = run("storage", "claim", "--yes").exception
    assert isinstance(refused, InvalidInput)
    assert "/another on host" in str(refused)
    write_heartbeat(database_url, store="/another on host", is_old=True)
    run("storage", "claim", "--yes")
    assert run("storage", "show").exit_code == 0
    assert [line.split()[0] for line in read_actions(database_url)] == ["store_claimed"] * 2


async def test_the_mark_says_what_it_is(settings, database_url, tmp_path):
    """Somebody who finds it in a bucket learns what it is for."""
    await asyncio.to_thread(run, "storage", "claim", "--yes")
    store = LocalStore(tmp_path / "objects", threads=1)
    (mark,) = await store.list("store/")
    assert b"belongs to its database" in await store.read(mark.key)
    await store.close()
