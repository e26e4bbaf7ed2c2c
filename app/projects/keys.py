"""The keys of every project in memory, so that accepting an envelope never waits for Postgres.

    lookup    answers from memory and never waits
    settle    reads a key that is not in memory; all who wait share one read
    refresh   reads what has changed, every five seconds; all keys, once an hour

While Postgres is down, the cache keeps its keys, and cannot settle new ones.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import Final, Literal

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import log
from app.core.clock import monotonic_s
from app.core.errors import ServiceUnavailable
from app.core.ids import PublicKey
from app.db.engine import Database
from app.projects import key_changes, queries
from app.projects.model import KeyRecord

_REFRESH_S: Final = 5.0
_WHOLE_S: Final = 3600.0
"""The time between two reads of all keys."""
_PAUSE_S: Final = 0.25
_READ_S: Final = 5.0
_SETTLE_S: Final = 1.0
_AWAY_S: Final = 1.0
"""For this time after a read without an answer, nobody is kept waiting for another."""
_UNKNOWN_S: Final = 5.0
_MOST_UNKNOWN: Final = 10_000


class UnknownYet(Enum):
    """The third answer of `lookup`, besides a record and None."""

    UNKNOWN_YET = "unknown_yet"


UNKNOWN_YET: Final = UnknownYet.UNKNOWN_YET


class KeyAnswer(Enum):
    """The answer of `settle`."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"


class KeyCache:
    """Every key of this installation, at most five seconds old while Postgres answers."""

    def __init__(self, *, refresh_s: float = _REFRESH_S, pause_s: float = _PAUSE_S) -> None:
        """Make an empty cache.

        Args:
            refresh_s: The time between two reads of what has changed.
            pause_s: The least time between two reads for keys that are not in memory.
        """
        self._refresh_s = refresh_s
        self._pause_s = pause_s
        self._records: dict[PublicKey, KeyRecord] = {}
        self._read_at: datetime | None = None
        """The time at which keys were last read, by the clock of Postgres; None for never."""
        self._read_all_at_s = 0.0
        self._unknown_until_s: dict[PublicKey, float] = {}
        self._waiting: dict[PublicKey, asyncio.Future[KeyAnswer]] = {}
        self._missed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._database: Database | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_reachable = True
        self._away_until_s = 0.0

    async def start(self, database: Database) -> None:
        """Read all keys once, if Postgres answers, and go on reading them in the background."""
        self._database = database
        await self.refresh()
        self._tasks = [
            asyncio.create_task(self._refresh_for_ever(), name="keys: refresh"),
            asyncio.create_task(self._settle_for_ever(), name="keys: settle"),
        ]

    async def stop(self) -> None:
        """End the background reading; the keys stay in memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._answer(self._take_waiting(), reached=False)

    def lookup(self, public_key: PublicKey) -> KeyRecord | Literal[UnknownYet.UNKNOWN_YET] | None:
        """Return the record of a key from memory, without waiting for anything.

        Returns:
            The record, also if the key is off; None if Postgres said moments ago that there is no
            such key; `UNKNOWN_YET` if Postgres was not asked: then call `settle`.
        """
        record = self._records.get(public_key)
        if record is not None:
            return record
        return None if monotonic_s() < self._unknown_until_s.get(public_key, 0) else UNKNOWN_YET

    async def settle(self, public_key: PublicKey) -> KeyAnswer:
        """Ask Postgres for a key that `lookup` does not know yet; takes a second at most.

        Keys asked for within a quarter of a second share one read, so that made-up keys cannot
        load the database; if it does not answer, it is not asked again for a second. Afterwards
        `lookup` returns the record (KNOWN) or None (UNKNOWN).
        """
        match self.lookup(public_key):
            case KeyRecord():
                return KeyAnswer.KNOWN
            case None:
                return KeyAnswer.UNKNOWN
            case UnknownYet.UNKNOWN_YET if monotonic_s() < self._away_until_s:
                return KeyAnswer.UNREACHABLE
            case UnknownYet.UNKNOWN_YET:
                return await self._ask(public_key)

    async def refresh(self) -> bool:
        """Read what has changed now, for example after this process has switched a key off.

        Returns:
            True if Postgres answered.
        """
        async with self._reading:
            now_s = monotonic_s()
            since = self._read_at if now_s < self._read_all_at_s else None
            changes = await self._read(
                key_changes.read_all_keys
                if since is None
                else functools.partial(key_changes.read_key_changes, since=since)
            )
            if changes is None:
                return False
            if since is None:
                self._records = dict(changes.records)
                self._read_all_at_s = now_s + _WHOLE_S
            else:
                self._records |= changes.records
                for public_key in changes.deleted:
                    self._records.pop(public_key, None)
            self._read_at = changes.read_at
            return True

    async def _ask(self, public_key: PublicKey) -> KeyAnswer:
        answer = self._waiting.get(public_key)
        if answer is None:
            answer = self._waiting[public_key] = asyncio.get_running_loop().create_future()
        self._missed.set()
        try:
            async with asyncio.timeout(_SETTLE_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            self._away_until_s = monotonic_s() + _AWAY_S
            return KeyAnswer.UNREACHABLE

    async def _refresh_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._refresh_s)
            await self.refresh()

    async def _settle_for_ever(self) -> None:
        while True:
            await self._missed.wait()
            waiting = self._take_waiting()
            async with self._reading:
                records = await self._read(
                    functools.partial(queries.read_key_records, public_keys=waiting)
                )
                self._records |= records or {}
                self._answer(waiting, reached=records is not None)
            await asyncio.sleep(self._pause_s)

    def _take_waiting(self) -> dict[PublicKey, asyncio.Future[KeyAnswer]]:
        waiting, self._waiting = self._waiting, {}
        self._missed.clear()
        return waiting

    def _answer(
        self, waiting: dict[PublicKey, asyncio.Future[KeyAnswer]], *, reached: bool
    ) -> None:
        for public_key, answer in waiting.items():
            if public_key in self._records:
                answer.set_result(KeyAnswer.KNOWN)
            elif reached:
                self._remember_unknown(public_key)
                answer.set_result(KeyAnswer.UNKNOWN)
            else:
                answer.set_result(KeyAnswer.UNREACHABLE)

    def _remember_unknown(self, public_key: PublicKey) -> None:
        if len(self._unknown_until_s) >= _MOST_UNKNOWN:
            self._unknown_until_s.clear()
        self._unknown_until_s[public_key] = monotonic_s() + _UNKNOWN_S

    async def _read[T](self, query: Callable[[AsyncConnection], Awaitable[T]]) -> T | None:
        """Read something about keys; None if Postgres does not answer in time."""
        if self._database is None:
            return None
        answer: T | None = None
        # A database that is not migrated yet, or is being restored, counts as one that is down.
        with suppress(ServiceUnavailable, TimeoutError, SQLAlchemyError):
            async with asyncio.timeout(_READ_S), self._database.reading() as connection:
                answer = await query(connection)
        self._note_reachable(reached=answer is not None)
        return answer

    def _note_reachable(self, *, reached: bool) -> None:
        self._away_until_s = 0.0 if reached else monotonic_s() + _AWAY_S
        if reached != self._is_reachable:
            self._is_reachable = reached
            log.get_logger("projects.keys").warning(
                "keys_reachable" if reached else "keys_unreachable"
            )
