"""The block in which spans are stored together: zstd over one JSON text, each span as v1 has it.

    {"head": {…}, "spans": [{"span_id", "op", "start_timestamp", "data": {…}, …}, …]}

`head` is what a transaction says beside its spans; blocks of streamed spans have none. A span that
names no trace runs in that of its block.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from app.core.errors import Malformed
from app.core.ids import EventId, ReplayId, SpanId, TraceId
from app.formats import packed
from app.formats.jsonish import JsonObject
from app.formats.span import Span, Surroundings, read_inner


class _Block(msgspec.Struct, gc=False, omit_defaults=True):
    spans: Sequence[Any]
    head: JsonObject | None = None


class _Spans(msgspec.Struct, gc=False):
    """A block of which the head is passed over."""

    spans: list[JsonObject]


_ENCODER: Final = msgspec.json.Encoder()
_READ: Final = msgspec.json.Decoder(_Block)
_READ_SPANS: Final = msgspec.json.Decoder(_Spans)


def pack(spans: Sequence[Any], head: JsonObject | None = None) -> bytes:
    """Make a block.

    Args:
        spans: In the form of v1: what `write` returns, or what is encoded so.
        head: The rest of their transaction.
    """
    return packed.pack_text(_ENCODER.encode(_Block(spans, head)))


def made_id(trace_id: TraceId, replay_id: ReplayId | None, span_ids: Iterable[SpanId]) -> EventId:
    """Make the id of a block of what names its spans, so that it is the same when sent again."""
    said = " ".join([trace_id, replay_id or "", *sorted(span_ids)])
    return EventId(hashlib.sha256(said.encode()).hexdigest()[:32])


def write(span: Span) -> JsonObject:
    """Return a span in the form of v1, without its trace, which is that of its block."""
    written: JsonObject = {
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
    return {name: value for name, value in written.items() if value is not None}


def spans_of(content: bytes, around: Surroundings) -> list[Span]:
    """Read the spans of a block, each once, in the order they were sent.

    Args:
        content: As `pack` made it.
        around: What its spans have in common.

    Raises:
        ValueError: It is no block.
    """
    found: dict[str, Span] = {}
    for one in _READ_SPANS.decode(packed.unpack_text(content)).spans:
        try:
            span = read_inner(one, around)
        except Malformed:
            continue
        found.setdefault(span.span_id, span)
    return list(found.values())


def head_of(content: bytes) -> JsonObject:
    """Read what a transaction said beside its spans; empty for a block of streamed spans.

    Raises:
        ValueError: It is no block.
    """
    return _READ.decode(packed.unpack_text(content)).head or {}
