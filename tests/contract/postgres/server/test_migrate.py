"""The migrations make the schema that the table objects describe."""

import asyncio
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import app
from app.core.errors import DatabaseUnavailable, DatabaseUnusable, ServiceUnavailable
from app.core.shipped import MIGRATIONS
from app.db import engine, migrate, roles
from app.db.engine import Database
from app.db.schema import metadata
from tests.support.servers import pooler
from tests.support.servers.postgres import as_app, run_sql
from tests.support.waiting import PATIENCE_S, until


def _import_all_tables() -> None:
    root = Path(app.__path__[0]).parent
    for path in (root / "app").rglob("tables.py"):
        import_module(".".join(path.relative_to(root).with_suffix("").parts))


PARTITIONS = "select relname from pg_class where relispartition and relkind = 'r'"


def _differences(connection: Connection) -> list[tuple[Any, ...]]:
    partitions = set(connection.exec_driver_sql(PARTITIONS).scalars())

    def is_described(_object: Any, name: str | None, kind: str, *_rest: Any) -> bool:
        return kind != "table" or name not in partitions

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_object": is_described,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrated_schema_is_that_of_the_tables(database: Database):
    """Alembic finds nothing to add, drop or change between `tables.py` and the database."""
    _import_all_tables()
    async with database.reading() as connection:
        assert await connection.run_sync(_differences) == []


async def test_a_column_that_no_migration_makes_is_noticed(database: Database):
    """The comparison of the test above is able to fail."""
    _import_all_tables()
    async with database.transaction() as connection:
        await connection.exec_driver_sql("alter table projects drop column name")
        differences = await connection.run_sync(_differences)
    assert [str(column[3]) for column in differences if column[0] == "add_column"] == [
        "projects.name"
    ]


def test_revisions_are_read_from_file_names_as_alembic_orders_them():
    """The revisions read from the names of files are those of Alembic, in its order."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    ordered = [script.revision for script in scripts.walk_revisions()][::-1]
    assert migrate.known_revisions() == ordered


async def test_a_second_upgrade_has_nothing_to_do(
    empty_database_url: str,
):
    """The first upgrade reaches the newest revision, and the second changes nothing."""
    assert await migrate.current_revision(empty_database_url) is None
    assert await migrate.upgrade(empty_database_url) is True
    assert await migrate.current_revision(empty_database_url) == migrate.known_revisions()[-1]
    assert await migrate.upgrade(empty_database_url) is False


async def test_of_simultaneous_upgrades_one_migrates(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The advisory lock lets one upgrade migrate, and the others find nothing to do."""
    # On a busy machine all migrations together may take longer than the 10 s of the product.
    monkeypatch.setattr(migrate, "_LOCK_WAIT_MS", round(PATIENCE_S * 1_000))
    has_migrated = await asyncio.gather(*(migrate.upgrade(empty_database_url) for _ in range(3)))
    assert sorted(has_migrated) == [False, False, True]


async def is_lock_free(url: str) -> bool:
    """Tell whether another process could take the set-up lock now."""
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(f"select pg_try_advisory_lock({migrate._LOCK})"))
    finally:
        await connection.close()


async def test_no_lock_stays_behind_a_pooler(empty_database_url: str):
    """A pooler that keeps the connection open does not keep the lock."""
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        async with pooler.in_front_of(empty_database_url, Path(folder)) as (between, url):
            assert await migrate.upgrade(url) is True
            await until(lambda: len(between.kept) > 1)
            assert await is_lock_free(empty_database_url)


async def test_a_lock_that_is_held_too_long_is_reported(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The wait ends, and the error names the backend that holds the lock."""
    monkeypatch.setattr(migrate, "_LOCK_WAIT_MS", 1)
    async with migrate.hold_setup_lock(database_url):
        with pytest.raises(
            DatabaseUnavailable, match=r"sets the database up: Postgres backend \d+"
        ):
            async with migrate.hold_setup_lock(database_url):
                pass


async def test_the_lock_outlives_a_limit_on_idle_transactions(database_url: str):
    """The lock is kept although its connection is idle while migrations run on another."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    await run_sql(
        database_url, f"alter database {name} set idle_in_transaction_session_timeout = '1ms'"
    )
    async with migrate.hold_setup_lock(database_url):
        for _ in range(3):
            assert not await is_lock_free(database_url)
    assert await is_lock_free(database_url)


async def test_a_role_without_the_right_to_migrate_is_reported(empty_database_url: str):
    """The start waits until somebody grants the missing right."""
    await roles.set_up_embedded(empty_database_url)
    with pytest.raises(DatabaseUnusable, match="permission denied for schema public"):
        await migrate.upgrade(as_app(empty_database_url))


async def test_a_database_of_a_newer_release_is_left_alone(database_url: str):
    """An older process works on a newer schema without migrating it back."""
    await run_sql(database_url, "update alembic_version set version_num = '9999'")
    assert await migrate.upgrade(database_url) is False
    assert await migrate.current_revision(database_url) == "9999"


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str):
    """A failed migration is rolled back as a whole, and a later one succeeds."""
    await run_sql(empty_database_url, "create table view_log (id int)")
    with pytest.raises(Exception, match="view_log"):
        await migrate.upgrade(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetchval("select to_regclass('projects')") is None
    await connection.execute("drop table view_log")
    await connection.close()
    assert await migrate.upgrade(empty_database_url) is True


async def test_a_migration_may_take_longer_than_other_statements(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The time limit of statements does not apply to migrations."""
    monkeypatch.setattr(engine, "_COMMAND_S", 0.05)

    def sleep(connection: Connection) -> None:
        connection.exec_driver_sql("select pg_sleep(0.5)")

    monkeypatch.setattr(migrate, "_run_alembic", sleep)
    await migrate._run_migrations(empty_database_url)


async def test_an_upgrade_without_postgres_says_so(tmp_path: Path):
    """Without a server the upgrade raises ServiceUnavailable with a clear message."""
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        await migrate.upgrade(f"postgresql://postgres@/postgres?host={tmp_path}")


def run_alembic(database_url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command `alembic` in the checkout."""
    settings = {} if database_url is None else {"PLAYHEAD_DATABASE_URL": database_url}
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=MIGRATIONS.parent,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_alembic_works_on_its_own(empty_database_url: str):
    """The command `alembic` shows and changes the database that the settings name."""
    for arguments, expected in (
        (("current",), ""),
        (("upgrade", "0002"), ""),
        (("current",), "0002"),
        (("history",), "0001 -> 0002"),
        (("upgrade", "head"), ""),
        (("current",), f"{migrate.known_revisions()[-1]} (head)"),
    ):
        result = await asyncio.to_thread(run_alembic, empty_database_url, *arguments)
        assert result.returncode == 0, result.stderr
        assert expected in result.stdout
    assert await migrate.upgrade(empty_database_url) is False


async def test_alembic_without_a_database_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Without a server and a setting, the error names the setting."""
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    result = await asyncio.to_thread(run_alembic, None, "current")
    assert result.returncode != 0
    assert "set PLAYHEAD_DATABASE_URL" in result.stdout + result.stderr
