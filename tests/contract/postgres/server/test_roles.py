"""The role that serves requests reads and writes rows, and cannot leave the database."""

import asyncio
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app import wiring
from app.core.errors import DatabaseUnavailable, DatabaseUnusable
from app.core.shipped import MIGRATIONS
from app.db import engine, roles
from app.db.engine import Database
from app.db.folder import is_open_to_others
from app.db.roles import DatabaseUrls
from app.db.server.embedded import EmbeddedPostgres
from app.db.server.postmaster import Postmaster
from tests.support.builders import envelopes
from tests.support.servers.postgres import run_sql
from tests.support.servers.server import alone, keyed
from tests.support.waiting import until, until_asked

OLD_KEY = "0123456789abcdef0123456789abcdef"
OWNERS = """
    select array_agg(distinct relowner::regrole::text) from pg_class
    where relnamespace = 'public'::regnamespace
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Make a data folder outside pytest's own, which other users may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="playhead-roles-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def embedded(data_dir: Path) -> AsyncIterator[DatabaseUrls]:
    """Run an embedded database at the newest schema."""
    postgres = EmbeddedPostgres()
    urls = await postgres.start(data_dir)
    await roles.prepare_schema(urls)
    yield urls
    await postgres.stop()


async def fetch_value(url: str, sql: str) -> object:
    """Run one statement and return its value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


INJECTIONS = (
    "alter table audit_lines disable trigger all",
    "set session_replication_role = replica",
    "update audit_lines set detail = '{}'",
    "update view_log set at = now()",
    "truncate audit_lines",
    "drop table audit_lines",
    "drop function refuse_change cascade",
    "create or replace function refuse_change() returns trigger language sql as 'select null'",
    "alter table audit_lines owner to playhead",
    "set role playhead_owner",
    "set role postgres",
    "set session authorization postgres",
    "alter role playhead superuser",
    "create role other superuser",
    "copy (select 1) to program 'touch /tmp/pwned'",
    "copy (select 1) to '/tmp/pwned'",
    "create temporary table t (x text); copy t from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "select lo_import('/etc/passwd')",
    "select passwd from pg_shadow",
    "alter system set archive_command = 'touch /tmp/pwned'",
    "create function f() returns int language c as 'libc', 'system'",
    "create table public.mine (x int)",
    "create schema mine",
    "delete from alembic_version",
    "select pg_reload_conf()",
)


async def test_an_injection_can_change_rows_at_worst(embedded: DatabaseUrls):
    """Postgres refuses the app's role every statement that would leave its tables."""
    connection = await asyncpg.connect(embedded.app)
    try:
        for sql in INJECTIONS:
            refused = ""
            try:
                await connection.execute(sql)
            except asyncpg.PostgresError as error:
                refused = error.sqlstate
            assert refused == "42501", sql
    finally:
        await connection.close()


async def test_no_role_but_the_clusters_own_is_a_superuser(embedded: DatabaseUrls):
    """The two roles of Playhead have no special attribute and no membership."""
    attributes = """
        select bool_or(rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls)
               or exists (select from pg_auth_members join pg_roles as one on one.oid = member
                          where one.rolname in ('playhead', 'playhead_owner'))
        from pg_roles where rolname in ('playhead', 'playhead_owner')
    """
    assert await fetch_value(embedded.app, attributes) is False
    assert await fetch_value(embedded.app, OWNERS) == [roles.OWNER]


async def test_the_owner_can_migrate_but_not_run_programs(embedded: DatabaseUrls):
    """The owner makes and drops tables, which the app's role can use at once."""
    await run_sql(embedded.owner, "create table days (day date) partition by range (day)")
    await run_sql(
        embedded.owner,
        "create table today partition of days for values from ('2026-01-01') to ('2026-01-02')",
    )
    await roles.prepare_schema(embedded)
    await run_sql(embedded.app, "insert into days values ('2026-01-01')")
    await run_sql(embedded.owner, "drop table today; drop table days")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_sql(embedded.owner, "copy (select 1) to program 'true'")


async def test_a_new_append_only_table_is_found_by_its_trigger(embedded: DatabaseUrls):
    """The right to update an append-only table is revoked because of its trigger."""
    await run_sql(
        embedded.owner,
        "create table notes (at timestamptz); create trigger notes_append_only before update or "
        "delete on notes for each row execute function refuse_change()",
    )
    await roles.prepare_schema(embedded)
    await run_sql(embedded.app, "insert into notes values (now())")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await run_sql(embedded.app, "update notes set at = null")


async def test_rights_are_restored_at_the_next_start(embedded: DatabaseUrls):
    """A start grants the rights that are missing and revokes those that were added."""
    await run_sql(embedded.owner, "revoke insert on segments from playhead")
    await run_sql(embedded.owner, "grant update on audit_lines to playhead")
    assert await roles.prepare_schema(embedded) is False
    await run_sql(embedded.app, "insert into segments select * from segments")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run_sql(embedded.app, "update audit_lines set at = now()")


def migrate_to(connection: Connection, revision: str) -> None:
    """Migrate a database to the schema of an older release."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def make_old_folder(data_dir: Path) -> None:
    """Make a data folder as releases before roles left it, with schema 0015."""
    postgres = Postmaster(data_dir)
    url = postgres.start()
    pool = engine.make_engine(url, poolclass=NullPool)
    async with pool.connect() as connection:
        await connection.run_sync(migrate_to, "0015")
    await pool.dispose()
    await run_sql(
        url,
        "insert into projects (slug, name) values ('my-app', 'My app');"
        f"insert into project_keys (public_key, project_id, label) values ('{OLD_KEY}', 1, 'Old');"
        "insert into people (email, name, is_admin) values ('ada@example.com', 'Ada', true);"
        "insert into audit_lines (action, detail) values ('key_added', '{}')",
    )
    assert await fetch_value(url, OWNERS) == [roles.SUPERUSER]
    postgres.stop()
    for name in ("playhead_hba.conf", "playhead_ident.conf"):
        (data_dir / "postgres" / name).unlink()
    (data_dir / "postgres.log").chmod(0o644)
    (data_dir / "journal").mkdir()
    for path in (data_dir, data_dir / "journal"):
        path.chmod(0o755)


async def wait_until_digested(service: wiring.Service) -> None:
    """Wait until every accepted envelope is digested."""
    journal = service.ingest.journal
    await until(lambda: journal.backlog().entries == 0)


async def test_a_data_folder_from_before_roles_is_converted(data_dir: Path):
    """Tables get a new owner and files private modes, and a second start changes nothing."""
    await make_old_folder(data_dir)
    for _ in range(2):
        async with alone(None, data_dir) as (service, sender):
            to = await keyed(service.page_services.db, "My app")
            assert to.key == OLD_KEY
            answer = await sender.post(
                f"/api/{to.id}/envelope/",
                content=envelopes.replay_video_envelope(),
                headers=envelopes.headers(to.key, encoding=None),
            )
            assert answer.status_code == 200
            await wait_until_digested(service)
            async with service.page_services.db.reading() as connection:
                result = await connection.exec_driver_sql("select current_user, (" + OWNERS + ")")
                assert tuple(result.one()) == (roles.APP, [roles.OWNER])
                for table in ("segments", "people", "audit_lines"):
                    count = await connection.exec_driver_sql(f"select count(*) from {table}")
                    assert count.scalar_one() == 1, table
        assert not is_open_to_others(data_dir)
        assert stat.S_IMODE((data_dir / "postgres.log").stat().st_mode) == 0o600


async def test_a_kill_during_the_change_of_owner_changes_nothing(data_dir: Path):
    """The change is one transaction: the superuser keeps all, and the next attempt works."""
    await make_old_folder(data_dir)
    postgres = Postmaster(data_dir)
    url = postgres.start()
    blocker = await asyncpg.connect(url)
    await blocker.execute("begin; lock table sign_ins in access share mode")
    moving = asyncio.create_task(roles.set_up_embedded(url))
    waiting = "select max(pid) from pg_stat_activity where wait_event_type = 'Lock'"
    await until_asked(lambda: has_value(url, waiting))
    await run_sql(url, f"select pg_terminate_backend(({waiting}), 5000)")
    with pytest.raises(DatabaseUnavailable):
        await moving
    assert await fetch_value(url, OWNERS) == [roles.SUPERUSER]
    await blocker.close()
    await roles.set_up_embedded(url)
    assert await fetch_value(url, OWNERS) == [roles.OWNER]
    postgres.stop()


async def has_value(url: str, sql: str) -> bool:
    """Tell whether a query returns a value that is not null."""
    return await fetch_value(url, sql) is not None


async def test_a_release_before_roles_can_use_the_folder_again(data_dir: Path):
    """An older release connects as the superuser, and its tables change owner later."""
    server = EmbeddedPostgres()
    await roles.prepare_schema(await server.start(data_dir))
    await server.stop()
    assert "local   all             all" in (data_dir / "postgres/pg_hba.conf").read_text()
    older = Postmaster(data_dir)
    await run_sql(older.start(), "create table made_by_older (x int)")
    older.stop()
    server = EmbeddedPostgres()
    urls = await server.start(data_dir)
    await roles.prepare_schema(urls)
    assert await fetch_value(urls.app, "select count(*) from made_by_older") == 0
    assert await fetch_value(urls.app, OWNERS) == [roles.OWNER]
    await server.stop()


async def test_a_single_external_role_is_left_as_it_is(empty_database_url: str):
    """In an external database with one role nothing is granted and nothing revoked."""
    await roles.prepare_schema(DatabaseUrls(empty_database_url, empty_database_url))
    await roles.prepare_schema(
        DatabaseUrls(empty_database_url, f"{empty_database_url}&application_name=x")
    )
    rights = "select relacl from pg_class where relname = 'segments'"
    assert await fetch_value(empty_database_url, rights) is None


async def test_a_start_without_the_owner_names_the_missing_right(embedded: DatabaseUrls):
    """A role that may not migrate makes the start wait, and the error says why."""
    await run_sql(
        embedded.owner,
        "drop schema public cascade; create schema public; grant usage on schema public to public",
    )
    with pytest.raises(DatabaseUnusable, match="permission denied for schema public"):
        await roles.prepare_schema(DatabaseUrls(embedded.app, embedded.app))


async def test_old_audit_lines_can_still_be_deleted(embedded: DatabaseUrls):
    """The app's role may delete audit lines, but the trigger limits this to old ones."""
    database = Database.open(embedded.app)
    async with database.transaction() as connection:
        await connection.exec_driver_sql(
            "insert into audit_lines (at, action, detail) values (now(), 'new', '{}'), "
            "(now() - interval '366 days', 'old', '{}')"
        )
        await connection.exec_driver_sql("delete from audit_lines where action = 'old'")
    await database.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await run_sql(embedded.app, "delete from audit_lines")
