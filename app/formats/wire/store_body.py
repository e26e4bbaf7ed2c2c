"""Wraps the body of the old `/store/` endpoint, a single event, into an envelope of one item.

SDKs of browsers that could not post to another host ask for an image with the body in its address.

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
"""Of the old names those that did not only lose their prefix."""


_FIELD: Final = "sentry_data"


def is_body_in_query(query: str) -> bool:
    """Tell whether the query of a GET holds a body."""
    return f"{_FIELD}=" in query


def body_from_query(query: str) -> bytes:
    """Return the body that a query holds."""
    (data, *_) = parse_qs(query).get(_FIELD, [""])
    # In base64 that was not escaped, a plus sign has come as a blank.
    is_json = data.lstrip().startswith("{")
    return (data if is_json else data.replace(" ", "+")).encode()


def wrap_store(body: bytes) -> envelope.Envelope:
    """Read a store body, whose Content-Encoding is off already.

    Args:
        body: JSON of one event or transaction; very old clients send base64 of zlib of it, and
            some senders post a whole envelope here.

    Returns:
        An envelope with one item, `event` or `transaction`; or the envelope that it is.

    Raises:
        MalformedInput: It is none of these.
        OversizedInput: It is over `LIMITS.event_bytes` once inflated.
    """
    if _is_envelope(body):
        return envelope.split_envelope(body)
    text = body if body.lstrip().startswith(b"{") else _unwrap(body)
    if len(text) > LIMITS.event_bytes:
        raise OversizedInput(
            f"store body has {len(text)} bytes, at most {LIMITS.event_bytes} are read"
        )
    event = jsonish.decode_object(text, "store body")
    if _modernise(event):
        text = msgspec.json.encode(event)
    kind = "transaction" if event.get("type") == "transaction" else "event"
    header = envelope.header_from_object(event)
    return envelope.Envelope(header, (envelope.EnvelopeItem(kind, memoryview(text)),))


def _is_envelope(body: bytes) -> bool:
    """Tell an envelope: one object ends with the first line, and another begins after it."""
    head, _, rest = body.partition(b"\n")
    return head.startswith(b"{") and head.rstrip().endswith(b"}") and rest.startswith(b"{")


def _modernise(event: JsonObject) -> bool:
    """Give what raven wrote the names and forms of today; tells whether anything was old."""
    old = [name for name in event if name.startswith(_OLD_PREFIX)]
    for name in old:
        event.setdefault(_RENAMED.get(name, name.removeprefix(_OLD_PREFIX).lower()), event[name])
        del event[name]
    exception = event.get("exception")
    is_alone = isinstance(exception, dict) and "values" not in exception
    if is_alone:
        event["exception"] = {"values": [exception]}
    return bool(old) or is_alone


def _unwrap(body: bytes) -> bytes:
    """Undo base64(zlib(JSON))."""
    try:
        packed = base64.b64decode(body, validate=False)
    except binascii.Error:
        raise MalformedInput("store body is neither JSON nor base64") from None
    return encoding.inflate_zlib(packed, limit_bytes=LIMITS.event_bytes)
