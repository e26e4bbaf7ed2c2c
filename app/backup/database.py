"""Dumps a database with the objects that its rows name, and restores a dump.

Everything is read in one snapshot, which a transaction of ours exports and `pg_dump` imports: the
dump has exactly the rows whose objects were listed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from app.backup import files
from app.backup.model import BackupFile, BackupRefused, Progress
from app.backup.postgres_tools import PostgresTools
from app.db import engine, migrate
from app.debug_files import object_keys as debug_file_objects
from app.issues import object_keys as issue_objects
from app.replays import object_keys as replay_objects

_SNAPSHOT: Final = "set transaction isolation level repeatable read, read only"
# The transaction is idle while pg_dump works, which may take hours.
_PATIENT: Final = "set local idle_in_transaction_session_timeout = 0"
_PATIENT_TRANSACTION: Final = "set local transaction_timeout = 0"
_TIMEOUT_SINCE: Final = 170_000
_OWN: Final = """
    select count(*) from pg_class where relnamespace = 'public'::regnamespace
      and relkind in ('r', 'p', 'v', 'm')
      and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
"""
_POOLED: Final = (
    "a pooler stands before Postgres, and pg_dump and pg_restore need sessions of their own: name "
    "Postgres itself in PLAYHEAD_DATABASE_URL and PLAYHEAD_DATABASE_OWNER_URL for this command"
)
# Postgres hides the state of a session from other roles: then it is null, and the session counts.
_SESSIONS: Final = """
    select pid,
           coalesce(state = 'idle' and state_change <= now() - make_interval(secs => $1), false)
               as is_unused
    from pg_stat_activity
    where datname = current_database() and application_name = 'playhead'
"""
_USED_WITHIN_S: Final = 20.0
_END_RESTORES: Final = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'pg_restore'
"""
_MOST_LOOKS: Final = 120
_LOOK_S: Final = 0.25
# Objects of extensions belong to whoever installed them, and stay.
_CLEAR: Final = """
    do $$
    declare
        item record;
    begin
        for item in select oid, relkind from pg_class
            where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
              and not relispartition
              and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
        loop
            execute format('drop %s if exists %s cascade', case item.relkind
                when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
                item.oid::regclass);
        end loop;
        for item in select oid from pg_class
            where relnamespace = 'public'::regnamespace and relkind = 'S'
              and not exists (select from pg_depend where objid = pg_class.oid
                              and deptype in ('e', 'a', 'i'))
        loop
            execute format('drop sequence if exists %s cascade', item.oid::regclass);
        end loop;
        for item in select oid from pg_proc where pronamespace = 'public'::regnamespace
              and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
        loop
            execute format('drop routine if exists %s cascade', item.oid::regprocedure);
        end loop;
        for item in select oid from pg_type where typnamespace = 'public'::regnamespace
              and typtype in ('e', 'd') and typelem = 0
              and not exists (select from pg_depend where objid = pg_type.oid and deptype = 'e')
        loop
            execute format('drop type if exists %s cascade', item.oid::regtype);
        end loop;
    end
    $$
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of a database, as long as its transaction is open."""

    id: str
    at: datetime
    connection: AsyncConnection


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """The facts about a database that matter before it is dumped or restored."""

    major: int
    revision: str | None
    tables: int
    other_connections: int
    """Connections that other processes of Playhead use, or used a moment ago."""


async def read_facts(
    url: str, *, app_url: str | None = None, used_within_s: float = _USED_WITHIN_S
) -> DatabaseFacts:
    """Read what must be known of a database.

    Args:
        url: The database, without a pooler, as the role that owns the tables.
        app_url: The same as the role that serves requests, if it is another one: only that role
            sees which of its connections are idle. Without it, all of them count as used.
        used_within_s: Connections that have been idle for longer do not count as used: a pooler
            keeps those of processes that were stopped. Longer than the pause between heartbeats.

    Raises:
        BackupRefused: A pooler stands before it. `pg_dump` and `pg_restore` change settings of
            their session, such as the path by which tables are found, and a pooler would lend the
            session to the server afterwards.
        DatabaseUnavailable: It cannot be reached.
    """
    revision = await migrate.current_revision(url)
    with engine.translating_errors():
        connection = await engine.connect(url)
        try:
            if connection.get_server_pid() != await connection.fetchval("select pg_backend_pid()"):
                raise BackupRefused(_POOLED)
            return DatabaseFacts(
                connection.get_server_version().major,
                revision,
                int(await connection.fetchval(_OWN)),
                await _count_others(connection, url, app_url, used_within_s),
            )
        finally:
            await connection.close()


async def _count_others(
    connection: "asyncpg.Connection[Any]", url: str, app_url: str | None, used_within_s: float
) -> int:
    """Count the connections of other processes that somebody uses."""
    sessions = await connection.fetch(_SESSIONS, used_within_s)
    own_pids = {connection.get_server_pid()}
    if app_url is not None and app_url != url:
        app_connection = await engine.connect(app_url)
        try:
            sessions += await app_connection.fetch(_SESSIONS, used_within_s)
            own_pids.add(await app_connection.fetchval("select pg_backend_pid()"))
        finally:
            await app_connection.close()
    # Each role sees the state of its own sessions only: one that sees it idle is enough.
    unused_pids = {session["pid"] for session in sessions if session["is_unused"]}
    return len({session["pid"] for session in sessions} - unused_pids - own_pids)


def check_revision(revision: str | None) -> str:
    """Return the schema of a database if this release can make a backup of it.

    A later schema serves this release as well, which may have come back after an update.

    Raises:
        BackupRefused: It has no tables yet, or those of an earlier release.
    """
    newest = migrate.known_revisions()[-1]
    if revision is None:
        raise BackupRefused("there is nothing to back up: the database has no tables yet")
    if revision < newest:
        raise BackupRefused(
            f"the schema of the database is at {revision}, and this release is made for {newest}: "
            f"make the backup with the release that runs"
        )
    return revision


@asynccontextmanager
async def open_snapshot(url: str) -> AsyncIterator[Snapshot]:
    """Hold one moment of a database for the length of a block.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached.
    """
    own = engine.make_engine(url, has_command_timeout=False, poolclass=NullPool)
    try:
        with engine.translating_errors():
            async with own.connect() as connection, connection.begin():
                await connection.exec_driver_sql(_SNAPSHOT)
                await connection.exec_driver_sql(_PATIENT)
                version = await connection.scalar(
                    text("select current_setting('server_version_num')::int")
                )
                if version >= _TIMEOUT_SINCE:
                    await connection.exec_driver_sql(_PATIENT_TRANSACTION)
                snapshot_id = await connection.scalar(text("select pg_export_snapshot()"))
                at = await connection.scalar(text("select now()"))
                yield Snapshot(snapshot_id, at, connection)
    finally:
        await own.dispose()


async def stream_object_keys(snapshot: Snapshot) -> AsyncIterator[str]:
    """Stream the objects that rows name at the moment of a snapshot, some of them twice."""
    for stream in (
        replay_objects.stream_object_keys,
        issue_objects.stream_object_keys,
        debug_file_objects.stream_object_keys,
    ):
        async for key in stream(snapshot.connection):
            yield key


async def dump_database(
    tools: PostgresTools, url: str, snapshot: Snapshot, path: Path, progress: Progress
) -> BackupFile:
    """Dump the rows of a snapshot, and check that the dump can be read.

    Raises:
        BackupUnfinished: `pg_dump` fails, or the disk is full.
    """
    progress.begin("Dumping the database", is_bytes=True)
    # Owners and rights depend on the roles of an installation: a restore gives its own.
    # What is stored is packed already, so more than a little compression only costs time.
    arguments = (
        "--format=custom", "--compress=1", "--no-owner", "--no-privileges", "--schema=public",
        f"--snapshot={snapshot.id}",
    )  # fmt: skip
    with files.FileWriter(path.parent) as writer:
        async with tools.running("pg_dump", url, *arguments) as output:
            async for piece in output:
                writer.write(piece)
                progress.advance(len(piece))
        writer.finish(path)
        facts = BackupFile(path.name, writer.size_bytes, writer.sha256)
    await tools.run("pg_restore", None, "--list", str(path))
    return facts


async def restore_database(tools: PostgresTools, url: str, path: Path, *, jobs: int) -> None:
    """Restore a dump into a database without tables.

    It is several transactions: one alone would need a lock for each partition and each of its
    indexes, which are more than Postgres has room for.

    Raises:
        BackupUnfinished: `pg_restore` fails.
    """
    arguments = ("--no-owner", "--no-privileges", "--schema=public", "--exit-on-error")
    await tools.run("pg_restore", url, *arguments, f"--jobs={jobs}", str(path))
    with engine.translating_errors():
        connection = await engine.connect(url, has_command_timeout=False)
        try:
            await connection.execute("analyze")  # a dump has no statistics for the planner
        finally:
            await connection.close()


async def end_other_restores(url: str) -> None:
    """End what a `pg_restore` still does whose caller was killed: it goes on by itself.

    Raises:
        BackupRefused: It cannot be ended.
        DatabaseUnavailable: Postgres cannot be reached.
    """
    with engine.translating_errors():
        connection = await engine.connect(url)
        try:
            quiet = 0
            for _ in range(_MOST_LOOKS):
                # It opens several connections, one after the other.
                quiet = 0 if await connection.fetch(_END_RESTORES) else quiet + 1
                if quiet > 1:
                    return
                await asyncio.sleep(_LOOK_S)
        finally:
            await connection.close()
    raise BackupRefused("another pg_restore writes into this database, and does not end")


async def clear_database(url: str) -> None:
    """Drop all tables and functions of Playhead.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached, or the role may not.
    """
    with engine.translating_errors():
        connection: asyncpg.Connection[Any] = await engine.connect(url, has_command_timeout=False)
        try:
            await connection.execute(_CLEAR)
        finally:
            await connection.close()
