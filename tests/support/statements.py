"""Notes the statements that a database pool runs, whichever way they go to Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event

from app.db.engine import Database


@asynccontextmanager
async def noted_statements(database: Database) -> AsyncIterator[list[str]]:
    """Collect the statements of SQLAlchemy and those that are handed to asyncpg directly."""
    statements: list[str] = []
    engine = database._engine.sync_engine
    watched: list[Any] = []

    def note_driver(record: Any) -> None:
        # asyncpg asks for types that it meets for the first time.
        if "pg_catalog" not in record.query and "set_config('jit'" not in record.query:
            statements.append(record.query)

    def watch(dbapi_connection: Any, *_: Any) -> None:
        driver = dbapi_connection.driver_connection
        driver.add_query_logger(note_driver)
        watched.append(driver)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "checkout", watch)
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", watch)
        event.remove(engine, "before_cursor_execute", note)
        for driver in watched:
            driver.remove_query_logger(note_driver)
