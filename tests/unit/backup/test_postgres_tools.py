"""The right `pg_dump` is found, and nobody sees a password in its arguments."""

from pathlib import Path

import pytest

from app.backup import postgres_tools
from app.backup.model import BackupRefused
from app.backup.postgres_tools import PostgresTools, find_tools


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> list[PostgresTools]:
    """Pretend that these programs are on the machine; a test fills the list."""
    tools: list[PostgresTools] = []
    monkeypatch.setattr(postgres_tools, "_list_tools", lambda _configured: iter(tools))
    return tools


def make_tools(*majors: int) -> list[PostgresTools]:
    """Make programs of some versions."""
    return [PostgresTools(Path(f"/pg/{major}"), major) for major in majors]


@pytest.mark.parametrize(
    ("majors", "server", "dump", "chosen"),
    [
        ((17, 18), 17, None, 17),
        ((18,), 15, None, 18),
        ((15, 18), 16, None, 18),
        ((18, 16), 16, 16, 16),
        ((17, 18), 18, 17, 18),
        ((17, 18), 17, 18, 18),
    ],
)
def test_the_programs_closest_to_the_server_are_used(present, majors, server, dump, chosen):
    """Programs of the server's own version are best, later ones do, if the server takes them."""
    present += make_tools(*majors)
    assert find_tools(None, server_major=server, dump_major=dump).major == chosen


@pytest.mark.parametrize(
    ("majors", "server", "dump"),
    [((17,), 18, None), ((), 17, None), ((17, 18), 16, 16), ((17,), 17, 18)],
)
def test_missing_programs_are_named(present, majors, server, dump):
    """The message says which version is needed, which package has it, and what was found."""
    present += make_tools(*majors)
    found = ", ".join(f"{major} in /pg/{major}" for major in majors) or "none"
    words = rf"fit Postgres {server} \(found: {found}\).*postgresql-client-{max(server, dump or 0)}"
    with pytest.raises(BackupRefused, match=words):
        find_tools(None, server_major=server, dump_major=dump)


@pytest.mark.parametrize(
    ("url", "plain", "password"),
    [
        ("postgresql://me:se%40cret@db/p", "postgresql://me@db/p", "se@cret"),
        ("postgresql://me:x@a:1,b:2/p?target_session_attrs=read-write",
         "postgresql://me@a:1,b:2/p?target_session_attrs=read-write", "x"),
        ("postgresql:///p?host=/run/pg&user=me&password=a%26b",
         "postgresql:///p?host=/run/pg&user=me", "a&b"),
        ("postgresql://playhead_owner@/postgres?host=/data/postgres",
         "postgresql://playhead_owner@/postgres?host=/data/postgres", None),
    ],
)  # fmt: skip
def test_a_password_is_taken_out_of_the_url(url, plain, password):
    """Arguments are readable for everybody on a machine; the environment is not."""
    assert postgres_tools._take_password_out(url) == (plain, password)
