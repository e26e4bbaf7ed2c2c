"""Checks at the start and then every minute that a process uses the store of its database.

start ─ both name the same id ─► the store may be used
      ─ they do not ───────────► no start
      ─ one does not answer ───► no object is read or written until both do; envelopes wait in the
                                 journal
"""

import asyncio
from contextlib import suppress
from typing import Final

from app.core import log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.processes import store_claim
from app.storage.guarded import GuardedStore
from app.storage.port import StoreMismatch

_PATIENCE_S: Final = 3.0
"""The seconds for which the start waits for a first check, while the server does not listen."""
_AGAIN_S: Final = 1.0
_PAUSE_S: Final = 60.0
_PAUSE_REFUSED_S: Final = 10.0

_logger: Final = log.get_logger("processes.store")


class StoreCheck:
    """Blocks the use of a store until it is known to be the store of the database."""

    def __init__(
        self,
        database: Database,
        store: GuardedStore,
        place: str,
        *,
        setup_url: str,
        prepared: asyncio.Event,
        pause_s: float = _PAUSE_S,
    ) -> None:
        """Make the check of one store.

        Args:
            database: The database.
            store: The store, which this check alone allows to be used.
            place: The place of the store, for people.
            setup_url: The database, for the lock under which one process at a time claims.
            prepared: Set once the database can be used.
            pause_s: The pause between two checks.
        """
        self._database = database
        self._store = store
        self._place = place
        self._setup_url = setup_url
        self._prepared = prepared
        self._pause_s = pause_s
        self._store_id: str | None = None
        self._tried = asyncio.Event()
        self._is_awaited = False
        self._first_mismatch: StoreMismatch | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Return when the store is checked; later if Postgres or the store does not answer now.

        Raises:
            StoreMismatch: It is the store of another database, or not that of this one.
        """
        self._is_awaited = self._prepared.is_set()
        self._task = asyncio.create_task(self._run(), name="store: check")
        if not self._is_awaited:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await self._tried.wait()
        if self._first_mismatch is not None:
            raise self._first_mismatch

    async def stop(self) -> None:
        """End the check."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def check(self) -> None:
        """Check now.

        Raises:
            StoreMismatch: It is the store of another database, or not that of this one.
            ServiceUnavailable: Postgres or the store does not answer.
        """
        if self._store_id is None or not await self._is_unchanged(self._store_id):
            self._store_id = None
            self._store_id = await store_claim.check_store(
                self._database, self._store.inner, self._place, setup_url=self._setup_url
            )
            self._store.allow()

    async def _is_unchanged(self, store_id: str) -> bool:
        """Tell whether the database still has the store that this process has compared."""
        async with self._database.transaction() as connection:
            claim = await store_claim.read_claim(connection)
            if claim is None:
                # The claim is missing if a standby took over before it had received the row.
                await store_claim.write_known_claim(connection, store_id, self._place)
            return claim is None or claim.store_id == store_id

    async def _run(self) -> None:
        await self._prepared.wait()
        while True:
            pause_s = await self._try_check()
            await asyncio.sleep(pause_s)

    async def _try_check(self) -> float:
        """Check once, and return the pause until the next check, in seconds."""
        try:
            await self.check()
        except StoreMismatch as error:
            self._store.refuse(error)
            if self._is_awaited and not self._tried.is_set():
                self._first_mismatch = error  # `begin` raises it
            else:
                _logger.warning("the store cannot be used", reason=str(error))
            return min(self._pause_s, _PAUSE_REFUSED_S)
        except ServiceUnavailable as error:
            _logger.info("the store is not compared with the database yet", error=str(error))
            return _AGAIN_S if self._store_id is None else self._pause_s
        except Exception:
            _logger.exception("comparing the store with the database failed")
            return self._pause_s
        else:
            return self._pause_s
        finally:
            self._tried.set()
