"""A `sessions` item: sessions that a server counted itself.

They have no ids: the journal's mark keeps them from being counted twice here, but nothing keeps
them from being sent twice.
"""

from typing import Final

from app.core.limits import LIMITS
from app.formats import session
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import ItemType, PreparedBatch, one_by_one
from app.ingest.items.session import session_row, store_sessions
from app.scrub.places import PayloadKind


def prepare_sessions(item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch) -> None:
    """Add the sessions that a server counted itself.

    Raises:
        MalformedInput: They are not counts of sessions.
        OversizedInput: They are over a limit.
    """
    SESSIONS.check_size(item)
    read = session.read_session_aggregates(item.payload)
    prepared.rows_of(SESSIONS).append(session_row(read, context))


SESSIONS: Final = ItemType(
    name="sessions",
    categories=("session",),
    limit_bytes=LIMITS.sessions_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=one_by_one(prepare_sessions),
    store=store_sessions,
)
