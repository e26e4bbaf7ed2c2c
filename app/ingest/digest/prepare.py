"""Turns accepted envelopes into rows, files and outcomes, without I/O.

    envelope ─ open_envelope ─► items ─ prepare_items ─► rows, files and outcomes of a batch

Every item ends in one outcome. Whether it is ignored, limited or refused is known here; whether it
is kept, a duplicate or deleted is known when its rows are written.
"""

from collections import defaultdict
from collections.abc import Sequence

from app.core import units
from app.core.ids import ReplayId
from app.formats.wire.envelope import Envelope
from app.ingest.item_types import BY_NAME, IN_OBJECT_STORAGE, SEGMENT_TYPES
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.item_type import Prepare, PreparedBatch
from app.ingest.outcomes import UNTYPED
from app.ingest.queue import AcceptedEnvelope
from app.projects.model import LimitReason, Outcome
from app.projects.privacy_rules import PrivacyRules
from app.scrub.rules import DEFAULT_RULES


def open_envelope(
    accepted: AcceptedEnvelope, rules: PrivacyRules, prepared: PreparedBatch, *, is_full: bool
) -> list[ReceivedItem]:
    """Return the items of an envelope that are to be prepared; count the others.

    Args:
        accepted: The envelope.
        rules: The privacy rules of its project.
        prepared: The batch in which the outcomes of the others are counted.
        is_full: True if its project may store no more: then what goes to object storage is
            limited.
    """
    context = EnvelopeContext(
        project_id=accepted.project_id,
        received_at=units.at_from_ms(accepted.received_ms),
        drift_ms=_drift_ms(accepted.envelope, accepted.received_ms),
        client_ip=accepted.client_ip,
        header=accepted.envelope.header,
        rules=rules.scrub,
        taps=rules.taps,
        removals=prepared.removals,
    )
    received: list[ReceivedItem] = []
    for item in accepted.envelope.items:
        if item.type not in BY_NAME:
            prepared.count(context, item.type or UNTYPED, Outcome.IGNORED, "type")
        elif is_full and item.type in IN_OBJECT_STORAGE:
            prepared.count(context, item.type, Outcome.LIMITED, LimitReason.STORAGE)
        else:
            received.append((item, context))
    if accepted.envelope.damage:
        prepared.count(context, "envelope", Outcome.REFUSED, "cut")
    return received


def prepare_items(received: Sequence[ReceivedItem], prepared: PreparedBatch) -> None:
    """Read, check and scrub items, those of a type together, and add what they ask for."""
    alike: defaultdict[Prepare, list[ReceivedItem]] = defaultdict(list)
    for pair in received:
        alike[BY_NAME[pair[0].type].prepare].append(pair)
    for prepare, pairs in alike.items():
        prepare(pairs, prepared)


def _drift_ms(envelope: Envelope, received_ms: int) -> int:
    """Return how far the sender's clock was behind ours; 0 if it does not say when it sent.

    A measured drift is never 0, so that it can be told from an unknown one.
    """
    sent_at = envelope.header.sent_at
    return 0 if sent_at is None else received_ms - units.ms_from_at(sent_at) or 1


def refuse_envelope(accepted: AcceptedEnvelope, reason: str, prepared: PreparedBatch) -> None:
    """Refuse every item of an envelope, for example when its key turns out to be unknown."""
    context = EnvelopeContext(
        project_id=accepted.project_id,
        received_at=units.at_from_ms(accepted.received_ms),
        drift_ms=0,
        client_ip=None,
        header=accepted.envelope.header,
        rules=DEFAULT_RULES,
    )
    for item in accepted.envelope.items:
        prepared.count(context, item.type or UNTYPED, Outcome.REFUSED, reason)


def replay_id_of(envelope: Envelope) -> ReplayId | None:
    """Return the replay that an envelope carries a segment of: its `event_id` names it."""
    has_segment = any(item.type in SEGMENT_TYPES for item in envelope.items)
    return ReplayId(envelope.header.event_id) if has_segment and envelope.header.event_id else None
