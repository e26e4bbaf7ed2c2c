"""A `span` item: one span alone, or a container of streamed spans."""

from typing import Final

from app.formats.spans import span
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import blocks, scrubbed
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome
from app.scrub.places import PayloadKind

_CONTAINER: Final = "application/vnd.sentry.items.span.v2+json"


def prepare(item: EnvelopeItem, context: Context, prepared: Prepared) -> None:
    """Turn one item into spans to be stored; each span is counted.

    Raises:
        MalformedInput: It is no JSON object, or a span alone cannot be read.
        OversizedInput: It is over a limit.
    """
    if _is_container(item):
        span.check_container_size(item.payload)
        raw = scrubbed.value(item.payload, context, kind=PayloadKind.SPAN, what="span container")
        container = span.read_span_container(raw, context.header)
        if container.skipped:
            prepared.count(
                context, "span", Outcome.REFUSED, "malformed", quantity=container.skipped
            )
        spans = container.spans
    else:
        span.check_span_size(item.payload)
        raw = scrubbed.value(item.payload, context, kind=PayloadKind.SPAN, what="span")
        spans = (span.read_lone_span(raw, context.header),)
    new = blocks.of_spans(spans, context)
    repeated = len(spans) - sum(block.spans for block in new)
    if repeated:
        prepared.count(context, "span", Outcome.DUPLICATE, quantity=repeated)
    prepared.blocks += new


def _is_container(item: EnvelopeItem) -> bool:
    """Tell a container by its type, with or without parameters, or by its count of members."""
    content_type = (item.content_type or "").partition(";")[0].strip().lower()
    return content_type == _CONTAINER or item.item_count is not None
