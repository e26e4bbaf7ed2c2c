"""Brings the database to where the server can use it, however long it takes to come.

    migrations → first person, first project → let everybody in

Envelopes are taken meanwhile: the journal needs no database. Pages say that it is away.
"""

import asyncio
from contextlib import suppress
from typing import Final

from app.accounts import queries as account_queries, writes as account_writes
from app.core import log
from app.core.errors import ServiceUnavailable
from app.db import migrate, roles
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.projects import queries as project_queries, writes as project_writes

_FIRST_PROJECT: Final = "My app"
_FIRST_PERSON: Final = "admin@localhost"
_AGAIN_S: Final = 1.0
_FIRST_TRY_S: Final = 15.0
"""A migration may take longer than anybody wants to wait with the door closed."""

_logger: Final = log.get_logger("preparation")


class Preparation:
    """Prepares one database; `done` is set once it can be used."""

    def __init__(self, urls: DatabaseUrls, database: Database) -> None:
        self._urls = urls
        self._database = database
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.done = asyncio.Event()
        self.reason = "it is being prepared"
        """Why it cannot be used yet, as far as it is known."""

    async def begin(self) -> None:
        """Return when the database is prepared, or when that will take longer; then go on trying.

        Raises:
            Exception: A migration fails for a reason of its own.
        """
        self._database.block("the database is not prepared yet")
        self._task = asyncio.create_task(self._run(), name="preparation")
        tried = asyncio.create_task(self._tried.wait())
        await asyncio.wait(
            {self._task, tried}, timeout=_FIRST_TRY_S, return_when=asyncio.FIRST_COMPLETED
        )
        tried.cancel()
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Give up; what is migrated stays migrated."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def _run(self) -> None:
        while not await self._is_prepared():
            self._tried.set()
            await asyncio.sleep(_AGAIN_S)
        self._database.unblock()
        self.done.set()

    async def _is_prepared(self) -> bool:
        """Try once; says in the log why it failed, unless it said so before."""
        try:
            await roles.prepare_schema(self._urls)
            await _make_first_things(self._urls.app)
        except ServiceUnavailable as error:
            reason = str(error)
        except Exception as error:
            if not self._tried.is_set():
                raise
            reason = f"{type(error).__name__}: {error}"
        else:
            return True
        if reason != self.reason:
            _logger.warning("the database cannot be prepared yet", reason=reason)
        self.reason = reason
        return False


async def _make_first_things(url: str) -> None:
    """Make the first person and the first project, so that a new installation can be used."""
    own = Database.open(url, pool_size=1)
    try:
        if await _has_first_things(own):
            return
        # Several processes may start on one new database: the lock lets one of them make these.
        async with migrate.hold_setup_lock(url), own.transaction() as connection:
            if not await account_queries.has_people(connection):
                await account_writes.add_person(
                    connection, _FIRST_PERSON, name="Admin", is_admin=True
                )
            if not await project_queries.list_all_projects(connection):
                project = await project_writes.add_project(connection, _FIRST_PROJECT)
                await project_writes.add_key(connection, project.id, label="Default")
    finally:
        await own.close()


async def _has_first_things(database: Database) -> bool:
    async with database.reading() as connection:
        return await account_queries.has_people(connection) and bool(
            await project_queries.list_all_projects(connection)
        )
