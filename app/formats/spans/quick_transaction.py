"""Splits a transaction into members and spans that stay as they were sent, and builds none of them.

    JSON ─► members beside the spans, as JSON texts
         └► spans: ids, times and trace as values, which are checked; all else as JSON texts

SDKs send hundreds of spans that are all alike, and a block stores them in the form in which they
came. This reader takes what SDKs usually send, and leaves everything else to `transaction`, which
reads span by span: unknown fields, odd types, other traces, bad or repeated ids, text that is not
UTF-8.

Source: docs/protocol.md, section 9.5.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from app.core import ids
from app.core.errors import RequestRefused
from app.core.ids import TraceId
from app.core.limits import LIMITS
from app.formats import jsonish, timestamps
from app.formats.json_members import JsonMembers
from app.formats.wire import addresses

_ID_CHARS: Final = 16
_ID_BYTES: Final = 8
_NIL_ID: Final = "0" * _ID_CHARS
_MOST_LEVELS: Final = LIMITS.json_depth - 3
"""Levels of JSON in a value of a span; the span, the list and the transaction are around it."""
_MAP_CHARS: Final = 5
"""Characters of the shortest map that holds a value: `{"":…}`."""
_LIST_CHARS: Final = 2
_AUTO: Final = addresses.AUTO.encode()
_OWN_REPLAY: Final = b"sentry.replay_id"
_SEPARATOR: Final = b"\n"
"""Stands between JSON texts that are searched together: none of them holds it inside a string."""

_SpanIdText = Annotated[str, msgspec.Meta(min_length=_ID_CHARS, max_length=_ID_CHARS)]
_Timestamp = float | str
_ABSENT: Final = msgspec.Raw()


class SentSpan(
    msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """One span in the form of v1: its structure as values, everything else as JSON text.

    The fields stand in the order in which the SDK for Android writes them, because msgspec looks
    for the next field first.
    """

    start_timestamp: _Timestamp
    timestamp: _Timestamp | None = None
    trace_id: str | None = None
    span_id: _SpanIdText
    parent_span_id: str | None = None
    op: str | None = None
    description: msgspec.Raw = _ABSENT
    status: str | None = None
    origin: str | None = None
    tags: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT
    measurements: msgspec.Raw = _ABSENT
    is_segment: bool | None = None
    same_process_as_parent: bool | None = None
    segment_id: str | None = None
    profile_id: str | None = None
    hash: str | None = None
    kind: str | None = None
    exclusive_time: msgspec.Raw = _ABSENT


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A transaction as SDKs usually send it."""

    members: JsonMembers
    """All members but the spans: strict JSON, not nested too deep, with no address to fill in."""
    spans: list[SentSpan]
    span_texts: list[bytes]
    """The JSON texts of each span in which scrubbing has to look for secrets."""
    all_span_texts: bytes
    """The texts of all spans, joined."""
    trace_id: TraceId | None
    """Trace id that the spans name, or None if only the transaction has one."""
    first_at: datetime | None
    """The earliest start of a span, or None without spans."""
    last_at: datetime | None
    """The latest end (or start) of a span, or None without spans."""


class _Spans(msgspec.Struct, gc=False):
    """A transaction of which only the spans are read."""

    spans: list[SentSpan] = []


_USUAL_MEMBERS: Final = (
    "breadcrumbs", "contexts", "culprit", "debug_meta", "dist", "environment", "event_id",
    "exception", "extra", "fingerprint", "level", "logentry", "logger", "measurements", "message",
    "modules", "platform", "received", "release", "replay_id", "request", "sdk", "server_name",
    "start_timestamp", "tags", "threads", "timestamp", "transaction", "transaction_info", "type",
    "user", "version",
)  # fmt: skip
"""Members that SDKs send beside the spans. One pass reads a transaction that has no others, and two
passes any other; the second one costs 29 of 800 us."""
_USUAL: Final = msgspec.json.Decoder(
    msgspec.defstruct(
        "_UsualTransaction",
        [(name, msgspec.Raw, _ABSENT) for name in _USUAL_MEMBERS],
        bases=(_Spans,),
        gc=False,
        forbid_unknown_fields=True,
    )
)
_ANY_SPANS: Final = msgspec.json.Decoder(_Spans)
_ANY_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def try_split_transaction(raw: memoryview) -> SentTransaction | None:
    """Split a transaction, if it is as SDKs usually send it.

    Returns:
        None if it must be read span by span, is over `LIMITS.event_bytes`, or cannot be read.
    """
    if len(raw) > LIMITS.event_bytes:
        return None
    try:
        spans, members = _split_members(raw)
        joined_members = _SEPARATOR.join(members.values())
        joined_members.decode()
        jsonish.check_shape(joined_members, "transaction", around=1)
    except (ValueError, RecursionError, RequestRefused):
        return None
    span_texts = [
        _SEPARATOR.join(
            (span.description, span.data, span.tags, span.exclusive_time, span.measurements)
        )
        for span in spans
    ]
    all_span_texts = _SEPARATOR.join(span_texts)
    if (
        _AUTO in joined_members
        or len(spans) > LIMITS.spans
        or not _are_usual_texts(span_texts, all_span_texts)
    ):
        return None
    return _check_spans(members, spans, span_texts, all_span_texts)


def _split_members(raw: memoryview) -> tuple[list[SentSpan], JsonMembers]:
    """Read the spans, and the JSON texts of all other members."""
    try:
        usual: Any = _USUAL.decode(raw)
    except msgspec.ValidationError:
        spans, members = _ANY_SPANS.decode(raw).spans, _ANY_MEMBERS.decode(raw)
        members.pop("spans", None)
    else:
        spans, members = usual.spans, {name: getattr(usual, name) for name in _USUAL_MEMBERS}
    return spans, {name: bytes(text) for name, text in members.items() if text}


def _are_usual_texts(span_texts: Sequence[bytes], all_span_texts: bytes) -> bool:
    """Tell whether the texts are UTF-8, name no replay, leave no address, and nest not too deep."""
    if _OWN_REPLAY in all_span_texts or _AUTO in all_span_texts:
        return False
    if not all_span_texts.isascii():
        try:
            all_span_texts.decode()
        except UnicodeDecodeError:
            return False
    # A text nests at most as deep as it has brackets. Counting them is only worth it in texts that
    # are long enough for so many levels: each takes five characters as a map, two as a list.
    lists = all_span_texts.count(b"[")
    shortest = _MOST_LEVELS * _MAP_CHARS - lists * (_MAP_CHARS - _LIST_CHARS)
    return all(
        text.count(b"{") + text.count(b"[") <= _MOST_LEVELS
        for text in span_texts
        if len(text) >= shortest
    )


def _check_spans(
    members: JsonMembers, spans: list[SentSpan], span_texts: list[bytes], all_span_texts: bytes
) -> SentTransaction | None:
    """Return the transaction; None if an id or a time is odd, or the spans name several traces."""
    trace_ids = {ids.read_hex32(text) for text in {span.trace_id for span in spans} - {None}}
    extent = _find_extent(spans) if spans else (None, None)
    has_good_ids = _are_span_ids([span.span_id for span in spans])
    if not has_good_ids or len(trace_ids) > 1 or None in trace_ids or extent is None:
        return None
    (trace_id,) = trace_ids or {None}
    return SentTransaction(
        members,
        spans,
        span_texts,
        all_span_texts,
        trace_id=TraceId(trace_id) if trace_id else None,
        first_at=extent[0],
        last_at=extent[1],
    )


def _are_span_ids(texts: Sequence[str]) -> bool:
    """Tell whether all texts are span ids, and no two of them are the same."""
    try:
        digits = bytes.fromhex("".join(texts))
    except ValueError:
        return False
    return (
        len(digits) == len(texts) * _ID_BYTES  # fromhex passes over blanks
        and len(set(texts)) == len(texts)
        and _NIL_ID not in texts
    )


def _find_extent(spans: Sequence[SentSpan]) -> tuple[datetime, datetime] | None:
    """Return the earliest start and the latest end (or start); None if a time cannot be read."""
    starts = [span.start_timestamp for span in spans]
    ends = [span.timestamp for span in spans if span.timestamp is not None]
    if isinstance(starts[0], float):
        with contextlib.suppress(TypeError):  # some of them are texts
            # If all are numbers, reading the lowest and the highest of them is enough.
            first, last = min(starts), max([*starts, *ends])
            if isinstance(last, float) and last >= timestamps.END_S:
                return None
            starts, ends = [first], [min([first, *ends]), last]
    started_at = [timestamps.read_at(start) for start in starts]
    times = [*started_at, *[timestamps.read_at(end) for end in ends]]
    readable = [at for at in times if at is not None]
    if len(readable) < len(times) or timestamps.is_set(min(readable)) != timestamps.is_set(
        max(readable)
    ):
        return None
    return min(readable[: len(started_at)]), max(readable)
