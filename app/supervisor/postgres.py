"""The embedded Postgres of a parent, which has no event loop."""

import asyncio
from pathlib import Path
from typing import Final

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.db import roles
from app.db.roles import DatabaseUrls
from app.db.server.postmaster import SETTINGS, Postmaster

_RETRY_S: Final = 1.0
_OWN_CONNECTIONS: Final = 15
"""Connections beside those of the workers: of commands, and those reserved for the superuser."""
_LEAST_CONNECTIONS: Final = 5
"""The fewest that a worker can do with."""
_USUAL_CONNECTIONS: Final = int(SETTINGS["max_connections"])

_logger: Final = log.get_logger("supervisor")


def share_connections(workers: int, wanted: int) -> int:
    """Return how many connections to the embedded Postgres each worker may open.

    Args:
        workers: The number of workers.
        wanted: The number that the settings allow.
    """
    fair_share = (_USUAL_CONNECTIONS - _OWN_CONNECTIONS) // workers
    return min(wanted, max(_LEAST_CONNECTIONS, fair_share))


class SupervisedPostgres:
    """Postgres in our own data folder, started again when it dies."""

    def __init__(self, data_dir: Path, *, bin_dir: Path | None, workers: int) -> None:
        """Make one that does not run yet.

        Args:
            data_dir: The data folder.
            bin_dir: The folder with the programs of Postgres; None for those that Playhead brings.
            workers: The number of workers that connect to it.
        """
        needed = workers * _LEAST_CONNECTIONS + _OWN_CONNECTIONS
        settings = {**SETTINGS, "max_connections": str(max(_USUAL_CONNECTIONS, needed))}
        self._postmaster = Postmaster(data_dir, settings=settings, bin_dir=bin_dir)
        self._retry_at_s = 0.0

    def start(self) -> DatabaseUrls:
        """Start it, and wait until it can be used.

        Raises:
            ServiceUnavailable: It does not start; the message ends with the last lines of its log.
        """
        superuser_url = self._postmaster.start()
        asyncio.run(roles.set_up_embedded(superuser_url))
        return DatabaseUrls(
            self._postmaster.url_for(roles.APP), self._postmaster.url_for(roles.OWNER)
        )

    def watch(self) -> None:
        """Start it again if it has died; workers wait by themselves until it is ready."""
        now_s = clock.monotonic_s()
        if self._postmaster.pid is not None or now_s < self._retry_at_s:
            return
        self._retry_at_s = now_s + _RETRY_S
        _logger.error("postgres_died")
        try:
            self._postmaster.relaunch()
        except (ServiceUnavailable, OSError) as error:
            _logger.error("postgres_start_failed", error=str(error))  # noqa: TRY400 - no traceback

    def stop(self) -> None:
        """Stop it; does nothing if it does not run."""
        self._postmaster.stop()
