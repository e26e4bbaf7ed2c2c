"""Tests run the commands that read and write the database as a person runs them."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import environment
from app.cli.root import app
from app.core.errors import InvalidInput, NotFound
from tests.support.servers.postgres import as_app, run_sql

KEY = "0123456789abcdef0123456789abcdef"


class Terminal:
    """Runs commands against the database of the test."""

    def run_successfully(self, *arguments: str) -> str:
        """Run a command that must succeed, and return its output."""
        result = self.run(*arguments)
        assert result.exception is None, result.output
        return result.output

    def run(self, *arguments: str) -> Result:
        """Run a command and return its result."""
        return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def terminal(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal whose settings name the test's database and a folder of its own."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLAYHEAD_PUBLIC_URL", "https://replays.example.com")
    return Terminal()


def test_a_new_project_has_a_dsn(terminal: Terminal):
    """One command adds a project and prints the DSN to which an app can send."""
    output = terminal.run_successfully("project", "add", "Shop app")
    assert "(slug shop-app)" in output
    assert "@replays.example.com/" in output
    assert "shop-app" in terminal.run_successfully("project", "list")


def test_a_person_is_renamed_made_admin_and_disabled(terminal: Terminal):
    """Each change shows in the list, and a disabled person gets no link until enabled again."""
    terminal.run_successfully("user", "add", "ann@example.com")
    terminal.run_successfully("user", "rename", "Ann@Example.com", "Ann Lee")
    terminal.run_successfully("user", "admin", "ann@example.com")
    (line,) = [
        line_of_list
        for line_of_list in terminal.run_successfully("user", "list").splitlines()
        if "Ann Lee" in line_of_list
    ]
    assert "admin" in line
    for last in (
        ("user", "admin", "ann@example.com", "--off"),
        ("user", "disable", "ann@example.com"),
    ):
        assert isinstance(terminal.run(*last).exception, InvalidInput)
    terminal.run_successfully("user", "add", "bo@example.com", "--admin")
    terminal.run_successfully("user", "admin", "ann@example.com", "--off")
    terminal.run_successfully("user", "deactivate", "ann@example.com")
    (line,) = [
        line_of_list
        for line_of_list in terminal.run_successfully("user", "list").splitlines()
        if "Ann Lee" in line_of_list
    ]
    assert "deactivated" in line
    assert isinstance(terminal.run("user", "link", "ann@example.com").exception, InvalidInput)
    terminal.run_successfully("user", "reactivate", "ann@example.com")
    assert "/sign-in/" in terminal.run_successfully("user", "link", "ann@example.com")


def test_a_key_of_another_server_is_added_and_switched_off(terminal: Terminal):
    """A move can keep the key of a DSN, and a key that is off is listed as off."""
    terminal.run_successfully("project", "add", "Shop app")
    assert f"https://{KEY}@" in terminal.run_successfully("key", "add", "shop-app", "--key", KEY)
    terminal.run_successfully("key", "off", "shop-app", KEY)
    lines = terminal.run_successfully("key", "list", "shop-app").splitlines()
    assert [line.split()[0] for line in lines if KEY in line] == ["off"]


def test_a_person_gets_a_new_link_on_request(terminal: Terminal):
    """A new person gets a sign-in link, and another command prints a new one."""
    terminal.run_successfully("project", "add", "Shop app")
    first = terminal.run_successfully("user", "add", "Ann@Example.com", "--project", "shop-app")
    second = terminal.run_successfully("user", "link", "ann@example.com")
    links = [
        line
        for line in (first + second).splitlines()
        if line.startswith("https://replays.example.com/sign-in/")
    ]
    assert len(set(links)) == 2
    assert "ann@example.com" in terminal.run_successfully("user", "list")


def test_a_dry_run_counts_and_an_erasure_begins(terminal: Terminal):
    """A dry run changes nothing; a project is deleted only if its name confirms it."""
    terminal.run_successfully("project", "add", "Shop app")
    for command in (
        ("person", "shop-app", "--id", "42", "--email", "ada@example.com"),
        ("range", "shop-app", "--since", "2026-01-01", "--until", "2026-02-01", "--only", "logs"),
        ("project", "shop-app"),
    ):
        output = terminal.run_successfully("erase", *command, "--dry-run")
        assert output.strip() == "Would erase: nothing."
    begun = terminal.run_successfully("erase", "person", "shop-app", "--id", "42")
    assert "https://replays.example.com/erasures/" in begun
    assert isinstance(terminal.run("erase", "project", "shop-app").exception, InvalidInput)
    terminal.run_successfully("erase", "project", "shop-app", "--name", "Shop app")
    assert "shop-app" not in terminal.run_successfully("project", "list")


def test_keys_are_renamed_and_switched_on_again(terminal: Terminal):
    """The list has the name, the state and the last use of each key."""
    terminal.run_successfully("project", "add", "Shop app")
    terminal.run_successfully("key", "add", "shop-app", "--key", KEY, "--label", "iOS")
    terminal.run_successfully("key", "rename", "shop-app", KEY, "Android")
    terminal.run_successfully("key", "off", "shop-app", KEY)
    terminal.run_successfully("key", "on", "shop-app", KEY)
    lines = terminal.run_successfully("key", "list", "shop-app").splitlines()
    (words,) = [line.split() for line in lines if KEY in line]
    assert words[:3] == ["on", "Android", "never"]


def test_members_change_and_an_owner_stays(terminal: Terminal):
    """Roles are listed, set and taken away, and the last owner cannot go."""
    terminal.run_successfully("project", "add", "Shop app")
    for email, role in (("ann@example.com", "owner"), ("qa@example.com", "viewer")):
        terminal.run_successfully("user", "add", email, "--project", "shop-app", "--role", role)
    terminal.run_successfully("project", "set-role", "shop-app", "qa@example.com", "member")
    members = terminal.run_successfully("project", "members", "shop-app").splitlines()
    assert [line.split()[-1] for line in members if "qa@example.com" in line] == ["member"]
    for last in (
        ("project", "remove-member", "shop-app", "ann@example.com"),
        ("project", "set-role", "shop-app", "ann@example.com", "viewer"),
    ):
        assert isinstance(terminal.run(*last).exception, InvalidInput)
    terminal.run_successfully("project", "remove-member", "shop-app", "qa@example.com")
    assert "qa@example.com" not in terminal.run_successfully("project", "members", "shop-app")
    assert "do not see" in terminal.run_successfully("project", "bodies", "shop-app", "--hide")
    assert "see bodies" in terminal.run_successfully("project", "bodies", "shop-app", "--show")


def test_a_second_add_gives_a_role_and_sign_ins_are_ended(terminal: Terminal):
    """Whoever has an account gets the role; signing out everywhere leaves no sign-in."""
    for name in ("Shop app", "Web"):
        terminal.run_successfully("project", "add", name)
    terminal.run_successfully("user", "add", "qa@example.com", "--project", "shop-app")
    terminal.run_successfully("user", "add", "qa@example.com", "--project", "web", "--days", "7")
    assert "qa@example.com" in terminal.run_successfully("project", "members", "web")
    again = terminal.run("user", "add", "qa@example.com", "--project", "web")
    assert isinstance(again.exception, InvalidInput)
    assert "Browser" in terminal.run_successfully("user", "sign-ins", "qa@example.com")
    assert "everywhere" in terminal.run_successfully("user", "sign-out", "qa@example.com")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("user", "link", "nobody@example.com"), NotFound),
        (("key", "list", "no-such"), NotFound),
        (("erase", "replay", "no-such", KEY), NotFound),
        (("erase", "replay", "no-such", "not-hex"), InvalidInput),
        (("erase", "person", "no-such", "--id", "42"), NotFound),
        (("erase", "person", "my-app"), InvalidInput),
        (("erase", "person", "my-app", "--email", "not an address"), InvalidInput),
        (("erase", "range", "my-app", "--since", "soon", "--until", "later"), InvalidInput),
        (
            ("erase", "range", "my-app", "--since", "2026-01-02", "--until", "2026-01-01"),
            InvalidInput,
        ),
        (("erase", "project", "no-such", "--dry-run"), NotFound),
        (("key", "off", "no-such", "not-hex"), InvalidInput),
        (("key", "on", "no-such", KEY), NotFound),
        (("project", "members", "no-such"), NotFound),
        (("project", "bodies", "no-such", "--hide"), NotFound),
        (("user", "sign-ins", "nobody@example.com"), NotFound),
        (("user", "add", "ann@example.com", "--days", "5"), InvalidInput),
    ],
)
def test_unknown_names_and_malformed_ids_are_refused(
    terminal: Terminal, arguments: tuple[str, ...], error: type[Exception]
):
    """Unknown names and malformed ids end in an error, which `main` prints as one line."""
    assert isinstance(terminal.run(*arguments).exception, error)


def test_the_doctor_finds_no_fault_with_a_migrated_database(terminal: Terminal):
    """The doctor checks schema, clock, disk and storage, and finds no fault."""
    output = terminal.run_successfully("doctor")
    for subject in (
        "schema", "clock", "disk space", "journal", "quarantine", "storage", "pictures",
        "erasure log", "debug files",
    ):  # fmt: skip
        assert f"ok    {subject}" in output
    words = " ".join(output.split())
    assert "database external, Postgres" in words  # its age depends on the date
    # Each check is one line where no terminal is, however long it is.
    _, *lines = output.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "warn"}


def test_the_doctor_checks_the_rights_of_the_database_role(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, database_url: str
):
    """A superuser or an owner of the audit log is a warning, and a missing right is a failure."""
    output = terminal.run_successfully("doctor")
    assert "warn  database role" in output
    words = " ".join(output.split())
    assert "is a superuser" in words
    assert "owns the audit log" in words
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", as_app(database_url))
    words = " ".join(terminal.run_successfully("doctor").split())
    assert "ok database role playhead reads and writes rows" in words
    asyncio.run(run_sql(database_url, "revoke insert, update on segments from playhead"))
    result = terminal.run("doctor")
    assert result.exit_code == 1
    words = " ".join(result.output.split())
    assert "playhead lacks rights: insert on segments, update on segments" in words


def test_migrate_grants_missing_rights_as_the_owner(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, database_url: str
):
    """Given both settings, the command grants the rights that the server's role lacks."""
    asyncio.run(run_sql(database_url, "revoke insert on segments from playhead"))
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", as_app(database_url))
    monkeypatch.setenv("PLAYHEAD_DATABASE_OWNER_URL", database_url)
    assert "Nothing to do" in terminal.run_successfully("migrate")
    assert "ok    database role" in terminal.run_successfully("doctor")


def test_the_doctor_reports_an_unreachable_database(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """An unreachable database ends in status 1, and the other checks are still made."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", f"postgresql://nobody@/none?host={tmp_path}")
    result = terminal.run("doctor")
    assert result.exit_code == 1
    assert "fail  database" in result.output
    assert "ok    storage" in result.output


def test_retention_is_shown_planned_and_run(terminal: Terminal):
    """The commands show the rules, and say that nothing is due in an empty project."""
    terminal.run_successfully("project", "add", "Shop app")
    assert "Kept for ever." in terminal.run_successfully("retention", "show")
    for arguments in (("plan",), ("plan", "shop-app"), ("run", "--dry-run"), ("run",)):
        assert "Nothing is due." in terminal.run_successfully("retention", *arguments)
    assert isinstance(terminal.run("retention", "plan", "nothing").exception, NotFound)


def test_a_token_is_printed_alone_and_revoked(terminal: Terminal):
    """The last line of `token add` is the token; lists show its ending only, until it is off."""
    terminal.run_successfully("project", "add", "Shop app")
    output = terminal.run_successfully(
        "token", "add", "GitHub", "--project", "shop-app", "--scope", "read,upload"
    )
    token = output.splitlines()[-1]
    prefix, claims, secret = token.split("_")
    read = json.loads(base64.b64decode(claims, validate=True))
    assert (prefix, len(secret), read.pop("iat") > 0) == ("sntrys", 43, True)
    address = "https://replays.example.com"
    assert read == {"url": address, "region_url": address, "org": "playhead"}
    listed = terminal.run_successfully("token", "list", "--project", "shop-app")
    assert f"…{token[-4:]}" in listed
    assert secret not in listed
    assert "read, upload" in listed
    assert "event:read, project:read, project:releases, upload" in output
    terminal.run_successfully("token", "revoke", "1")
    assert "revoked" in terminal.run_successfully("token", "list")


def test_a_token_names_the_address_that_it_is_told(terminal: Terminal, tmp_path: Path):
    """`--url` wins; a token is for one project or for one person, with scopes that exist."""
    terminal.run_successfully("project", "add", "Shop app")
    terminal.run_successfully("user", "add", "ann@example.com")
    output = terminal.run_successfully(
        "token", "add", "CI", "--person", "ann@example.com", "--url", "http://10.0.0.7:8000/"
    )
    claims = json.loads(base64.b64decode(output.splitlines()[-1].split("_")[1]))
    assert claims["url"] == "http://10.0.0.7:8000"
    for arguments in (
        ("CI",),
        ("CI", "--project", "shop-app", "--person", "ann@example.com"),
        ("CI", "--project", "shop-app", "--scope", "everything"),
        ("CI", "--project", "shop-app", "--url", "ftp://example.com"),
        ("CI", "--project", "shop-app", "--days", "0"),
        (" ", "--project", "shop-app"),
    ):
        assert isinstance(terminal.run("token", "add", *arguments).exception, InvalidInput)
    assert isinstance(terminal.run("token", "revoke", "9").exception, NotFound)


def test_a_token_without_a_public_address_names_the_one_served(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without a public address the token leads to the address that the running server wrote."""
    monkeypatch.delenv("PLAYHEAD_PUBLIC_URL")
    environment.write_address(tmp_path, "http://localhost:8123")
    terminal.run_successfully("project", "add", "Shop app")
    output = terminal.run_successfully("token", "add", "CI", "--project", "1")
    claims = json.loads(base64.b64decode(output.splitlines()[-1].split("_")[1]))
    assert claims["url"] == "http://localhost:8123"
