"""Wraps the body of the old `/store/` endpoint, a single event, into an envelope with one item.

SDKs in browsers that cannot post to another host ask for an image with the body in its address.

Source: docs/protocol.md, section 1.2; relay `relay-event-schema/src/protocol/event.rs`.
"""

import base64
import binascii
from typing import Final
from urllib.parse import parse_qs

import msgspec

from app.core.errors import MalformedInput, OversizedInput
from app.core.limits import LIMITS
from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.wire import encoding, envelope

_OLD_PREFIX: Final = "sentry.interfaces."
_RENAMED: Final = {
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Http": "request",
}
"""Old names whose new names differ by more than the prefix."""


_FIELD: Final = "sentry_data"


def is_body_in_query(query: str) -> bool:
    """Tell whether the query of a GET request holds a body."""
    return f"{_FIELD}=" in query


def body_from_query(query: str) -> bytes:
    """Return the body that a query holds."""
    (data, *_) = parse_qs(query).get(_FIELD, [""])
    # In base64 that was not escaped, a plus sign is decoded as a blank.
    is_json = data.lstrip().startswith("{")
    return (data if is_json else data.replace(" ", "+")).encode()


def wrap_store(body: bytes) -> envelope.Envelope:
    """Read an inflated store body.

    Args:
        body: JSON of one event or transaction; very old clients send it as base64 of zlib, and
            some senders post a whole envelope here.

    Returns:
        An envelope with one item, `event` or `transaction`; or the envelope that was posted.

    Raises:
        MalformedInput: It is none of these.
        OversizedInput: It is over `LIMITS.event_bytes` once inflated.
    """
    if _is_envelope(body):
        return envelope.split_envelope(body)
    text = body if body.lstrip().startswith(b"{") else _decode_base64(body)
    if len(text) > LIMITS.event_bytes:
        raise OversizedInput(
            f"store body has {len(text)} bytes, at most {LIMITS.event_bytes} are read"
        )
    event = jsonish.decode_object(text, "store body")
    if _rename_old_members(event):
        text = msgspec.json.encode(event)
    kind = "transaction" if event.get("type") == "transaction" else "event"
    header = envelope.header_from_object(event)
    return envelope.Envelope(header, (envelope.EnvelopeItem(kind, memoryview(text)),))


def _is_envelope(body: bytes) -> bool:
    """Tell whether this is an envelope: the first line is one object, and another follows."""
    first_line, _, remainder = body.partition(b"\n")
    is_object = first_line.startswith(b"{") and first_line.rstrip().endswith(b"}")
    return is_object and remainder.startswith(b"{")


def _rename_old_members(event: JsonObject) -> bool:
    """Give the members that raven wrote their present names and forms; tell whether any changed."""
    old_names = [name for name in event if name.startswith(_OLD_PREFIX)]
    for name in old_names:
        event.setdefault(_RENAMED.get(name, name.removeprefix(_OLD_PREFIX).lower()), event[name])
        del event[name]
    exception = event.get("exception")
    is_single = isinstance(exception, dict) and "values" not in exception
    if is_single:
        event["exception"] = {"values": [exception]}
    return bool(old_names) or is_single


def _decode_base64(body: bytes) -> bytes:
    """Decode base64 of zlib of JSON."""
    try:
        packed = base64.b64decode(body, validate=False)
    except binascii.Error:
        raise MalformedInput("store body is neither JSON nor base64") from None
    return encoding.inflate_zlib(packed, limit_bytes=LIMITS.event_bytes)
