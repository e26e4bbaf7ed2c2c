"""The block in which spans are stored together: zstd over one JSON text, each span as v1 has it.

    {"head": {…}, "spans": [{"span_id", "op", "start_timestamp", "data": {…}, …}, …]}

`head` is what a transaction says beside its spans; blocks of streamed spans have none. A span that
names no trace runs in that of its block.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from app.core.errors import MalformedInput
from app.core.ids import EventId, ReplayId, SpanId, TraceId, read_hex32
from app.formats import jsonish, timestamps
from app.formats.events.event import read_span_id
from app.formats.jsonish import JsonObject
from app.formats.spans.span import DESCRIPTION_CHARS, NAME_CHARS, Span, SpanDefaults, read_span
from app.formats.stored import packed_json


class _Block(msgspec.Struct, gc=False, omit_defaults=True):
    spans: Sequence[Any]
    head: JsonObject | msgspec.Raw | None = None


class _Spans(msgspec.Struct, gc=False):
    """A block of which the head is passed over."""

    spans: list[JsonObject]


class _Head(msgspec.Struct, gc=False):
    """A block of which the spans are passed over."""

    head: JsonObject | None = None


class WaterfallSpan(msgspec.Struct, frozen=True, gc=False):
    """What a waterfall shows of a span; see `Span`."""

    trace_id: TraceId
    span_id: SpanId
    parent_span_id: SpanId | None
    op: str | None
    description: str | None
    status: str | None
    started_at: datetime
    ended_at: datetime | None
    is_segment: bool
    replay_id: ReplayId | None
    service: str | None


_Said = str | msgspec.UnsetType | None


class _Data(msgspec.Struct, gc=False):
    service: _Said = msgspec.field(default=msgspec.UNSET, name="service.name")
    replay_id: _Said = msgspec.field(default=msgspec.UNSET, name="sentry.replay_id")


class _Brief(msgspec.Struct, gc=False):
    """A span as it is stored, as far as a line needs it."""

    span_id: str
    start_timestamp: float | str
    timestamp: float | str | None = None
    trace_id: str | None = None
    parent_span_id: str | None = None
    op: str | None = None
    description: str | None = None
    status: str | None = None
    is_segment: bool | None = None
    data: _Data | None = None
    tags: _Data | None = None


class _Briefs(msgspec.Struct, gc=False):
    spans: list[_Brief]


_NOTHING: Final = _Data()
_NUL: Final = b"\\u0000"
_ENCODER: Final = msgspec.json.Encoder()
_READ_HEAD: Final = msgspec.json.Decoder(_Head)
_READ_SPANS: Final = msgspec.json.Decoder(_Spans)
_READ_BRIEFS: Final = msgspec.json.Decoder(_Briefs)


def pack_block(spans: Sequence[Any], head: JsonObject | msgspec.Raw | None = None) -> bytes:
    """Make a block.

    Args:
        spans: In the form of v1: what `write` returns, or what is encoded so.
        head: The rest of their transaction, or its text.
    """
    return packed_json.pack_text(_ENCODER.encode(_Block(spans, head)))


def make_block_id(
    trace_id: TraceId, replay_id: ReplayId | None, span_ids: Iterable[SpanId]
) -> EventId:
    """Make the id of a block of what names its spans, so that it is the same when sent again."""
    said = " ".join([trace_id, replay_id or "", *sorted(span_ids)])
    return EventId(hashlib.sha256(said.encode()).hexdigest()[:32])


def write_span(span: Span) -> JsonObject:
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


def read_block_spans(content: bytes, around: SpanDefaults) -> list[Span]:
    """Read the spans of a block with all they say, each once, in the order they were sent.

    Args:
        content: As `pack` made it.
        around: What its spans have in common.

    Raises:
        ValueError: It is no block.
    """
    return _read_all(packed_json.unpack_text(content), around)


def read_waterfall_spans(content: bytes, around: SpanDefaults) -> list[WaterfallSpan]:
    """Read what a waterfall shows of a block, as `spans_of` would; NUL is taken out of texts.

    Raises:
        ValueError: It is no block.
    """
    text = packed_json.unpack_text(content)
    try:
        briefs = _READ_BRIEFS.decode(text).spans
    except msgspec.ValidationError:
        return [_line(one) for one in _read_all(text, around)]
    found: dict[str, WaterfallSpan] = {}
    has_nul = _NUL in text
    for one in briefs:
        line = _line_of(one, around, has_nul=has_nul)
        if line is not None:
            found.setdefault(line.span_id, line)
    return list(found.values())


def _read_all(text: bytes, around: SpanDefaults) -> list[Span]:
    found: dict[str, Span] = {}
    for one in _READ_SPANS.decode(text).spans:
        try:
            span = read_span(one, around)
        except MalformedInput:
            continue
        found.setdefault(span.span_id, span)
    return list(found.values())


def _line_of(one: _Brief, around: SpanDefaults, *, has_nul: bool) -> WaterfallSpan | None:
    """Read a line; None if the span lacks an id or a start."""
    span_id = read_span_id(one.span_id)
    started_at = timestamps.read_at(one.start_timestamp)
    trace_id = read_hex32(one.trace_id) or around.trace_id
    if span_id is None or started_at is None or trace_id is None:
        return None
    parent_id = read_span_id(one.parent_span_id)
    ended_at = timestamps.read_at(one.timestamp)
    data, tags = one.data or _NOTHING, one.tags or _NOTHING
    replay_id = read_hex32(tags.replay_id if data.replay_id is msgspec.UNSET else data.replay_id)
    service = tags.service if data.service is msgspec.UNSET else data.service
    return WaterfallSpan(
        trace_id=TraceId(trace_id),
        span_id=span_id,
        parent_span_id=None if parent_id == span_id else parent_id,
        op=_shown(one.op, NAME_CHARS, has_nul=has_nul),
        description=_shown(one.description, DESCRIPTION_CHARS, has_nul=has_nul),
        status=_shown(one.status, NAME_CHARS, has_nul=has_nul),
        started_at=started_at,
        ended_at=max(started_at, ended_at) if ended_at else None,
        is_segment=one.is_segment or False,
        replay_id=ReplayId(replay_id) if replay_id else around.replay_id,
        service=_shown(service, NAME_CHARS, has_nul=has_nul),
    )


def _shown(text: str | msgspec.UnsetType | None, limit: int, *, has_nul: bool) -> str | None:
    """Cut a text as `jsonish.text_of` does, and take NUL out: no page can show it."""
    if not isinstance(text, str) or not text:
        return None
    if len(text) > limit:
        text = jsonish.text_of(text, limit=limit) or ""
    return (text.replace("\0", "") or None) if has_nul else text


def _line(span: Span) -> WaterfallSpan:
    said = {name: getattr(span, name) for name in WaterfallSpan.__struct_fields__}
    for name in ("op", "description", "status", "service"):
        said[name] = (said[name] or "").replace("\0", "") or None
    return WaterfallSpan(**said)


def read_block_head(content: bytes) -> JsonObject:
    """Read what a transaction said beside its spans; empty for a block of streamed spans.

    Raises:
        ValueError: It is no block.
    """
    return _READ_HEAD.decode(packed_json.unpack_text(content)).head or {}
