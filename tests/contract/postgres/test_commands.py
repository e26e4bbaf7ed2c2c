"""The commands that read and write the database, run as a person runs them."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.root import app
from app.core.errors import InvalidInput, NotFound
from tests.support.servers.postgres import as_app, run_sql

KEY = "0123456789abcdef0123456789abcdef"


class Terminal:
    """Runs commands against the database of the test."""

    def says(self, *arguments: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        result = self.run(*arguments)
        assert result.exception is None, result.output
        return result.output

    def run(self, *arguments: str) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def terminal(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal whose settings name the test's database and a folder of its own."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLAYHEAD_PUBLIC_URL", "https://replays.example.com")
    return Terminal()


def test_new_project_has_a_dsn(terminal: Terminal):
    """One command makes a project that an app can send to."""
    said = terminal.says("project", "add", "Shop app")
    assert "(slug shop-app)" in said
    assert "@replays.example.com/" in said
    assert "shop-app" in terminal.says("project", "list")


def test_a_person_is_renamed_made_admin_and_shut_out(terminal: Terminal):
    """Each shows in the list; whoever is shut out gets no link until they are let in again."""
    terminal.says("user", "add", "ann@example.com")
    terminal.says("user", "rename", "Ann@Example.com", "Ann Lee")
    terminal.says("user", "admin", "ann@example.com")
    (line,) = [one for one in terminal.says("user", "list").splitlines() if "Ann Lee" in one]
    assert "admin" in line
    terminal.says("user", "admin", "ann@example.com", "--off")
    terminal.says("user", "disable", "ann@example.com")
    (line,) = [one for one in terminal.says("user", "list").splitlines() if "Ann Lee" in one]
    assert "disabled" in line
    assert isinstance(terminal.run("user", "link", "ann@example.com").exception, InvalidInput)
    terminal.says("user", "enable", "ann@example.com")
    assert "/sign-in/" in terminal.says("user", "link", "ann@example.com")


def test_key_of_another_server_is_taken_over_and_switched_off(terminal: Terminal):
    """A DSN's key can be kept when moving; off is shown as off."""
    terminal.says("project", "add", "Shop app")
    assert f"https://{KEY}@" in terminal.says("key", "add", "shop-app", "--key", KEY)
    terminal.says("key", "off", "shop-app", KEY)
    lines = terminal.says("key", "list", "shop-app").splitlines()
    assert [line.split()[0] for line in lines if KEY in line] == ["off"]


def test_person_gets_a_link_and_another(terminal: Terminal):
    """A new person gets a sign-in link, and whoever forgot the password a new one."""
    terminal.says("project", "add", "Shop app")
    first = terminal.says("user", "add", "Ann@Example.com", "--project", "shop-app")
    second = terminal.says("user", "link", "ann@example.com")
    links = [
        line
        for line in (first + second).splitlines()
        if line.startswith("https://replays.example.com/sign-in/")
    ]
    assert len(set(links)) == 2
    assert "ann@example.com" in terminal.says("user", "list")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("user", "link", "nobody@example.com"), NotFound),
        (("key", "list", "no-such"), NotFound),
        (("erase", "no-such", KEY), NotFound),
        (("erase", "no-such", "not-hex"), InvalidInput),
        (("key", "off", "no-such", "not-hex"), InvalidInput),
    ],
)
def test_what_is_not_there_is_refused(
    terminal: Terminal, arguments: tuple[str, ...], error: type[Exception]
):
    """Wrong ids and addresses end in an error of ours, which `main` prints as one line."""
    assert isinstance(terminal.run(*arguments).exception, error)


def test_doctor_finds_a_migrated_database_well(terminal: Terminal):
    """Database, schema, clock, disk and storage are looked at, and nothing is wrong."""
    said = terminal.says("doctor")
    for subject in (
        "schema", "clock", "disk space", "journal", "quarantine", "storage", "pictures",
    ):  # fmt: skip
        assert f"ok    {subject}" in said
    assert "database       external, Postgres" in said  # its age depends on today


def test_doctor_says_what_the_role_of_the_server_may_do(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, database_url: str
):
    """A superuser and an owner of the audit log are risks, a right that is missing is a fault."""
    said = terminal.says("doctor")
    assert "warn  database role" in said
    told = " ".join(said.split())
    assert "is a superuser" in told
    assert "owns the audit log" in told
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", as_app(database_url))
    assert "ok    database role  playhead reads and writes rows" in terminal.says("doctor")
    asyncio.run(run_sql(database_url, "revoke insert, update on segments from playhead"))
    result = terminal.run("doctor")
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "playhead lacks rights: insert on segments, update on segments" in told


def test_migrate_grants_as_the_owner(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, database_url: str
):
    """With both settings, the command repairs what the server's role lacks."""
    asyncio.run(run_sql(database_url, "revoke insert on segments from playhead"))
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", as_app(database_url))
    monkeypatch.setenv("PLAYHEAD_DATABASE_OWNER_URL", database_url)
    assert "Nothing to do" in terminal.says("migrate")
    assert "ok    database role" in terminal.says("doctor")


def test_doctor_says_that_the_database_is_away(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A database that cannot be reached ends in status 1, and the other checks are made."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    result = terminal.run("doctor")
    assert result.exit_code == 1
    assert "fail  database" in result.output
    assert "ok    storage" in result.output
