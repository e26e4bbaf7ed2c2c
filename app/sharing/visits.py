"""Counts the views of a share, and notes them in the log of the project.

Each opening of the page is a view. Requests that the page makes afterwards are none, and neither
are others of the same visitor within an hour. A request for a part alone, such as the video or a
HAR file, counts as a view, too.
"""

from typing import Final

from app.audit import writes as audit
from app.audit.model import Action
from app.core import clock
from app.core.bounded_cache import BoundedCache
from app.db.engine import Database
from app.replays.model import ReplayKey
from app.replays.sharing import writes
from app.replays.sharing.model import ShareKind
from app.replays.sharing.queries import VISIT
from app.replays.sharing.tokens import hash_visitor

_CACHE_BYTES: Final = 1024 * 1024
_ENTRY_BYTES: Final = 120


class ShareVisits:
    """The visits that one process has noted, so that it need not query them for each request."""

    def __init__(self) -> None:
        self._noted_at_s = BoundedCache[bytes, float](_CACHE_BYTES)

    async def note(
        self,
        database: Database,
        key: ReplayKey,
        share_id: int,
        *,
        kind: ShareKind,
        address: str,
        is_opening: bool,
    ) -> None:
        """Note a view of a share, unless the visitor was noted within the last hour.

        Args:
            database: The database, in which views are counted.
            key: The replay.
            share_id: The share.
            kind: The kind of the share.
            address: The IP address of the visitor, by which they are recognised.
            is_opening: True if the page itself is opened, which is noted each time.
        """
        visitor = hash_visitor(share_id, address)
        last_s = self._noted_at_s.get(visitor)
        is_known = last_s is not None and clock.monotonic_s() - last_s < VISIT.total_seconds()
        if is_known and not is_opening:
            return
        async with database.transaction() as connection:
            if await writes.note_visit(connection, share_id, visitor, is_opening=is_opening):
                await audit.add_audit_line(
                    connection,
                    Action.SHARE_VIEWED,
                    person_id=None,
                    project_id=key.project_id,
                    subject=key.replay_id,
                    detail={"share": share_id, "what": kind.value, "address": address},
                )
        self._noted_at_s.put(visitor, clock.monotonic_s(), _ENTRY_BYTES)
