"""A `session` item: one update of one session, counted for its release.

Nothing about the user is stored. A session counts once for each status, by its id.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from app.core.limits import LIMITS
from app.formats import session
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.item_type import (
    ItemType,
    PreparedBatch,
    StoredRows,
    StoreTransaction,
    one_by_one,
)
from app.ingest.outcomes import outcome_key
from app.projects.model import Outcome, OutcomeKey
from app.releases import sessions
from app.releases.model import SessionCohort, SessionUpdate
from app.scrub import walk
from app.scrub.places import PayloadKind

_WRONG_CLOCK: Final = timedelta(minutes=55)
"""A smaller difference is the time that sending took. Source: docs/protocol.md, section 2.5."""


def prepare_session(item: EnvelopeItem, context: EnvelopeContext, prepared: PreparedBatch) -> None:
    """Add one update of one session to the counts.

    Raises:
        MalformedInput: It is not a session.
        OversizedInput: It is over a limit.
    """
    SESSION.check_size(item)
    read = session.read_session(item.payload)
    prepared.rows_of(SESSION).append(session_row(read, context))


def session_row(read: session.SessionCounts, context: EnvelopeContext) -> SessionUpdate:
    """Make the row with the counts of one item by release and day; its labels are scrubbed."""
    labels = {"release": read.release, "environment": read.environment}
    result = walk.scrub_json(labels, context.rules, kind=PayloadKind.EVENT)
    context.count_removals(result.remarks)
    clean = result.value
    counts = [
        (
            SessionCohort(
                project_id=context.project_id,
                release=clean["release"],
                environment=clean["environment"],
                day=_find_day(count.started_at, context),
                status=count.status,
            ),
            count.quantity,
        )
        for count in read.counts
    ]
    return SessionUpdate(context.project_id, read.sid, tuple(counts))


def _find_day(started_at: datetime, context: EnvelopeContext) -> date:
    """Return the day on which a session began, by the server's clock if the sender's is wrong."""
    drift = timedelta(milliseconds=context.drift_of(started_at))
    return (started_at + drift if abs(drift) >= _WRONG_CLOCK else started_at).date()


async def store_sessions(
    transaction: StoreTransaction, rows: Sequence[SessionUpdate]
) -> StoredRows:
    """Add to the counts of sessions, also those of `sessions` items."""
    are_new = await sessions.add_sessions(transaction.connection, rows)
    outcomes: Counter[OutcomeKey] = Counter()
    for row, is_new in zip(rows, are_new, strict=True):
        outcome = Outcome.KEPT if is_new else Outcome.DUPLICATE
        outcomes[outcome_key(row.project_id, "session" if row.sid else "sessions", outcome)] += 1
    return StoredRows(outcomes)


SESSION: Final = ItemType(
    name="session",
    categories=("session",),
    limit_bytes=LIMITS.sessions_bytes,
    scrubbing=PayloadKind.EVENT,
    prepare=one_by_one(prepare_session),
    store=store_sessions,
)
