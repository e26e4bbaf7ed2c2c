"""Tests of the messages of `playhead serve` for the person who started it."""

import os
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from app import __version__
from app.cli import environment, root, serve
from app.cli.root import app
from app.core.errors import InvalidInput, ServiceUnavailable
from app.core.settings import Settings
from app.db.folder import DataFolderLock
from app.main import StartReport

DSN = "http://0123456789abcdef0123456789abcdef@localhost:8000/1"
LINK = "http://localhost:8000/sign-in/token"


def test_second_server_on_a_folder_is_told_where_the_first_is(tmp_path: Path):
    """The message names the process and the address of the server that has the folder."""
    settings = Settings(data_dir=tmp_path)
    lock = DataFolderLock.acquire(tmp_path)
    environment.write_address(tmp_path, "http://localhost:9000")
    try:
        with pytest.raises(ServiceUnavailable, match=r"process \d+, http://localhost:9000"):
            serve.take_folder(settings)
    finally:
        lock.release()


def test_what_the_program_makes_is_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The umask is set before any command runs; the address is private whatever it is."""
    before = os.umask(0o022)
    try:
        environment.write_address(tmp_path, "http://localhost:9000")
        monkeypatch.setattr(root, "app", lambda **_: (tmp_path / "made").touch())
        root.main()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.iterdir())]
    assert modes == [0o600, 0o600]


def test_address_is_the_settings_when_no_server_left_word(tmp_path: Path):
    """Before a start and after a stop, links carry the address of the settings."""
    settings = Settings(data_dir=tmp_path, port=8123)
    environment.write_address(tmp_path, "http://localhost:9000")
    assert environment.find_address(settings) == "http://localhost:9000"
    environment.remove_address(tmp_path)
    assert environment.find_address(settings) == "http://localhost:8123"


def test_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch):
    """A wrong value stops the start and says which variable holds it."""
    monkeypatch.setenv("PLAYHEAD_STORAGE_THREADS", "0")
    with pytest.raises(
        InvalidInput, match=r"PLAYHEAD_STORAGE_THREADS: .*greater than or equal to 1"
    ):
        environment.read_settings()


def test_options_win_over_the_environment(monkeypatch: pytest.MonkeyPatch):
    """Options on the command line win; settings without an option come from the environment."""
    monkeypatch.setenv("PLAYHEAD_PORT", "1")
    monkeypatch.setenv("PLAYHEAD_HOST", "::1")
    settings = environment.read_settings(port=2, host=None)
    assert (settings.port, settings.host) == (2, "::1")


@pytest.mark.parametrize("link", [LINK, None])
def test_banner_tells_where_to_go(
    link: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Address, DSN and folder are always there; the link only for those who need it."""
    serve.print_banner(
        StartReport("http://localhost:8000", link, DSN, 1), Settings(data_dir=tmp_path)
    )
    printed = capsys.readouterr().out
    assert f"DSN      {DSN}\n" in printed
    assert str(tmp_path) in printed
    assert (LINK in printed) == (link is not None)
    assert "Postgres its own, in this folder\n" in printed


def test_banner_tells_that_an_external_postgres_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Its password is not shown."""
    settings = Settings(data_dir=tmp_path, database_url=SecretStr("postgresql://u:hunter2@db/x"))
    serve.print_banner(StartReport("http://localhost:8000", None, DSN, 1), settings)
    printed = capsys.readouterr().out
    assert "Postgres the one of PLAYHEAD_DATABASE_URL\n" in printed
    assert "hunter2" not in printed


def test_waiting_says_why_and_that_nothing_is_to_do(capsys: pytest.CaptureFixture[str]):
    """The server starts while the database is down, and says why and what happens meanwhile."""
    serve.print_waiting("http://localhost:8000", "Postgres cannot be reached: refused")
    printed = capsys.readouterr().out
    assert "Postgres cannot be reached: refused" in printed
    assert "tries again every second" in printed


@pytest.mark.parametrize(
    ("called", "line"),
    [
        ({"MAKELEVEL": "1", "PLAYHEAD_COMMAND": ".venv/bin/playhead"}, "run `make demo`"),
        ({"PLAYHEAD_COMMAND": ".venv/bin/playhead"}, "run `.venv/bin/playhead demo`"),
        ({}, "run `playhead demo`"),
    ],
)
def test_banner_says_what_its_reader_types(
    called: dict[str, str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Whoever installed the package has no Makefile, and in a checkout no `playhead` is known."""
    for name in ("MAKELEVEL", "PLAYHEAD_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    for name, value in called.items():
        monkeypatch.setenv(name, value)
    serve.print_banner(
        StartReport("http://localhost:8000", None, DSN, 1), Settings(data_dir=tmp_path)
    )
    assert line in capsys.readouterr().out


def test_demo_without_a_server_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The message names the command that the reader has installed."""
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    for name in ("MAKELEVEL", "PLAYHEAD_COMMAND"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(app, ["demo"])
    assert isinstance(result.exception, ServiceUnavailable)
    assert "start it with `playhead serve`" in str(result.exception)


def test_version_is_told():
    """`--version` prints the version and ends."""
    assert CliRunner().invoke(app, ["--version"]).output == f"playhead {__version__}\n"
