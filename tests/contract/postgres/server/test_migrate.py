"""The schema: what the migrations make is what the table objects say."""

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
from tests.support.waiting import until


def _import_all_tables() -> None:
    for path in Path(app.__path__[0]).glob("*/tables.py"):
        import_module(f"app.{path.parent.name}.tables")


def _differences(connection: Connection) -> list[tuple[Any, ...]]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_migrated_schema_is_what_the_tables_say(database: Database):
    """Alembic finds nothing to add, drop or change between `tables.py` and the database."""
    _import_all_tables()
    async with database.reading() as connection:
        assert await connection.run_sync(_differences) == []


async def test_a_column_that_no_migration_makes_is_noticed(database: Database):
    """The comparison above is able to fail."""
    _import_all_tables()
    async with database.transaction() as connection:
        await connection.exec_driver_sql("alter table projects drop column name")
        found = await connection.run_sync(_differences)
    assert [str(column[3]) for column in found if column[0] == "add_column"] == ["projects.name"]


def test_revisions_are_read_from_file_names_as_alembic_orders_them():
    """The quick look at the folder and Alembic agree on every revision and the last one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    ordered = [script.revision for script in scripts.walk_revisions()][::-1]
    assert migrate.known_revisions() == ordered


async def test_upgrade_reaches_the_newest_revision_and_then_has_nothing_to_do(
    empty_database_url: str,
):
    """The first call migrates and says so, the second finds everything done."""
    assert await migrate.current_revision(empty_database_url) is None
    assert await migrate.upgrade(empty_database_url) is True
    assert await migrate.current_revision(empty_database_url) == migrate.known_revisions()[-1]
    assert await migrate.upgrade(empty_database_url) is False


async def test_two_upgrades_at_once_both_succeed_and_one_works(empty_database_url: str):
    """The advisory lock lets one migrate; the other finds nothing to do."""
    done = await asyncio.gather(*(migrate.upgrade(empty_database_url) for _ in range(3)))
    assert sorted(done) == [False, False, True]


async def is_lock_free(url: str) -> bool:
    """Tell whether somebody else could set the database up now."""
    connection = await asyncpg.connect(url)
    try:
        return bool(await connection.fetchval(f"select pg_try_advisory_lock({migrate._LOCK})"))
    finally:
        await connection.close()


async def test_no_lock_stays_behind_a_pooler(empty_database_url: str):
    """The pooler keeps the connection of the lock open; the next process is not held up by it."""
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        async with pooler.in_front_of(empty_database_url, Path(folder)) as (between, url):
            assert await migrate.upgrade(url) is True
            await until(lambda: len(between.kept) > 1)
            assert await is_lock_free(empty_database_url)


async def test_a_lock_that_is_held_for_long_is_said(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    """The wait ends, and the message names the backend that holds the lock."""
    monkeypatch.setattr(migrate, "_LOCK_WAIT_MS", 1)
    async with migrate.hold_setup_lock(database_url):
        with pytest.raises(
            DatabaseUnavailable, match=r"sets the database up: Postgres backend \d+"
        ):
            async with migrate.hold_setup_lock(database_url):
                pass


async def test_the_lock_outlives_a_limit_on_idle_transactions(database_url: str):
    """It is idle while migrations run on another connection, however long they take."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    await run_sql(
        database_url, f"alter database {name} set idle_in_transaction_session_timeout = '1ms'"
    )
    async with migrate.hold_setup_lock(database_url):
        for _ in range(3):
            assert not await is_lock_free(database_url)
    assert await is_lock_free(database_url)


async def test_a_role_that_may_not_migrate_is_named(empty_database_url: str):
    """A right that is missing is for somebody to grant; the start waits for it."""
    await roles.set_up_embedded(empty_database_url)
    with pytest.raises(DatabaseUnusable, match="permission denied for schema public"):
        await migrate.upgrade(as_app(empty_database_url))


async def test_a_database_of_a_newer_release_is_left_alone(database_url: str):
    """An older process on a newer schema works on instead of failing or going back."""
    await run_sql(database_url, "update alembic_version set version_num = '9999'")
    assert await migrate.upgrade(database_url) is False
    assert await migrate.current_revision(database_url) == "9999"


async def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str):
    """One transaction: a table in the way undoes the whole migration, and a rerun succeeds."""
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
    """A large table takes minutes; a time limit would start the migration over for ever."""
    monkeypatch.setattr(engine, "_COMMAND_S", 0.05)

    def sleep(connection: Connection) -> None:
        connection.exec_driver_sql("select pg_sleep(0.5)")

    monkeypatch.setattr(migrate, "_run_alembic", sleep)
    await migrate._run_migrations(empty_database_url)


async def test_upgrade_without_postgres_says_so(tmp_path: Path):
    """No server: `ServiceUnavailable`, which the command line shows as it is."""
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        await migrate.upgrade(f"postgresql://postgres@/postgres?host={tmp_path}")


def alembic(database_url: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
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
    """Whoever knows the tool can look and migrate with it, on the database of the settings."""
    for arguments, told in (
        (("current",), ""),
        (("upgrade", "0002"), ""),
        (("current",), "0002"),
        (("history",), "0001 -> 0002"),
        (("upgrade", "head"), ""),
        (("current",), f"{migrate.known_revisions()[-1]} (head)"),
    ):
        done = await asyncio.to_thread(alembic, empty_database_url, *arguments)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
    assert await migrate.upgrade(empty_database_url) is False


async def test_alembic_without_a_database_says_which_setting_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """There is no server and no setting."""
    monkeypatch.setenv("PLAYHEAD_DATA_DIR", str(tmp_path))
    done = await asyncio.to_thread(alembic, None, "current")
    assert done.returncode != 0
    assert "set PLAYHEAD_DATABASE_URL" in done.stdout + done.stderr
