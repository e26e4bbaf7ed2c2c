"""Checks the store when a server starts, without delaying the start.

check ─ succeeds, perhaps with a warning ─► start
      ─ the store refuses ────────────────► no start: a setting is wrong
      ─ no answer ────────────────────────► start all the same: envelopes wait in the journal
"""

import asyncio
from contextlib import suppress
from typing import Final

from app.core import log
from app.core.errors import ServiceUnavailable
from app.storage.port import ObjectStore, StorageRefused

_PATIENCE_S: Final = 3.0
"""The server does not listen yet during this time."""

_logger: Final = log.get_logger("storage")


class StartupCheck:
    """One check of one store, which may go on after the start."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None

    async def begin(self, *, patience_s: float = _PATIENCE_S) -> None:
        """Return when the check has ended, or after `patience_s`; then it goes on by itself.

        Raises:
            StorageRefused: The store answers, and refuses an operation that Playhead needs.
        """
        self._task = asyncio.create_task(self._check(), name="storage: check")
        done, _ = await asyncio.wait({self._task}, timeout=patience_s)
        if done:
            await self._task
        else:
            _logger.warning("storage has not answered yet, envelopes are taken all the same")
            self._task.add_done_callback(_log_late_failure)

    async def stop(self) -> None:
        """End the check if it is still running."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, StorageRefused):
                await self._task

    async def _check(self) -> None:
        try:
            for warning in await self._store.probe():
                _logger.warning("storage", warning=warning)
        except StorageRefused:
            raise
        except ServiceUnavailable as error:
            _logger.warning(
                "storage does not answer; envelopes are accepted all the same", error=str(error)
            )


def _log_late_failure(task: "asyncio.Task[None]") -> None:
    """Log the error of a check that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.error("storage cannot be used", error=str(error))
