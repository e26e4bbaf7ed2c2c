"""A `transaction` item: a root span and the spans below it.

as SDKs send it ─► scrubbed by hints ─► its spans stored as they came
otherwise ───────► scrubbed whole, read span by span ─► its spans written anew
"""

from app.core.errors import TooLarge
from app.core.limits import LIMITS
from app.core.windows import STRETCH
from app.formats import members, sent_spans, transaction
from app.formats.envelope import Item
from app.formats.sent_spans import Sent
from app.ingest.items import blocks, scrubbed
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome
from app.scrub.places import Kind
from app.traces.model import NewTransaction


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into a transaction to be stored; spans that cannot be read are counted.

    Raises:
        Malformed: It is no JSON object.
        TooLarge: It is over a limit.
    """
    size_bytes = len(item.payload)
    if size_bytes > LIMITS.event_bytes:
        raise TooLarge(f"transaction has {size_bytes} bytes, {LIMITS.event_bytes} are allowed")
    sent = sent_spans.look(item.payload)
    new = _as_sent(sent, context) if sent is not None else None
    prepared.transactions.append(new or _span_by_span(item, context, prepared))


def _as_sent(sent: Sent, context: Context) -> NewTransaction | None:
    """Keep the spans as they came; None if it cannot be told without reading them."""
    clean = scrubbed.transaction(sent, context)
    if clean is None:
        return None
    head = members.pick(clean.members, transaction.MEMBERS)
    read = transaction.of(head, context.header, received_at=context.received_at)
    root = read.root
    started_at = min(root.started_at, sent.first_at or root.started_at)
    ended_at = max(read.ended_at, sent.last_at or read.ended_at)
    is_apart = (
        sent.trace_id not in (None, read.trace_id)
        or root.replay_id != read.replay_id
        or ended_at - started_at > STRETCH
    )
    if is_apart:
        return None
    return blocks.of_sent(read, clean, context, reach=(started_at, ended_at))


def _span_by_span(item: Item, context: Context, prepared: Prepared) -> NewTransaction:
    raw = scrubbed.value(item.payload, context, kind=Kind.TRANSACTION, what="transaction")
    read = transaction.of(raw, context.header, received_at=context.received_at)
    if read.skipped:
        prepared.count(context, "span", Outcome.REFUSED, "malformed", quantity=read.skipped)
    return blocks.of_transaction(read, context)
