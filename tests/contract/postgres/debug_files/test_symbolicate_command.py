"""`playhead symbolicate`, run as a person runs it."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app.cli.root import app
from app.core.errors import InvalidInput, NotFound
from app.core.ids import ProjectId
from app.db.engine import Database
from app.projects import writes as project_writes
from tests.contract.postgres.test_issues import ISSUE, add_batch, make_event


@pytest.fixture
def project_id(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectId:
    """Let the settings name the test's database, which has a project with three events."""
    monkeypatch.setenv("PLAYHEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))

    async def prepare() -> ProjectId:
        database = Database.open(database_url, pool_size=1)
        async with database.transaction() as connection:
            project = await project_writes.add_project(connection, "Shop")
        events = [make_event(number, project_id=project.id) for number in range(3)]
        await add_batch(database, *events)
        await database.close()
        return project.id

    return asyncio.run(prepare())


def run(*arguments: str) -> Result:
    """Run the command and return its result."""
    return CliRunner().invoke(app, ["symbolicate", *arguments])


def count_rows(database_url: str, table: str) -> int:
    """Count the rows of a table."""

    async def count() -> int:
        database = Database.open(database_url, pool_size=1)
        async with database.reading() as connection:
            rows = await connection.scalar(text(f"select count(*) from {table}"))
        await database.close()
        return int(rows or 0)

    return asyncio.run(count())


def test_events_of_a_project_wait_for_the_server(project_id: ProjectId, database_url: str):
    """All events of a project are queued, which the audit log records."""
    result = run("shop")
    assert result.exit_code == 0
    assert "3 events wait for the running server" in result.output
    assert count_rows(database_url, "symbolication_queue") == 3
    assert count_rows(database_url, "audit_lines where action = 'events_symbolicated'") == 1


def test_one_event_or_one_issue_may_be_chosen(project_id: ProjectId):
    """Only the events of an issue, or one event, are queued; others are said not to be there."""
    assert "3 events wait" in run(str(project_id), "--issue", ISSUE).output
    assert "1 event waits" in run("shop", "--event", f"{2:032x}").output
    assert "There are no such events." in run("shop", "--issue", "c" * 32).output


def test_wrong_names_are_errors(project_id: ProjectId):
    """An unknown project and a text that is no id are told apart from an empty project."""
    assert isinstance(run("nobody").exception, NotFound)
    assert isinstance(run("shop", "--event", "12").exception, InvalidInput)
