"""Prepares the database for the server, however long it takes until Postgres answers.

    migrations → first person, first project → erasures that a restored one does not know → allow

Meanwhile envelopes are accepted, since the journal needs no database, and pages say that the
database does not answer.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as account_queries, writes as account_writes
from app.audit import writes as audit
from app.audit.model import Action
from app.core import log
from app.core.errors import DatabaseUnusable, ServiceUnavailable
from app.db import migrate, roles
from app.db.engine import Database
from app.db.roles import DatabaseUrls
from app.erasure.log.reapply import apply_log
from app.ingest.digest.link_issues import relink_replays
from app.memberships import writes as memberships
from app.memberships.model import Role
from app.processes import static_releases
from app.projects import cells, queries as project_queries, writes as project_writes

_FIRST_PROJECT: Final = "My app"
_FIRST_PERSON: Final = "admin@localhost"
_AGAIN_S: Final = 1.0
_FIRST_TRY_S: Final = 15.0
"""After this time the server listens even if a migration is still running."""

_logger: Final = log.get_logger("preparation")


class DatabasePreparation:
    """Prepares one database, and sets `done` once it can be used."""

    def __init__(
        self,
        urls: DatabaseUrls,
        database: Database,
        erasure_log: Path,
        *,
        cell: int | None = None,
    ) -> None:
        self._urls = urls
        self._cell = cell
        self._erasure_log = erasure_log
        self._database = database
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.done = asyncio.Event()
        self.reason = "it is being prepared"
        """The reason why it cannot be used yet, for people."""

    async def begin(self) -> None:
        """Return when the database is prepared, or after a failed try or 15 s; then go on trying.

        Raises:
            Exception: A migration fails, and not because Postgres does not answer.
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
        """Stop trying; migrations that were committed stay."""
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
        """Try once; log why it failed, unless the reason is the same as before."""
        try:
            await roles.prepare_schema(self._urls)
            if self._cell is not None:
                await cells.claim_cell(self._urls.owner, self._cell)
            await _add_first_rows(self._urls.app)
            await _apply_erasures(self._urls.app, self._erasure_log)
            await _publish_static_files(self._urls.app)
        except ServiceUnavailable as error:
            reason = str(error)
            is_usable = not isinstance(error, DatabaseUnusable)
        except Exception as error:
            if not self._tried.is_set():
                raise
            reason, is_usable = f"{type(error).__name__}: {error}", False
        else:
            return True
        self._database.block(f"the database is not prepared yet: {reason}", is_usable=is_usable)
        if reason != self.reason:
            _logger.warning("the database cannot be prepared yet", reason=reason)
        self.reason = reason
        return False


async def _add_first_rows(url: str) -> None:
    """Add the first person and the first project, so that a new installation can be used."""
    own = Database.open(url, pool_size=1)
    try:
        if await _has_first_rows(own):
            return
        # Several processes may start with one new database: the lock lets one of them add these.
        async with migrate.hold_setup_lock(url), own.transaction() as connection:
            if not await account_queries.has_people(connection):
                await account_writes.add_person(
                    connection, _FIRST_PERSON, name="Admin", is_admin=True
                )
            if not await project_queries.list_all_projects(connection):
                await _add_first_project(connection)
    finally:
        await own.close()


async def _add_first_project(connection: AsyncConnection) -> None:
    """Add the first project with its key; the first admin of the server becomes its owner."""
    project = await project_writes.add_project(connection, _FIRST_PROJECT)
    await project_writes.add_key(connection, project.id, label="Default")
    admin = await account_queries.find_first_admin(connection)
    # People that came before the first project may all be members who administer nothing.
    if admin is not None:
        await memberships.set_member(connection, project.id, admin.id, Role.OWNER)
        # This is not only the first start: it happens again when all projects were deleted.
        await audit.add_audit_line(
            connection,
            Action.MEMBER_SET,
            person_id=None,
            project_id=project.id,
            subject=str(admin.id),
            detail={"role": Role.OWNER},
        )


async def _apply_erasures(url: str, erasure_log: Path) -> None:
    """Erase again what a restored backup brought back, before anybody can see it."""
    own = Database.open(url, pool_size=2)
    try:
        await apply_log(own, erasure_log, relink_replays)
    finally:
        await own.close()


async def _publish_static_files(url: str) -> None:
    """Let other processes answer for this one's static files before any page names them."""
    own = Database.open(url, pool_size=1)
    try:
        await static_releases.publish_own_release(own)
    finally:
        await own.close()


async def _has_first_rows(database: Database) -> bool:
    async with database.reading() as connection:
        return await account_queries.has_people(connection) and bool(
            await project_queries.list_all_projects(connection)
        )
