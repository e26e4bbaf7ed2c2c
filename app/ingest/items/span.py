"""A `span` item: one span alone, or a container of streamed spans."""

from typing import Final

from app.core.errors import TooLarge
from app.core.limits import LIMITS
from app.formats import span
from app.formats.envelope import Item
from app.ingest.items import blocks, scrubbed
from app.ingest.prepared import Context, Prepared
from app.projects.model import Outcome
from app.scrub.places import Kind

_CONTAINER: Final = "application/vnd.sentry.items.span.v2+json"


def prepare(item: Item, context: Context, prepared: Prepared) -> None:
    """Turn one item into spans to be stored; each span is counted.

    Raises:
        Malformed: It is no JSON object, or a span alone cannot be read.
        TooLarge: It is over a limit.
    """
    if len(item.payload) > LIMITS.span_container_bytes:
        raise TooLarge(
            f"the spans have {len(item.payload)} bytes, {LIMITS.span_container_bytes} are kept"
        )
    data = scrubbed.payload(item.payload, context, kind=Kind.SPAN, what="span")
    if _is_container(item):
        container = span.read_v2(data, context.header)
        if container.skipped:
            prepared.count(
                context, "span", Outcome.REFUSED, "malformed", quantity=container.skipped
            )
        spans = container.spans
    else:
        spans = (span.read_v1(data, context.header),)
    new = blocks.of_spans(spans, context)
    repeated = len(spans) - sum(block.spans for block in new)
    if repeated:
        prepared.count(context, "span", Outcome.DUPLICATE, quantity=repeated)
    prepared.blocks += new


def _is_container(item: Item) -> bool:
    """Tell a container by its type, with or without parameters, or by its count of members."""
    content_type = (item.content_type or "").partition(";")[0].strip().lower()
    return content_type == _CONTAINER or item.item_count is not None
