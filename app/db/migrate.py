"""Brings a database to the newest schema: one process at a time, one transaction per migration.

When the schema is the newest already, this costs one query: Alembic is imported only when there is
something to do.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app.core import log
from app.core.errors import DatabaseUnavailable
from app.core.shipped import MIGRATIONS
from app.db import engine
from app.db.cutoff import close_connection

_LOCK: Final = (
    0x706C6179  # "play": all processes use this number, so that two never migrate at once
)
_LOCK_WAIT_MS: Final = 10_000
_HOLDER: Final = f"""
    select pid, coalesce(host(client_addr), 'a Unix socket') as address, usename as role,
           round(extract(epoch from now() - xact_start)) as age_s
    from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and granted and classid = 0 and objid = {_LOCK} and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
"""  # noqa: S608 - our own number


def known_revisions() -> list[str]:
    """Return the revisions in order, read from file names: `0001_people_and_projects.py`."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def current_revision(url: str) -> str | None:
    """Return the revision of a database, or None before its first migration.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached.
    """
    with engine.translating_errors():
        connection = await engine.connect(url)
        try:
            return await _read_revision(connection)
        finally:
            await close_connection(connection)


@asynccontextmanager
async def hold_setup_lock(url: str) -> AsyncIterator[None]:
    """Hold the lock under which one process at a time sets a database up.

    The lock belongs to a transaction, so that it ends even where a pooler keeps the connection to
    the server open for the next client. A killed process never blocks the next one.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached, or another process keeps the lock; the
            message names that process.
    """
    with engine.translating_errors():
        connection = await engine.connect(url)
        try:
            await _take_lock(connection)
            yield
        finally:
            await close_connection(connection)  # nothing was written here


async def upgrade(url: str) -> bool:
    """Run the migrations that a database lacks.

    Two processes may call this at once: one migrates, the other waits and finds nothing to do.
    After a kill, the next call continues with the first migration that was not committed. A
    database that a newer release has migrated is left alone: its schema still serves this release.

    Returns:
        True if there was anything to do.

    Raises:
        DatabaseUnavailable: Postgres cannot be reached, another process has been migrating for
            more than 10 s, or the role in `url` lacks a right that a migration needs.
    """
    if not is_behind(await current_revision(url)):
        return False
    async with hold_setup_lock(url):
        revision = await current_revision(url)
        if not is_behind(revision):
            return False
        await _run_migrations(url)
        log.get_logger("db.migrate").info(
            "migrated", before=revision, now=await current_revision(url)
        )
        return True


def is_behind(revision: str | None) -> bool:
    """Tell whether a database at this revision lacks a migration of this release."""
    return revision is None or revision < known_revisions()[-1]


async def _take_lock(connection: "asyncpg.Connection[Any]") -> None:
    # Without parameters, because a pooler may not pass prepared statements on. The transaction is
    # idle while the migrations run, so its idle timeout is switched off.
    try:
        await connection.execute(
            "begin; set local idle_in_transaction_session_timeout = 0;"
            f" set local lock_timeout = '{_LOCK_WAIT_MS}ms';"
            f" select pg_advisory_xact_lock({_LOCK})"
        )
    except asyncpg.LockNotAvailableError:
        await connection.execute("rollback")
        raise DatabaseUnavailable(await _describe_holder(connection)) from None


async def _describe_holder(connection: "asyncpg.Connection[Any]") -> str:
    holder = await connection.fetchrow(_HOLDER)
    if holder is None:
        return "another process was setting the database up a moment ago"
    return (
        f"another process sets the database up: Postgres backend {holder['pid']}, connected from "
        f"{holder['address']} as {holder['role']}, for {holder['age_s']} s"
    )


async def _read_revision(connection: "asyncpg.Connection[Any]") -> str | None:
    try:
        revision = await connection.fetchval("select version_num from alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return None if revision is None else str(revision)


async def _run_migrations(url: str) -> None:
    own = engine.make_engine(url, has_command_timeout=False, poolclass=NullPool)
    try:
        with engine.translating_errors():
            async with own.connect() as connection:
                await connection.run_sync(_run_alembic)
    except OSError as error:
        raise DatabaseUnavailable(f"Postgres went away during a migration: {error}") from error
    finally:
        await own.dispose()


def _run_alembic(connection: Connection) -> None:
    from alembic import command, config  # noqa: PLC0415 - 0.2 s that most starts need not pay

    settings = config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
