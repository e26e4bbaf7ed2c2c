r"""Splits an envelope into its header and items, without copying a payload.

    envelope = header LF *item
    item     = item-header LF payload [LF]

Headers are one JSON object on one line. A payload has `length` bytes, or runs to the next LF.

Made for every request, the values are msgspec's: they cost a fifth of frozen dataclasses.

Source: docs/protocol.md, section 2; relay `relay-server/src/envelope/mod.rs`.
"""

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from app.core import ids
from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.core.log import shown
from app.formats import jsonish, timestamps

_NAME_CHARS: Final = 200
_URL_CHARS: Final = 2_000
_MOST_BYTES: Final = 2**40
"""More than any envelope has; numbers above are looked at more closely."""
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_LINE_END_BYTES: Final = b"\r\n"
_LF: Final = 10


class TraceHeader(msgspec.Struct, frozen=True, gc=False):
    """Of the dynamic sampling context what names a trace and a replay.

    Its `public_key`, `release` and `environment` are not read: on a backend they are those of the
    app that began the trace, not of the sender.
    """

    trace_id: str | None = None
    replay_id: str | None = None


class EnvelopeHeader(msgspec.Struct, frozen=True, gc=False):
    """The first line; `event_id` is 32 lower-case hex digits, in replay envelopes the replay id."""

    event_id: str | None = None
    dsn: str | None = None
    sent_at: datetime | None = None
    sdk_name: str | None = None
    sdk_version: str | None = None
    infer_ip: str | None = None
    """Whether the SDK wants the sender's address noted, in its own word; see `addresses`."""
    trace: TraceHeader = TraceHeader()


class EnvelopeItem(msgspec.Struct, frozen=True, gc=False):
    """One part of an envelope; `type` is empty where the sender named none."""

    type: str
    payload: memoryview
    content_type: str | None = None
    filename: str | None = None
    attachment_type: str | None = None
    item_count: int | None = None


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """A header and the items that could be read.

    `damage` says why reading stopped before the end; the items before it are whole. `left_out`
    counts parts of items that the door knows already that nobody can keep. `made_bytes` counts the
    bytes of items that are no part of the body, but were made of it.
    """

    header: EnvelopeHeader
    items: tuple[EnvelopeItem, ...]
    damage: str | None = None
    left_out: int = 0
    made_bytes: int = 0


class _HeaderWire(msgspec.Struct):
    """The members that are read; the rest of the line is skipped without being built."""

    event_id: Any = None
    dsn: Any = None
    sent_at: Any = None
    sdk: Any = None
    trace: Any = None


class _ItemWire(msgspec.Struct):
    type: Any = None
    length: Any = None
    content_type: Any = None
    filename: Any = None
    attachment_type: Any = None
    item_count: Any = None


_NO_TRACE: Final = TraceHeader()


class _Damaged(Exception):
    """An item cannot be read, and what follows it cannot be found."""


_decode_header: Final = msgspec.json.Decoder(_HeaderWire).decode
_decode_item_header: Final = msgspec.json.Decoder(_ItemWire).decode


def split_envelope(body: bytes | bytearray | memoryview) -> Envelope:
    """Split an envelope; payloads are views into `body`.

    Args:
        body: Already inflated. A memoryview is copied once, to be searched.

    Raises:
        MalformedInput: The first line is no JSON object.
        OversizedInput: The first line, or the number of items, is over its limit.
    """
    data = bytes(body) if isinstance(body, memoryview) else body
    header_end = data.find(b"\n", 0, LIMITS.envelope_header_bytes + 1)
    if header_end < 0:
        header_end = len(data)
    if header_end > LIMITS.envelope_header_bytes:
        raise OversizedInput(f"envelope header is over {LIMITS.envelope_header_bytes} bytes")
    header = read_header(data[:header_end])
    items: list[EnvelopeItem] = []
    damage = None
    try:
        _read_items(data, header_end, items)
    except _Damaged as reason:
        damage = str(reason)
    return Envelope(header, tuple(items), damage)


def read_header(line: bytes | bytearray | memoryview) -> EnvelopeHeader:
    """Read the first line; members of the wrong type count as absent, `trace` too.

    Raises:
        MalformedInput: It is no JSON object.
    """
    try:
        wire = _decode_header(line)
    except (ValueError, RecursionError):
        return header_from_object(jsonish.decode_object(line, "envelope header"))
    return _header(wire)


def header_from_object(found: jsonish.JsonObject) -> EnvelopeHeader:
    """Read the members of a header from an object that is decoded already."""
    return _header(_HeaderWire(**{name: found.get(name) for name in _HeaderWire.__struct_fields__}))


def _header(wire: _HeaderWire) -> EnvelopeHeader:
    sdk = wire.sdk if isinstance(wire.sdk, dict) else {}
    settings = sdk.get("settings")
    return EnvelopeHeader(
        event_id=ids.read_hex32(wire.event_id),
        dsn=jsonish.text_of(wire.dsn, limit=_URL_CHARS),
        sent_at=timestamps.read_at(wire.sent_at),
        sdk_name=_name(sdk.get("name")),
        sdk_version=_name(sdk.get("version")),
        infer_ip=_name(settings.get("infer_ip")) if isinstance(settings, dict) else None,
        trace=_trace(wire.trace) if isinstance(wire.trace, dict) else _NO_TRACE,
    )


def _trace(wire: jsonish.JsonObject) -> TraceHeader:
    return TraceHeader(
        trace_id=ids.read_hex32(wire.get("trace_id")),
        replay_id=ids.read_hex32(wire.get("replay_id")),
    )


def _name(value: object) -> str | None:
    return None if value is None else jsonish.text_of(value, limit=_NAME_CHARS)


def _read_items(data: bytes | bytearray, start: int, items: list[EnvelopeItem]) -> None:
    """Append every item from `start` on to `items`, so that those before a damage are kept."""
    view = memoryview(data)
    at = _after_line_ends(data, start)
    while at < len(data):
        if len(items) == LIMITS.items:
            raise OversizedInput(f"envelope has more than {LIMITS.items} items")
        payload_start, wire = _read_item_header(data, at)
        payload_end = _payload_end(data, payload_start, wire.length)
        items.append(
            EnvelopeItem(
                type=_name(wire.type) or "",
                payload=view[payload_start:payload_end],
                content_type=_name(wire.content_type),
                filename=_name(wire.filename),
                attachment_type=_name(wire.attachment_type),
                item_count=None if wire.item_count is None else _count(wire.item_count),
            )
        )
        at = _after_line_ends(data, payload_end)


def _read_item_header(data: bytes | bytearray, at: int) -> tuple[int, _ItemWire]:
    """Return where the payload begins, and the header."""
    end = data.find(b"\n", at, at + LIMITS.item_header_bytes + 1)
    if end < 0:
        end = len(data)
    if end - at > LIMITS.item_header_bytes:
        raise _Damaged(f"item header at byte {at} is over {LIMITS.item_header_bytes} bytes")
    line = data[at:end]
    try:
        wire = _decode_item_header(line)
    except (ValueError, RecursionError):
        wire = _read_item_header_leniently(line, at)
    return min(end + 1, len(data)), wire


def _read_item_header_leniently(line: bytes | bytearray, at: int) -> _ItemWire:
    try:
        found = jsonish.decode_object(line, f"item header at byte {at}")
    except MalformedInput as error:
        raise _Damaged(str(error)) from None
    return _ItemWire(**{name: found.get(name) for name in _ItemWire.__struct_fields__})


def _payload_end(data: bytes | bytearray, start: int, length: object) -> int:
    """Return the offset after a payload that begins at `start`."""
    if length is None:
        end = data.find(b"\n", start)
        return len(data) if end < 0 else end
    count = _count(length)
    if count is None:
        raise _Damaged(f"item length before byte {start} is no count: {shown(length)}")
    end = start + count
    if end > len(data):
        raise _Damaged(f"item at byte {start} claims {count} bytes, {len(data) - start} are left")
    if end < len(data) and data[end] not in _LINE_END_BYTES:
        raise _Damaged(f"item at byte {start} goes on after its {count} bytes")
    return end


def _count(value: object) -> int | None:
    """Read a number of bytes or members that may stand in a string; None for all else."""
    if type(value) is int and 0 <= value <= _MOST_BYTES:
        return value  # as nearly always
    return jsonish.integer({"count": value}, "count", lowest=0)


def _after_line_ends(data: bytes | bytearray, at: int) -> int:
    if at < len(data) and data[at] == _LF:
        at += 1  # one, as nearly always
    if at == len(data) or data[at] not in _LINE_END_BYTES:
        return at
    found = _LINE_ENDS.match(data, at)
    return found.end() if found else at
