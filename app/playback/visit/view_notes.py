"""Notes who looks at a replay without opening its page: by the address of one of its parts.

Opening the page is a line of the log each time. What the page fetches afterwards is none, and
neither is what a person looks at within an hour of a line. But whoever asks for a part alone, such
as its video or a list of its requests, has looked at the replay too.
"""

from datetime import timedelta
from typing import Final

from app.accounts.model import Person
from app.audit import writes as audit
from app.core import clock
from app.core.bounded_cache import BoundedCache
from app.core.ids import PersonId
from app.db.engine import Database
from app.replays import queries as replays
from app.replays.model import ReplayKey

NOTED_FOR: Final = timedelta(hours=1)
_CACHE_BYTES: Final = 1024 * 1024
_ENTRY_BYTES: Final = 100


class ViewNotes:
    """The views that one process knows to be noted, so that it need not ask for each part."""

    def __init__(self) -> None:
        self._noted_at_s = BoundedCache[tuple[PersonId, ReplayKey], float](_CACHE_BYTES)

    async def note(self, database: Database, person: Person, key: ReplayKey) -> None:
        """Note that a person looks at a part of a replay, unless they are noted for an hour.

        Does nothing if there is no such replay.
        """
        last_s = self._noted_at_s.get((person.id, key))
        if last_s is not None and clock.monotonic_s() - last_s < NOTED_FOR.total_seconds():
            return
        async with database.transaction() as connection:
            if await replays.find_replay(connection, key) is None:
                return
            since = clock.now() - NOTED_FOR
            if not await audit.has_viewed_since(
                connection, person.id, key.project_id, key.replay_id, since=since
            ):
                await audit.add_replay_view(
                    connection, person.id, key.project_id, replay_id=key.replay_id
                )
        self._noted_at_s.put((person.id, key), clock.monotonic_s(), _ENTRY_BYTES)
