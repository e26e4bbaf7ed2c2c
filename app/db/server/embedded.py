"""Runs the embedded Postgres of `playhead serve`, and starts it again when it dies."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

from app.core import log
from app.core.errors import ServiceUnavailable
from app.core.settings import Settings
from app.db import roles
from app.db.roles import DatabaseUrls
from app.db.server.postmaster import SETTINGS, Postmaster, find_running_url

_WATCH_S: Final = 0.25
_RETRY_S: Final = 1.0


class EmbeddedPostgres:
    """Postgres in our own data folder, restarted when it dies.

    Hold `app.db.folder.DataFolderLock` before `start`: there is one such process per data folder. A
    second process that only uses the database calls `running(data_dir)`.
    """

    def __init__(
        self, *, settings: Mapping[str, str] = SETTINGS, bin_dir: Path | None = None
    ) -> None:
        self._settings = settings
        self._bin_dir = bin_dir
        self._postmaster: Postmaster | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self.restarts = 0
        """The number of times that the server died and was started again."""

    @staticmethod
    def running(data_dir: Path) -> DatabaseUrls | None:
        """Return the URLs of a server that another process runs on `data_dir`, if there is one."""
        app = find_running_url(data_dir, role=roles.APP)
        owner = find_running_url(data_dir, role=roles.OWNER)
        return DatabaseUrls(app, owner) if app and owner else None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._postmaster.pid if self._postmaster else None

    @property
    def urls(self) -> DatabaseUrls:
        """The URLs of the server; reading them before `start` raises `ServiceUnavailable`."""
        if self._postmaster is None:
            raise ServiceUnavailable("Postgres has not been started yet")
        return DatabaseUrls(
            self._postmaster.url_for(roles.APP), self._postmaster.url_for(roles.OWNER)
        )

    async def start(self, data_dir: Path) -> DatabaseUrls:
        """Start the server of `data_dir`, making its cluster the first time, and keep it running.

        Returns:
            A `postgresql://…` URL with the folder of the Unix socket for each of the two roles that
            `app.db.roles` makes. They stay the same across restarts.

        Raises:
            ServiceUnavailable: The server does not start; the message ends with the last lines of
                its log.
        """
        self._postmaster = Postmaster(data_dir, settings=self._settings, bin_dir=self._bin_dir)
        superuser_url = await asyncio.to_thread(self._postmaster.start)
        await roles.set_up_embedded(superuser_url)
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded postgres")
        return self.urls

    async def stop(self) -> None:
        """Stop the server and its supervisor; does nothing if it was not started."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        if self._postmaster is not None:
            await asyncio.to_thread(self._postmaster.stop)

    async def _supervise(self) -> None:
        """Check four times a second: one `waitpid` tells whether a child has ended."""
        pause_s = _WATCH_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = _WATCH_S if self.pid is not None or await self._bring_back() else _RETRY_S

    async def _bring_back(self) -> bool:
        if self._postmaster is None:  # pragma: no cover - the supervisor starts after it
            return False
        log.get_logger("db.embedded").error("postgres_died")
        try:
            await asyncio.to_thread(self._postmaster.start)
        except (ServiceUnavailable, OSError) as error:
            log.get_logger("db.embedded").error("postgres_start_failed", error=str(error))
            return False
        self.restarts += 1
        log.get_logger("db.embedded").warning("postgres_restarted", restarts=self.restarts)
        return True


async def start_or_find_postgres(
    settings: Settings, data_dir: Path, stack: AsyncExitStack
) -> DatabaseUrls:
    """Return the URLs of the operator's database, or start the embedded one and return its URLs.

    Raises:
        ServiceUnavailable: The embedded server does not start.
    """
    external = roles.read_external_urls(settings)
    if external is not None:
        return external
    postgres = EmbeddedPostgres(bin_dir=settings.postgres_bin)
    stack.push_async_callback(postgres.stop)
    return await postgres.start(data_dir)
