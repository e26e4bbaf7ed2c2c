"""Notes which replays gained video or an error, so that their small pictures are drawn.

Digest notes in memory and waits for nothing; every two seconds the notes become rows. Notes that a
process has not written when it dies are found by the repair in `maker.py`.
"""

from collections.abc import Iterable
from typing import Final, override

from app.core import clock
from app.core.errors import ServiceUnavailable
from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.replays import pictures
from app.replays.model import ReplayKey

_MOST_NOTED: Final = 100_000
"""Keys kept while Postgres is away; the repair finds the others."""


class PictureNotes(RepeatedWorker):
    """The notes of one process, written down in the background."""

    package = "pictures"
    pause_s = 2.0
    waiting_message = "noting pictures waits"
    failure_message = "noting pictures failed"

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._noted: set[ReplayKey] = set()

    def note(self, keys: Iterable[ReplayKey]) -> None:
        """Remember replays that gained video or an error; nothing is written or awaited."""
        if len(self._noted) < _MOST_NOTED:
            self._noted.update(keys)

    @override
    async def work(self) -> None:
        """Write the notes down.

        Raises:
            ServiceUnavailable: Postgres does not answer; the notes stay in memory.
        """
        noted, self._noted = self._noted, set()
        if not noted:
            return
        try:
            async with self._database.transaction() as connection:
                await pictures.request_pictures(connection, noted, at=clock.now())
        except ServiceUnavailable:
            self._noted |= noted
            raise
