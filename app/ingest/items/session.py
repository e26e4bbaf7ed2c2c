"""`session` and `sessions` items: numbers of a release, and nothing of who it was.

One session counts once for each status, by its id. Sessions that a server counted itself have no
id: the journal's mark keeps them from being counted twice here, but not from being sent twice.
"""

from datetime import date, datetime, timedelta
from typing import Final

from app.formats import session
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.prepared import Context, Prepared
from app.releases.model import NewSessions, SessionCount
from app.scrub import walk
from app.scrub.places import PayloadKind

_WRONG_CLOCK: Final = timedelta(minutes=55)
"""Less is what it took to be sent, not a wrong clock. Source: docs/protocol.md, section 2.5."""


def prepare(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Add one update of one session to the counts.

    Raises:
        MalformedInput: It is no session.
        OversizedInput: It is over a limit.
    """
    _add(session.read_session(item.payload), context, prepared)


def prepare_aggregates(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Add the sessions that a server counted itself.

    Raises:
        MalformedInput: They are no counts of sessions.
        OversizedInput: They are over a limit.
    """
    _add(session.read_session_aggregates(item.payload), context, prepared)


def _add(read: session.SessionCounts, context: Context, prepared: Prepared) -> None:
    labels = {"release": read.release, "environment": read.environment}
    clean = walk.scrub_json(labels, context.rules, kind=PayloadKind.EVENT).value
    counts = [
        (
            SessionCount(
                project_id=context.project_id,
                release=clean["release"],
                environment=clean["environment"],
                day=_day_of(count.started_at, context),
                status=count.status,
            ),
            count.quantity,
        )
        for count in read.counts
    ]
    prepared.sessions.append(NewSessions(context.project_id, read.sid, tuple(counts)))


def _day_of(started_at: datetime, context: Context) -> date:
    """Return the day on which a session began, by the server's clock if the sender's is wrong."""
    drift = timedelta(milliseconds=context.drift_of(started_at))
    return (started_at + drift if abs(drift) >= _WRONG_CLOCK else started_at).date()
