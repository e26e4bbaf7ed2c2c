"""Looks over the spans of a transaction in the form they are sent and stored in, building none.

    JSON ─► members beside the spans, as texts
         └► spans: ids, times and trace checked; what they say left as JSON text

SDKs send hundreds of spans that are all alike, and a block keeps them as they came. So `look`
takes what is as usual, and leaves everything else to `transaction`, which reads span by span:
unknown fields, odd types, other traces, ids that are none or stand twice, text that is no UTF-8.

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
_NIL: Final = "0" * _ID_CHARS
_DEEPEST: Final = LIMITS.json_depth - 3
"""Levels of JSON in what a span says: three are around it."""
_MAP_CHARS: Final = 5
_LIST_CHARS: Final = 2
_AUTO: Final = addresses.AUTO.encode()
_OWN_REPLAY: Final = b"sentry.replay_id"
_END: Final = b"\n"
"""Stands between texts: no JSON string holds it."""

_Id = Annotated[str, msgspec.Meta(min_length=_ID_CHARS, max_length=_ID_CHARS)]
_Time = float | str
_NOTHING: Final = msgspec.Raw()


class SentSpan(
    msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """One span in the form of v1: structure as values, all else as JSON text.

    Fields stand in the order of the SDK for Android: then each is found where it is looked for
    first.
    """

    start_timestamp: _Time
    timestamp: _Time | None = None
    trace_id: str | None = None
    span_id: _Id
    parent_span_id: str | None = None
    op: str | None = None
    description: msgspec.Raw = _NOTHING
    status: str | None = None
    origin: str | None = None
    tags: msgspec.Raw = _NOTHING
    data: msgspec.Raw = _NOTHING
    measurements: msgspec.Raw = _NOTHING
    is_segment: bool | None = None
    same_process_as_parent: bool | None = None
    segment_id: str | None = None
    profile_id: str | None = None
    hash: str | None = None
    kind: str | None = None
    exclusive_time: msgspec.Raw = _NOTHING


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """A transaction whose spans are as usual."""

    members: JsonMembers
    """All but the spans, which is strict JSON of no illegal depth, and no address left to fill."""
    spans: list[SentSpan]
    texts: list[bytes]
    """Of each span, all in it that is not structure."""
    said: bytes
    """All of that."""
    trace_id: TraceId | None
    """That the spans name; None if they leave it to the transaction."""
    first_at: datetime | None
    """When the first of them began, and the last ended or began; None without spans."""
    last_at: datetime | None


class _Spans(msgspec.Struct, gc=False):
    """A transaction of which all but the spans is passed over."""

    spans: list[SentSpan] = []


_HEAD: Final = (
    "breadcrumbs", "contexts", "culprit", "debug_meta", "dist", "environment", "event_id",
    "exception", "extra", "fingerprint", "level", "logentry", "logger", "measurements", "message",
    "modules", "platform", "received", "release", "replay_id", "request", "sdk", "server_name",
    "start_timestamp", "tags", "threads", "timestamp", "transaction", "transaction_info", "type",
    "user", "version",
)  # fmt: skip
"""What SDKs say beside the spans; where something else is said, all is read in a second pass."""
_WHOLE: Final = msgspec.json.Decoder(
    msgspec.defstruct(
        "_Whole",
        [(name, msgspec.Raw, _NOTHING) for name in _HEAD],
        bases=(_Spans,),
        gc=False,
        forbid_unknown_fields=True,
    )
)
_SPANS: Final = msgspec.json.Decoder(_Spans)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


def try_split_transaction(raw: memoryview) -> SentTransaction | None:
    """Look over a transaction.

    Args:
        raw: JSON, of at most `LIMITS.event_bytes`.

    Returns:
        None if it must be read span by span, or cannot be read at all.
    """
    try:
        spans, members = _take_apart(raw)
        beside = _END.join(members.values())
        beside.decode()
        jsonish.check_shape(beside, "transaction", around=1)
    except (ValueError, RecursionError, RequestRefused):
        return None
    texts = [
        _END.join((one.description, one.data, one.tags, one.exclusive_time, one.measurements))
        for one in spans
    ]
    said = _END.join(texts)
    if _AUTO in beside or len(spans) > LIMITS.spans or not _are_plain(texts, said):
        return None
    return _checked(members, spans, texts, said)


def _take_apart(raw: memoryview) -> tuple[list[SentSpan], JsonMembers]:
    """Read the spans, and the text of all other members."""
    try:
        whole: Any = _WHOLE.decode(raw)
    except msgspec.ValidationError:
        spans, found = _SPANS.decode(raw).spans, _MEMBERS.decode(raw)
        found.pop("spans", None)
    else:
        spans, found = whole.spans, {name: getattr(whole, name) for name in _HEAD}
    return spans, {name: bytes(text) for name, text in found.items() if text}


def _are_plain(texts: Sequence[bytes], joined: bytes) -> bool:
    """Tell whether all is UTF-8, names no replay of its own, leaves no address, is not too deep."""
    if _OWN_REPLAY in joined or _AUTO in joined:
        return False
    if not joined.isascii():
        try:
            joined.decode()
        except UnicodeDecodeError:
            return False
    # A level takes two characters at least, one that is no list five: `{"":}`.
    least = _DEEPEST * _MAP_CHARS - joined.count(b"[") * (_MAP_CHARS - _LIST_CHARS)
    return all(one.count(b"{") + one.count(b"[") <= _DEEPEST for one in texts if len(one) >= least)


def _checked(
    members: JsonMembers, spans: list[SentSpan], texts: list[bytes], said: bytes
) -> SentTransaction | None:
    named = {one.trace_id for one in spans} - {None}
    traces = {ids.read_hex32(one) for one in named}
    reach = _reach(spans) if spans else (None, None)
    has_ids = _are_ids([one.span_id for one in spans])
    if not has_ids or len(traces) > 1 or None in traces or reach is None:
        return None
    (trace_id,) = traces or {None}
    first_at, last_at = reach
    return SentTransaction(
        members,
        spans,
        texts,
        said,
        TraceId(trace_id) if trace_id else None,
        first_at,
        last_at,
    )


def _are_ids(span_ids: Sequence[str]) -> bool:
    """Tell whether all are ids of spans, each a different one."""
    try:
        digits = bytes.fromhex("".join(span_ids))
    except ValueError:
        return False
    return (
        len(digits) == len(span_ids) * _ID_BYTES  # fromhex passes over blanks
        and len(set(span_ids)) == len(span_ids)
        and _NIL not in span_ids
    )


def _reach(spans: Sequence[SentSpan]) -> tuple[datetime, datetime] | None:
    """Return when the first began, and the last ended or began; None if a time cannot be read."""
    starts = [one.start_timestamp for one in spans]
    ends = [one.timestamp for one in spans if one.timestamp is not None]
    if isinstance(starts[0], float):
        with contextlib.suppress(TypeError):  # some are texts
            # Of seconds, the first and the last tell about all.
            first, last = min(starts), max([*starts, *ends])
            if isinstance(last, float) and last >= timestamps.END_S:
                return None
            starts, ends = [first], [min([first, *ends]), last]
    began = [timestamps.read_at(one) for one in starts]
    times = [*began, *[timestamps.read_at(one) for one in ends]]
    read = [one for one in times if one is not None]
    if len(read) < len(times) or timestamps.is_set(min(read)) != timestamps.is_set(max(read)):
        return None
    return min(read[: len(began)]), max(read)
