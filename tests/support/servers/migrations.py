"""Brings a database to an older schema, so that a migration runs on the data of its release."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from app.core.shipped import MIGRATIONS
from app.db import engine


async def upgrade_to(url: str, revision: str) -> None:
    """Run the migrations of an empty database up to a revision, that one included."""

    def run(connection: Connection) -> None:
        settings = Config()
        settings.set_main_option("script_location", str(MIGRATIONS))
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)

    pool = engine.make_engine(url, poolclass=NullPool)
    try:
        async with pool.connect() as connection:
            await connection.run_sync(run)
    finally:
        await pool.dispose()
