"""Bring a database to the newest schema: once, by one process, each migration a transaction.

At the newest schema this costs one query: Alembic is imported only when there is something to do.
"""

from typing import Any, Final

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app.core import log
from app.core.errors import DatabaseAway
from app.core.shipped import MIGRATIONS
from app.db import engine

_LOCK: Final = 0x706C6179  # "play": one number for all of us, so that two never migrate at once


def known_revisions() -> list[str]:
    """Return the revisions in order, read from file names: `0001_people_and_projects.py`."""
    return sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def current_revision(url: str) -> str | None:
    """Return the revision a database is at; None before the first migration.

    Raises:
        DatabaseAway: Postgres cannot be reached.
    """
    connection = await engine.connect(url)
    try:
        return await _revision(connection)
    finally:
        await connection.close()


async def upgrade(url: str) -> bool:
    """Run the migrations that `url` lacks.

    Two processes may call this at once: one migrates, the other waits and finds nothing to do.
    A killed run is run again; what was committed stays. A database that a newer release has
    migrated is left alone: its schema still serves this release.

    Returns:
        Whether there was anything to do.

    Raises:
        DatabaseAway: Postgres cannot be reached.
    """
    connection = await engine.connect(url)
    try:
        if not _is_behind(await _revision(connection)):
            return False
        # The lock ends with the connection, so a killed process never blocks the next one.
        await connection.execute("select pg_advisory_lock($1)", _LOCK, timeout=None)
        revision = await _revision(connection)
        if not _is_behind(revision):
            return False
        await _run(url)
        log.get("db.migrate").info("migrated", before=revision, now=await _revision(connection))
        return True
    finally:
        await connection.close()


def _is_behind(revision: str | None) -> bool:
    return revision is None or revision < known_revisions()[-1]


async def _revision(connection: "asyncpg.Connection[Any]") -> str | None:
    try:
        found = await connection.fetchval("select version_num from alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return None if found is None else str(found)


async def _run(url: str) -> None:
    own = engine.make(url, poolclass=NullPool)
    try:
        async with own.connect() as connection:
            await connection.run_sync(_run_alembic)
    except OSError as error:
        raise DatabaseAway(f"Postgres went away during a migration: {error}") from error
    finally:
        await own.dispose()


def _run_alembic(connection: Connection) -> None:
    from alembic import command, config  # noqa: PLC0415 - 0.2 s that most starts need not pay

    settings = config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
