"""A `transaction` item: a root span and the spans below it."""

from app.core.ids import EventId
from app.formats import span as span_format, transaction
from app.formats.envelope import Item
from app.formats.packed import pack_json
from app.ingest.items import scrubbed
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome
from app.scrub.places import Kind
from app.traces.model import NewSpan, NewTransaction


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into a transaction to be stored; spans that cannot be read are counted.

    Raises:
        Malformed: It is no JSON object.
        TooLarge: It is over a limit.
    """
    data = scrubbed.payload(item.payload, context, kind=Kind.TRANSACTION, what="transaction")
    read = transaction.read(data, context.header, received_at=context.received_at)
    if read.skipped:
        prepared.count(context, "span", Outcome.REFUSED, "malformed", quantity=read.skipped)
    prepared.transactions.append(
        NewTransaction(
            project_id=context.project_id,
            event_id=read.event_id,
            received_at=context.received_at,
            started_at=read.started_at,
            ended_at=read.ended_at,
            drift_ms=context.drift_ms,
            name=read.name,
            op=read.op,
            status=read.status,
            platform=read.platform,
            release=read.release,
            environment=read.environment,
            sdk_name=read.sdk_name,
            trace_id=read.trace_id,
            span_id=read.span_id,
            replay_id=read.replay_id,
            payload=pack_json({name: value for name, value in read.raw.items() if name != "spans"}),
            spans=tuple(
                new_span(one, context, transaction_id=read.event_id)
                for one in (read.root, *read.spans)
            ),
        )
    )


def new_span(
    span: span_format.Span, context: Context, *, transaction_id: EventId | None
) -> NewSpan:
    """Turn a span, however it came, into a row to be stored."""
    return NewSpan(
        project_id=context.project_id,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        transaction_id=transaction_id,
        is_segment=span.is_segment,
        received_at=context.received_at,
        started_at=span.started_at,
        ended_at=span.ended_at,
        drift_ms=context.drift_ms,
        op=span.op,
        description=span.description,
        status=span.status,
        origin=span.origin,
        service=span.service,
        replay_id=span.replay_id,
        data=pack_json(span.data),
    )
