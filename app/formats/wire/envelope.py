r"""Splits an envelope into its header and items, without copying a payload.

    envelope = header LF *item
    item     = item-header LF payload [LF]

Headers are one JSON object on one line. A payload has `length` bytes, or runs to the next LF.

The values are msgspec's, because they are made for every request and cost a fifth of frozen
dataclasses.

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
"""More than any envelope has; only larger numbers need the slower getter."""
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")
_LINE_END_BYTES: Final = b"\r\n"
_LF: Final = 10


class TraceHeader(msgspec.Struct, frozen=True, gc=False):
    """The trace and the replay that the dynamic sampling context names.

    Its `public_key`, `release` and `environment` are not read: on a backend they are those of the
    app that began the trace, not of the sender.
    """

    trace_id: str | None = None
    replay_id: str | None = None


class EnvelopeHeader(msgspec.Struct, frozen=True, gc=False):
    """The first line of an envelope.

    `event_id` is 32 lower-case hex digits; in replay envelopes it is the replay id.
    """

    event_id: str | None = None
    dsn: str | None = None
    sent_at: datetime | None = None
    sdk_name: str | None = None
    sdk_version: str | None = None
    infer_ip: str | None = None
    """The SDK's wish about the sender's address, as sent: `auto`, `never` or `legacy`."""
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
    """A header and the items that could be read."""

    header: EnvelopeHeader
    items: tuple[EnvelopeItem, ...]
    damage: str | None = None
    """The reason why reading stopped before the end; the items before the damage are whole."""
    left_out: int = 0
    """Number of parts that can never be kept, such as OpenTelemetry spans without a trace id."""
    made_bytes: int = 0
    """Bytes of items that were made from the body instead of being a part of it."""


class _HeaderWire(msgspec.Struct):
    """The members of an envelope header that are read; others are skipped by the decoder."""

    event_id: Any = None
    dsn: Any = None
    sent_at: Any = None
    sdk: Any = None
    trace: Any = None


class _ItemWire(msgspec.Struct):
    """The members of an item header that are read."""

    type: Any = None
    length: Any = None
    content_type: Any = None
    filename: Any = None
    attachment_type: Any = None
    item_count: Any = None


_NO_TRACE: Final = TraceHeader()


class _ItemUnreadable(Exception):
    """An item cannot be read, so the items after it cannot be found."""


_decode_header: Final = msgspec.json.Decoder(_HeaderWire).decode
_decode_item_header: Final = msgspec.json.Decoder(_ItemWire).decode


def split_envelope(body: bytes | bytearray | memoryview) -> Envelope:
    """Split an envelope; payloads are views into `body`.

    Args:
        body: Inflated body. A memoryview is copied once, so that it can be searched.

    Raises:
        MalformedInput: The first line is not a JSON object.
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
    except _ItemUnreadable as reason:
        damage = str(reason)
    return Envelope(header, tuple(items), damage)


def read_header(line: bytes | bytearray | memoryview) -> EnvelopeHeader:
    """Read the first line; members of a wrong type count as absent.

    Raises:
        MalformedInput: It is not a JSON object.
    """
    try:
        wire = _decode_header(line)
    except (ValueError, RecursionError):
        return header_from_object(jsonish.decode_object(line, "envelope header"))
    return _read_header_members(wire)


def header_from_object(raw: jsonish.JsonObject) -> EnvelopeHeader:
    """Read the members of a header from a decoded object."""
    members = {name: raw.get(name) for name in _HeaderWire.__struct_fields__}
    return _read_header_members(_HeaderWire(**members))


def _read_header_members(wire: _HeaderWire) -> EnvelopeHeader:
    sdk = wire.sdk if isinstance(wire.sdk, dict) else {}
    settings = sdk.get("settings")
    return EnvelopeHeader(
        event_id=ids.read_hex32(wire.event_id),
        dsn=jsonish.text_of(wire.dsn, limit=_URL_CHARS),
        sent_at=timestamps.read_at(wire.sent_at),
        sdk_name=_read_name(sdk.get("name")),
        sdk_version=_read_name(sdk.get("version")),
        infer_ip=_read_name(settings.get("infer_ip")) if isinstance(settings, dict) else None,
        trace=_read_trace(wire.trace) if isinstance(wire.trace, dict) else _NO_TRACE,
    )


def _read_trace(wire: jsonish.JsonObject) -> TraceHeader:
    return TraceHeader(
        trace_id=ids.read_hex32(wire.get("trace_id")),
        replay_id=ids.read_hex32(wire.get("replay_id")),
    )


def _read_name(value: object) -> str | None:
    return None if value is None else jsonish.text_of(value, limit=_NAME_CHARS)


def _read_items(data: bytes | bytearray, start: int, items: list[EnvelopeItem]) -> None:
    """Append every item from `start` on to `items`, so that those before a damage are kept."""
    view = memoryview(data)
    at = _skip_line_ends(data, start)
    while at < len(data):
        if len(items) == LIMITS.items:
            raise OversizedInput(f"envelope has more than {LIMITS.items} items")
        payload_start, wire = _read_item_header(data, at)
        payload_end = _find_payload_end(data, payload_start, wire.length)
        items.append(
            EnvelopeItem(
                type=_read_name(wire.type) or "",
                payload=view[payload_start:payload_end],
                content_type=_read_name(wire.content_type),
                filename=_read_name(wire.filename),
                attachment_type=_read_name(wire.attachment_type),
                item_count=None if wire.item_count is None else _read_count(wire.item_count),
            )
        )
        at = _skip_line_ends(data, payload_end)


def _read_item_header(data: bytes | bytearray, at: int) -> tuple[int, _ItemWire]:
    """Return the offset of the payload, and the header."""
    end = data.find(b"\n", at, at + LIMITS.item_header_bytes + 1)
    if end < 0:
        end = len(data)
    if end - at > LIMITS.item_header_bytes:
        raise _ItemUnreadable(f"item header at byte {at} is over {LIMITS.item_header_bytes} bytes")
    line = data[at:end]
    try:
        wire = _decode_item_header(line)
    except (ValueError, RecursionError):
        wire = _read_item_header_leniently(line, at)
    return min(end + 1, len(data)), wire


def _read_item_header_leniently(line: bytes | bytearray, at: int) -> _ItemWire:
    try:
        raw = jsonish.decode_object(line, f"item header at byte {at}")
    except MalformedInput as error:
        raise _ItemUnreadable(str(error)) from None
    return _ItemWire(**{name: raw.get(name) for name in _ItemWire.__struct_fields__})


def _find_payload_end(data: bytes | bytearray, start: int, length: object) -> int:
    """Return the offset after a payload that begins at `start`."""
    if length is None:
        end = data.find(b"\n", start)
        return len(data) if end < 0 else end
    count = _read_count(length)
    if count is None:
        raise _ItemUnreadable(f"item length before byte {start} is not a count: {shown(length)}")
    end = start + count
    if end > len(data):
        raise _ItemUnreadable(
            f"item at byte {start} claims {count} bytes, {len(data) - start} are left"
        )
    if end < len(data) and data[end] not in _LINE_END_BYTES:
        raise _ItemUnreadable(f"item at byte {start} goes on after its {count} bytes")
    return end


def _read_count(value: object) -> int | None:
    """Read a number of bytes or members, also from a string; None for anything else."""
    if type(value) is int and 0 <= value <= _MOST_BYTES:
        return value  # This is nearly every count.
    return jsonish.integer({"count": value}, "count", lowest=0)


def _skip_line_ends(data: bytes | bytearray, at: int) -> int:
    if at < len(data) and data[at] == _LF:
        at += 1  # There is nearly always one.
    if at == len(data) or data[at] not in _LINE_END_BYTES:
        return at
    line_ends = _LINE_ENDS.match(data, at)
    return line_ends.end() if line_ends else at
