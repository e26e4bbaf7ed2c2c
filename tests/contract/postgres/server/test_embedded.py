"""The embedded server starts quickly, is durable, and is restarted when it dies."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.db.server import embedded, postmaster, programs, system_user
from app.db.server.embedded import EmbeddedPostgres
from app.db.server.postmaster import Postmaster
from tests.support.waiting import until

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be root")


@pytest.fixture(scope="module")
def template_folder() -> Iterator[Path]:
    """Make a data folder with a cluster that was stopped in order, for tests to copy."""
    data_dir = Path(tempfile.mkdtemp(prefix="playhead-made-"))
    server = Postmaster(data_dir)
    server.start()
    server.stop()
    yield data_dir
    shutil.rmtree(data_dir)


@pytest.fixture
def data_dir(template_folder: Path) -> Iterator[Path]:
    """Copy the data folder for one test."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-data-"))
    subprocess.run(["cp", "-a", f"{template_folder}/.", str(folder)], check=True)
    yield folder
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres" and _works_in(process, folder):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EmbeddedPostgres]:
    """Run an embedded server that is checked often."""
    monkeypatch.setattr(embedded, "_WATCH_S", 0.01)
    monkeypatch.setattr(embedded, "_RETRY_S", 0.01)
    embedded_server = EmbeddedPostgres()
    await embedded_server.start(data_dir)
    yield embedded_server
    await embedded_server.stop()


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        return False


def _read_mode(path: Path) -> int | None:
    """Return the permissions of a path, or None when it does not exist."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def fetch_value(url: str, sql: str) -> object:
    """Run one statement and return its value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_an_empty_folder_becomes_a_database():
    """The first start makes a cluster of version 18 that is durable and private."""
    data_dir = Path(tempfile.mkdtemp(prefix="playhead-bare-")) / "deep" / "data"
    data_dir.parents[1].chmod(0o711)
    server = EmbeddedPostgres()
    assert server.pid is None
    url = (await server.start(data_dir)).owner
    try:
        assert str(await fetch_value(url, "show server_version")).startswith("18.")
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await fetch_value(url, f"show {setting}") == "on"
        assert await fetch_value(url, "show server_encoding") == "UTF8"
        assert await fetch_value(url, "show listen_addresses") == ""
        assert stat.S_IMODE((data_dir / "postgres").stat().st_mode) == 0o700
    finally:
        await server.stop()
        shutil.rmtree(data_dir.parents[1])
    assert server.pid is None


async def test_rows_survive_stop_and_start(data_dir: Path):
    """A second start finds the rows that were written before."""
    first = EmbeddedPostgres()
    url = (await first.start(data_dir)).owner
    await fetch_value(url, "create table kept (x int)")
    await first.stop()
    second = EmbeddedPostgres()
    assert (await second.start(data_dir)).owner == url
    assert await fetch_value(url, "select count(*) from kept") == 0
    await second.stop()


async def test_a_killed_server_comes_back_with_every_committed_row(server: EmbeddedPostgres):
    """A killed postmaster is restarted at the same address, and no commit is lost."""
    url = server.urls.owner
    await fetch_value(url, "create table kept (x int)")
    database = Database.open(url)
    for turn in range(2):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(f"insert into kept values ({turn})")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: server.restarts > turn)  # noqa: B023 - awaited in its turn
        async with database.reading() as connection:
            count = await connection.exec_driver_sql("select count(*) from kept")
            assert count.scalar_one() == turn + 1
    assert server.restarts == 2
    await database.close()


async def test_a_server_that_cannot_start_is_retried(server: EmbeddedPostgres, data_dir: Path):
    """The server is started again and again, with a log line, until its start succeeds."""
    control = data_dir / "postgres" / "global" / "pg_control"
    moved_control = control.with_name("aside")
    control.rename(moved_control)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    log = data_dir / "postgres.log"
    await until(lambda: "could not find the database system" in log.read_text())
    moved_control.rename(control)
    await until(lambda: server.restarts > 0)
    assert await fetch_value(server.urls.owner, "select 1") == 1


async def test_a_failed_start_reports_what_postgres_wrote(data_dir: Path):
    """The error of a broken cluster carries the last lines that Postgres wrote."""
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(ServiceUnavailable, match=r"did not start: .*control"):
        await EmbeddedPostgres().start(data_dir)


async def test_a_cluster_of_another_version_is_not_touched(data_dir: Path):
    """A cluster of another version is left alone, since its upgrade is up to the operator."""
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServiceUnavailable, match="made by Postgres 16"):
        await EmbeddedPostgres().start(data_dir)


async def test_a_kill_during_initdb_does_not_block_the_next_start(data_dir: Path):
    """Half a cluster lies in a folder of its own, and is removed and made again."""
    (data_dir / "postgres").rename(data_dir / "postgres.making")
    (data_dir / "postgres.making" / "PG_VERSION").unlink()
    server = EmbeddedPostgres()
    url = (await server.start(data_dir)).owner
    assert await fetch_value(url, "select 1") == 1
    await server.stop()
    assert not (data_dir / "postgres.making").exists()


def test_a_failed_initdb_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The error carries what initdb wrote."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "initdb").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    (folder / "initdb").chmod(0o755)
    monkeypatch.setattr(
        programs.PostgresPrograms, "find", lambda _configured: programs.PostgresPrograms(folder, 18)
    )
    monkeypatch.setattr(postmaster, "find_system_user", system_user.SystemUser)
    with pytest.raises(ServiceUnavailable, match="initdb failed: no space left"):
        Postmaster(tmp_path / "data").start()


async def test_the_server_of_a_killed_process_is_replaced(data_dir: Path):
    """When a killed Playhead leaves its Postgres behind, the next start replaces it."""
    left_behind = Postmaster(data_dir)
    await fetch_value(left_behind.start(), "create table kept (x int)")
    urls_before = EmbeddedPostgres.running(data_dir)
    server = EmbeddedPostgres()
    urls = await server.start(data_dir)
    assert left_behind.pid is None
    assert EmbeddedPostgres.running(data_dir) == urls_before == urls
    assert await fetch_value(urls.owner, "select count(*) from kept") == 0
    await server.stop()
    assert EmbeddedPostgres.running(data_dir) is None


async def test_a_pid_file_of_another_process_is_stale(data_dir: Path):
    """In a restarted container the old pid is often Playhead's own, and is ignored."""
    left_behind = Postmaster(data_dir)
    left_behind.start()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file_text = pid_file.read_text()
    assert left_behind._process is not None
    os.kill(left_behind._process.pid, signal.SIGKILL)
    left_behind._process.wait()
    await until(lambda: not any(_works_in(process, data_dir) for process in psutil.process_iter()))
    old_pid, _, other_lines = pid_file_text.partition("\n")
    assert old_pid == str(left_behind._process.pid)
    pid_file.write_text(f"{os.getpid()}\n{other_lines}")
    assert EmbeddedPostgres.running(data_dir) is None
    server = EmbeddedPostgres()
    url = (await server.start(data_dir)).owner
    assert await fetch_value(url, "select 1") == 1
    await server.stop()


@pytest.mark.parametrize("text", ["", "no number\n"])
def test_a_truncated_pid_file_is_ignored(data_dir: Path, text: str):
    """An empty pid file, as a full disk leaves it, means that no server runs."""
    (data_dir / "postgres" / "postmaster.pid").write_text(text)
    assert EmbeddedPostgres.running(data_dir) is None
    postmaster._stop_leftover_server(data_dir / "postgres")


async def test_a_deep_data_folder_gets_a_short_socket_path(data_dir: Path):
    """A socket whose path would exceed 107 bytes is put into a private folder."""
    deep = data_dir / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    (data_dir / "postgres").rename(deep / "postgres")
    server = EmbeddedPostgres()
    url = (await server.start(deep)).owner
    socket_dir = Path(url.partition("host=")[2])
    assert not socket_dir.is_relative_to(data_dir)
    assert _read_mode(socket_dir) == 0o700
    assert await fetch_value(url, "select 1") == 1
    assert EmbeddedPostgres.running(deep) == server.urls
    await server.stop()
    assert _read_mode(socket_dir) is None


def test_a_server_that_ignores_the_stop_is_killed(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """Stop returns in bounded time, whatever the server does."""
    monkeypatch.setattr(postmaster, "_STOP_S", 0.05)
    server = Postmaster(data_dir)
    server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    server.stop()
    assert server.pid is None


def test_a_leftover_that_ends_by_itself_is_no_error():
    """A leftover server may end between being found and being stopped."""
    with subprocess.Popen(["true"]) as ended:
        process = psutil.Process(ended.pid)
    postmaster._end_process(process)
    assert not process.is_running()


def test_stop_does_not_wait_for_a_server_that_is_still_starting(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C during a long recovery ends the start."""
    server = Postmaster(data_dir)
    monkeypatch.setattr(postmaster, "_is_ready", lambda *_: server._stopping.set())
    with pytest.raises(ServiceUnavailable, match="not ready"):
        server.start()
    assert server.pid is None


def test_a_server_that_was_not_started_has_no_address(tmp_path: Path):
    """Before a start there is no address, and after `stop` no start succeeds."""
    server = Postmaster(tmp_path)
    with pytest.raises(ServiceUnavailable, match="not been started"):
        _ = server.url
    server.stop()
    with pytest.raises(ServiceUnavailable, match="been stopped"):
        server.start()


async def test_stop_without_start_does_nothing():
    """A shutdown after a failed start is not a second failure."""
    server = EmbeddedPostgres()
    await server.stop()
    with pytest.raises(ServiceUnavailable):
        _ = server.urls.owner


def test_a_second_start_changes_nothing(data_dir: Path):
    """A server that runs already is left alone."""
    server = Postmaster(data_dir)
    url = server.start()
    pid = server.pid
    assert server.start() == url
    assert server.pid == pid
    server.stop()


def test_the_servers_log_is_rotated_at_the_start(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    """A log over its limit is renamed at the next start."""
    monkeypatch.setattr(postmaster, "_LONGEST_LOG_BYTES", 10)
    (data_dir / "postgres.log").write_text("x" * 11)
    server = Postmaster(data_dir)
    server.start()
    server.stop()
    assert (data_dir / "postgres.log.old").read_text() == "x" * 11


def test_without_binaries_the_error_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Without binaries for this machine the error says to use another Postgres server."""
    monkeypatch.setattr(programs, "PACKAGE", "no_such_package")
    with pytest.raises(ServiceUnavailable, match="PLAYHEAD_DATABASE_URL"):
        Postmaster(tmp_path).start()


@AS_ROOT
def test_as_root_only_the_cluster_belongs_to_the_other_user(data_dir: Path):
    """Postgres's user may pass through the data folder, but neither list nor read it."""
    data_dir.chmod(0o700)
    server = Postmaster(data_dir)
    server.start()
    assert server.pid is not None
    uid = pwd.getpwnam(system_user.SYSTEM_USER).pw_uid
    assert psutil.Process(server.pid).uids().real == uid
    assert (data_dir / "postgres").stat().st_uid == uid
    assert (data_dir.stat().st_uid, data_dir.stat().st_gid) == (0, pwd.getpwuid(uid).pw_gid)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o710
    server.stop()


@AS_ROOT
def test_as_root_no_parent_folder_is_opened(data_dir: Path):
    """A closed parent folder stays closed, and the start fails and says what to do."""
    closed = data_dir / "home"
    (closed / "data").mkdir(parents=True, mode=0o700)
    closed.chmod(0o700)
    data_dir.chmod(0o711)
    with pytest.raises(ServiceUnavailable, match=rf"{closed} is closed.*PLAYHEAD_DATA_DIR"):
        Postmaster(closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    os.chown(closed, 0, pwd.getpwnam(system_user.SYSTEM_USER).pw_gid)
    closed.chmod(0o710)  # the right of the group is enough
    server = Postmaster(closed / "data")
    server.start()
    server.stop()


@AS_ROOT
def test_an_ordinary_user_runs_the_server_as_themselves():
    """Without root the server runs as the same user."""
    nobody = pwd.getpwnam("nobody")
    data_dir = Path(tempfile.mkdtemp(prefix="playhead-nobody-"))
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    child = os.fork()
    if child == 0:  # a fork, because that user may be unable to start this interpreter
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            server = Postmaster(data_dir)
            server.start()
            username = psutil.Process(server.pid).username()
            server.stop()
            (data_dir / "answer").write_text(username)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    answer = (data_dir / "answer").read_text()
    shutil.rmtree(data_dir)
    assert answer == "nobody"


def test_the_server_listens_on_its_socket_only(data_dir: Path):
    """The server has no TCP port, so the network cannot reach the database."""
    server = Postmaster(data_dir)
    server.start()
    assert server.pid is not None
    listening = [
        connection
        for process in (psutil.Process(server.pid), *psutil.Process(server.pid).children())
        for connection in process.net_connections("inet")
    ]
    assert listening == []
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(data_dir / "postgres" / ".s.PGSQL.5432"))
    server.stop()
