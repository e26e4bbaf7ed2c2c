"""Looks at the store when a server starts, without holding the start up.

probe ─ fine, or with a warning ─► start
      ─ the store says no ───────► no start: a setting is wrong
      ─ no answer ───────────────► start all the same: what phones send waits in the journal
"""

import asyncio
from contextlib import suppress
from typing import Final

from app.core import log
from app.core.errors import ServiceUnavailable
from app.storage.port import ObjectStore, Refusing

_PATIENCE_S: Final = 3.0
"""Nobody is let in meanwhile."""

_logger: Final = log.get_logger("storage")


class FirstLook:
    """One look at one store, which may outlast the start."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None

    async def begin(self, *, patience_s: float = _PATIENCE_S) -> None:
        """Return when the store was looked at, or when that will take longer.

        Raises:
            Refusing: The store answers, and refuses to do what we need.
        """
        self._task = asyncio.create_task(self._look(), name="storage: first look")
        done, _ = await asyncio.wait({self._task}, timeout=patience_s)
        if done:
            await self._task
        else:
            _logger.warning("storage has not answered yet, envelopes are taken all the same")
            self._task.add_done_callback(_tell)

    async def stop(self) -> None:
        """Give up."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Refusing):
                await self._task

    async def _look(self) -> None:
        try:
            for warning in await self._store.probe():
                _logger.warning("storage", warning=warning)
        except Refusing:
            raise
        except ServiceUnavailable as error:
            _logger.warning("storage is away, envelopes are taken all the same", error=str(error))


def _tell(task: "asyncio.Task[None]") -> None:
    """Say what became of a look that nobody waits for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _logger.error("storage cannot be used", error=str(error))
