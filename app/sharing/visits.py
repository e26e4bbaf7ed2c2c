"""Notes who looks at a share: in its count of views, and in the log of the project.

Opening the page is a view each time. What the page fetches afterwards is none, and neither is what
the same visitor fetches within an hour. Whoever asks for a part alone, such as the stream of its
pictures or a HAR file, has looked at it too.
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
    """The visits that one process knows to be noted, so that it need not ask for each part."""

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
        """Note that somebody looks at a share, unless they are noted for an hour.

        Args:
            database: The database, in which views are counted.
            key: The replay.
            share_id: The share.
            kind: What it hands out.
            address: Where the visitor is, by which they are known again.
            is_opening: Whether the page itself is opened, which is noted each time.
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
