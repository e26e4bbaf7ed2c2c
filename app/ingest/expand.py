"""Turns one accepted envelope into what is to be stored: pure, no I/O.

Every item ends in one outcome: refused and ignored are known here, kept, duplicate and deleted
only when the rows are written.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from app.core import units
from app.core.errors import RequestRefused
from app.core.ids import ReplayId
from app.formats.wire.envelope import Envelope, EnvelopeItem
from app.ingest.inbox import Fresh
from app.ingest.items import (
    attachment,
    client_report,
    event,
    feedback,
    log,
    replay_video,
    session,
    span,
    transaction,
    web_replay,
)
from app.ingest.outcomes import UNTYPED
from app.ingest.prepared import Context, Noted, Prepared
from app.ingest.quotas import STORED_TYPES
from app.projects.model import LimitReason, Outcome
from app.scrub.rules import ScrubRules

_Prepare = Callable[[Sequence[Noted], Prepared], None]


def _each(prepare: Callable[[EnvelopeItem, Context, Prepared], None]) -> _Prepare:
    """Prepare items one by one; those that cannot be kept are counted."""

    def prepare_all(noted: Sequence[Noted], prepared: Prepared) -> None:
        for item, context in noted:
            try:
                prepare(item, context, prepared)
            except RequestRefused as refused:
                prepared.refuse(context, item.type, refused)

    return prepare_all


_PREPARE: Final[dict[str, _Prepare]] = {
    "replay_video": replay_video.prepare_all,
    "event": event.prepare_all,
    "transaction": transaction.prepare_all,
    "span": _each(span.prepare),
    "attachment": _each(attachment.prepare),
    "client_report": _each(client_report.prepare),
    "feedback": _each(feedback.prepare),
    "user_report": _each(feedback.prepare_report),
    "log": _each(log.prepare),
    "session": _each(session.prepare),
    "sessions": _each(session.prepare_aggregates),
}


def expand(fresh: Fresh, rules: ScrubRules, prepared: Prepared, *, is_full: bool = False) -> None:
    """Note every item of an envelope for `finish`.

    Args:
        fresh: The envelope.
        rules: How to scrub.
        prepared: What the envelopes of a batch ask for; this one's part is added.
        is_full: Whether its project may store no more: then what goes to storage is left out.
    """
    context = Context(
        project_id=fresh.project_id,
        received_at=units.at_from_ms(fresh.received_ms),
        drift_ms=_drift_ms(fresh.envelope, fresh.received_ms),
        client_ip=fresh.client_ip,
        header=fresh.envelope.header,
        rules=rules,
    )
    items: Sequence[EnvelopeItem] = fresh.envelope.items
    if is_full:
        items = _leave_out(items, context, prepared)
    for item in web_replay.prepare(items, context, prepared):
        if item.type in _PREPARE:
            prepared.noted.append((item, context))
        else:
            prepared.count(context, item.type or UNTYPED, Outcome.IGNORED, "type")
    if fresh.envelope.damage:
        prepared.count(context, "envelope", Outcome.REFUSED, "cut")


def finish(prepared: Prepared) -> None:
    """Read, check and scrub the items that `expand` noted: those of a type together."""
    noted, prepared.noted = prepared.noted, []
    by_type: defaultdict[str, list[Noted]] = defaultdict(list)
    for one in noted:
        by_type[one[0].type].append(one)
    for item_type, alike in by_type.items():
        _PREPARE[item_type](alike, prepared)


def _leave_out(
    items: Sequence[EnvelopeItem], context: Context, prepared: Prepared
) -> list[EnvelopeItem]:
    """Count what would go to storage as limited; returns the rest."""
    for item in items:
        if item.type in STORED_TYPES:
            prepared.count(context, item.type, Outcome.LIMITED, LimitReason.STORAGE)
    return [item for item in items if item.type not in STORED_TYPES]


def _drift_ms(envelope: Envelope, received_ms: int) -> int:
    """Return how far the sender's clock was behind ours; 0 if it does not say when it sent.

    A measured drift is at least a millisecond, so that it is told from an unknown one.
    """
    sent_at = envelope.header.sent_at
    return 0 if sent_at is None else received_ms - units.ms_from_at(sent_at) or 1


def refuse(fresh: Fresh, reason: str, prepared: Prepared) -> None:
    """Refuse every item of an envelope, for example when its key turns out to be unknown."""
    context = Context(
        project_id=fresh.project_id,
        received_at=units.at_from_ms(fresh.received_ms),
        drift_ms=0,
        client_ip=None,
        header=fresh.envelope.header,
        rules=ScrubRules(),
    )
    for item in fresh.envelope.items:
        prepared.count(context, item.type or UNTYPED, Outcome.REFUSED, reason)


def replay_id(envelope: Envelope) -> ReplayId | None:
    """Return the replay that an envelope carries a segment of: its `event_id` names it."""
    has_segment = any(item.type in ("replay_video", "replay_event") for item in envelope.items)
    return ReplayId(envelope.header.event_id) if has_segment and envelope.header.event_id else None
