"""The code that Alembic runs around the migrations.

`app.db.migrate` hands in the connection. The command `alembic` has none: then the database is the
one that Playhead's settings name, or the embedded one while its server runs.

Migrations are written by hand and name what they make, so the table objects of the rooms are not
needed here. A test compares them with the migrated schema.
"""

import asyncio

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app.core.settings import Settings
from app.db import engine, migrate, roles
from app.db.server.embedded import EmbeddedPostgres


def run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes.get("metadata"),
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_on_settings() -> None:
    settings = Settings()
    urls = roles.read_external_urls(settings) or EmbeddedPostgres.running(settings.data_dir)
    if urls is None:
        raise CommandError("set PLAYHEAD_DATABASE_URL, or start the server whose Postgres it is")
    pool = engine.make_engine(urls.owner, has_command_timeout=False, poolclass=NullPool)
    try:
        async with migrate.hold_setup_lock(urls.owner), pool.connect() as connection:
            await connection.run_sync(run_migrations)
    finally:
        await pool.dispose()


if "connection" in context.config.attributes:
    run_migrations(context.config.attributes["connection"])
else:
    asyncio.run(run_on_settings())
