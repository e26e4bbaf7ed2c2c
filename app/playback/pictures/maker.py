"""Draws replays in the background: one at a time in a process, when ingest leaves room.

    `notes.py`: digest notes keys ─► rows ─► every 2 s: claim ─► make ─► claim …

Keys that a dead process had noted and not written are found by the repair that every process makes
at its start and hourly.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from app.core import clock, log
from app.core.errors import ServiceUnavailable
from app.db.engine import Database
from app.media import child
from app.playback.pictures.make import PictureResult, make_next_pictures
from app.playback.pictures.notes import PictureNotes
from app.replays import pictures
from app.storage.port import ObjectStore

_PAUSE_S: Final = 2.0
_AWAY_S: Final = 15.0
"""The pause in seconds after Postgres or storage did not answer."""
_REPAIR_S: Final = 3600.0
_REPAIRED: Final = timedelta(days=1)

_logger: Final = log.get_logger("pictures")


class PictureMaker:
    """Draws pictures in the background; each process has one."""

    def __init__(self, database: Database, store: ObjectStore, notes: PictureNotes) -> None:
        """Make a maker; it does nothing before `start`.

        Args:
            database: The database.
            store: The store with the videos, which also gets the pictures.
            notes: The notes of this process's digest, which are written before each picture.
        """
        self._database = database
        self._store = store
        self.notes: Final = notes
        self._is_busy: Callable[[], bool] = lambda: False
        self._task: asyncio.Task[None] | None = None
        self._repaired_s = -_REPAIR_S
        self.results: Counter[PictureResult] = Counter()
        self.spent_s = 0.0
        """Seconds spent on drawing, by the clock."""
        self.waiting = 0
        """The number of replays that were due at the last step, in all processes."""

    def start(self, *, is_busy: Callable[[], bool]) -> None:
        """Begin to draw.

        Args:
            is_busy: Tells whether ingest needs the processor; pictures wait then.
        """
        self._is_busy = is_busy
        self._task = asyncio.create_task(self._run(), name="pictures")

    async def stop(self) -> None:
        """Stop drawing; the child is killed, and the next process draws its replay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def step(self) -> bool:
        """Write down the remembered replays and draw one that is due.

        Returns:
            True if more replays may be due.

        Raises:
            ServiceUnavailable: Postgres or storage does not answer.
        """
        await self.notes.work()
        async with self._database.reading() as connection:
            self.waiting = await pictures.count_due_pictures(connection, at=clock.now())
        if not self.waiting or self._is_busy():
            return False
        began_s = clock.monotonic_s()
        result = await make_next_pictures(self._database, self._store)
        if result is not None:
            self.results[result] += 1
            self.spent_s += clock.monotonic_s() - began_s
        return result is not None

    async def _run(self) -> None:
        await _check_sandbox()
        while True:
            pause_s = _PAUSE_S
            try:
                await self._repair()
                while await self.step():
                    pass
            except ServiceUnavailable as error:
                _logger.warning("pictures wait", error=str(error))
                pause_s = _AWAY_S
            except Exception:
                _logger.exception("pictures failed")
            await asyncio.sleep(pause_s)

    async def _repair(self) -> None:
        if clock.monotonic_s() - self._repaired_s < _REPAIR_S:
            return
        now = clock.now()
        async with self._database.transaction() as connection:
            await pictures.request_forgotten_pictures(connection, since=now - _REPAIRED, at=now)
        self._repaired_s = clock.monotonic_s()


async def _check_sandbox() -> None:
    """Warn where children run with less than a whole sandbox, or not at all."""
    try:
        async with child.start_media_child() as media_child:
            is_filtered = media_child.is_filtered
    except ServiceUnavailable as error:
        _logger.warning("pictures cannot be drawn", error=str(error))
        return
    if not is_filtered:
        _logger.warning("pictures", warning=child.UNFILTERED)
