"""The block in which spans are stored together: zstd over one JSON text, each span as v1 has it.

    {"head": {…}, "spans": [{"span_id", "op", "start_timestamp", "data": {…}, …}, …]}

`head` has the members of a transaction beside its spans; blocks of streamed spans have none. A span
that names no trace belongs to the trace of its block.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput
from app.core.ids import EventId, ReplayId, SpanId, TraceId
from app.formats.jsonish import JsonObject
from app.formats.spans.span import Span, SpanDefaults, read_span
from app.formats.stored import packed_json


class _Block(msgspec.Struct, gc=False, omit_defaults=True):
    spans: Sequence[Any]
    head: JsonObject | msgspec.Raw | None = None


class _BlockSpans(msgspec.Struct, gc=False):
    """A block of which only the spans are read."""

    spans: list[JsonObject]


_encode_block: Final = msgspec.json.Encoder().encode
_decode_spans: Final = msgspec.json.Decoder(_BlockSpans).decode


def pack_block(spans: Sequence[Any], head: JsonObject | msgspec.Raw | None = None) -> bytes:
    """Make a block.

    Args:
        spans: Spans in the form of v1: what `write_span` returns, or structs with the same fields.
        head: The other members of their transaction, or the JSON text of those.
    """
    return packed_json.pack_text(_encode_block(_Block(spans, head)))


def make_block_id(
    trace_id: TraceId, replay_id: ReplayId | None, span_ids: Iterable[SpanId]
) -> EventId:
    """Make the id of a block of the ids in it, so that the same spans sent again have the same."""
    names = " ".join([trace_id, replay_id or "", *sorted(span_ids)])
    return EventId(hashlib.sha256(names.encode()).hexdigest()[:32])


def write_span(span: Span) -> JsonObject:
    """Return a span in the form of v1, without its trace, which is that of its block."""
    members: JsonObject = {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "op": span.op,
        "description": span.description,
        "status": span.status,
        "start_timestamp": span.started_at.timestamp(),
        "timestamp": span.ended_at.timestamp() if span.ended_at else None,
        "origin": span.origin,
        "is_segment": span.is_segment or None,
        "data": span.data or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def read_block_spans(content: bytes, defaults: SpanDefaults) -> list[Span]:
    """Read the spans of a block, each once, in the order in which they were sent.

    Args:
        content: A block as `pack_block` made it.
        defaults: The values that its spans have in common.

    Raises:
        ValueError: It is not a block.
    """
    spans: dict[str, Span] = {}
    for raw in _decode_spans(packed_json.unpack_text(content)).spans:
        try:
            span = read_span(raw, defaults)
        except MalformedInput:
            continue
        spans.setdefault(span.span_id, span)
    return list(spans.values())
