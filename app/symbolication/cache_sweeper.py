"""Removes deleted debug files from the cache of this machine: they may hold source code."""

import itertools
from typing import override

from app.core.running.repeated_worker import RepeatedWorker
from app.db.engine import Database
from app.debug_files import queries
from app.symbolication.cache import DebugFileCache

_PART = 500
"""Files that are looked up with one statement."""


class CacheSweeper(RepeatedWorker):
    """Compares the cache with the stored debug files now and then."""

    package = "symbolication.cache_sweeper"
    pause_s = 300.0
    waiting_message = "deleted debug files stay in the cache for now"
    failure_message = "removing deleted debug files from the cache failed"

    def __init__(self, database: Database, cache: DebugFileCache) -> None:
        super().__init__()
        self._database = database
        self._cache = cache

    @override
    async def work(self) -> None:
        """Remove the files that are not stored any more."""
        files = await self._cache.list_files()
        for part in itertools.batched(sorted(files), _PART):
            async with self._database.reading() as connection:
                gone = await queries.find_deleted_files(connection, part)
            if gone:
                await self._cache.remove_files(gone)
