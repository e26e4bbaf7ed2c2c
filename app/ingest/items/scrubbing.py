"""Scrubs JSON on the way in: it is decoded, loses its secrets, and only then is read as a type."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from app.formats import json_members, jsonish
from app.formats.json_members import JsonMembers
from app.formats.jsonish import JsonObject
from app.formats.wire import addresses
from app.ingest.items.context import EnvelopeContext
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.rules import ScrubRemark
from app.scrub.taps.event import hide_event_taps

_WITH_USER: Final = frozenset(
    {PayloadKind.EVENT, PayloadKind.TRANSACTION, PayloadKind.REPLAY_EVENT}
)
ADDRESS_MEMBERS: Final = frozenset({"user", "sdk", "platform", "ingest_settings", "request"})
"""The members that decide whether and where the address of the sender is filled in."""


class CleanPayload(msgspec.Struct, frozen=True, gc=False):
    """A decoded payload without secrets."""

    value: Any
    is_changed: bool
    """True if it has to be written anew: something was removed, or an address filled in."""
    remarks: tuple[ScrubRemark, ...]
    """The remarks on what was removed."""


def decode_and_scrub(
    data: memoryview, context: EnvelopeContext, *, kind: PayloadKind, what: str
) -> JsonObject:
    """Decode a JSON object, and return it without secrets; count what was removed.

    Raises:
        MalformedInput: It is not a JSON object.
        OversizedInput: It is over a limit of JSON.
    """
    raw = bytes(data)
    clean = scrub_decoded(jsonish.decode(raw, what), raw, context, kind=kind)
    context.count_removals(clean.remarks)
    return jsonish.need_object(clean.value, what)


def scrub_payload(
    data: memoryview, context: EnvelopeContext, *, kind: PayloadKind, what: str
) -> bytes | memoryview:
    """Return a JSON payload without secrets, which is the same object if it had none.

    What was removed is counted.

    Raises:
        MalformedInput: It is not JSON.
        OversizedInput: It is over a limit of JSON.
    """
    raw = bytes(data)
    clean = scrub_decoded(jsonish.decode(raw, what), raw, context, kind=kind)
    context.count_removals(clean.remarks)
    return msgspec.json.encode(clean.value) if clean.is_changed else data


def scrub_decoded(
    value: Any, raw: bytes, context: EnvelopeContext, *, kind: PayloadKind
) -> CleanPayload:
    """Return a decoded payload without secrets.

    Addresses for which SDKs ask the server (`{{auto}}`) are filled in first, in place.

    Args:
        value: The payload as decoded.
        raw: Its JSON text.
        context: The context of its envelope.
        kind: The kind of the payload.
    """
    is_filled = addresses.fill_addresses(
        value,
        raw,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=kind in _WITH_USER,
    )
    without_taps: Any = value
    tap_remarks: tuple[ScrubRemark, ...] = ()
    if context.taps.hides_any:
        without_taps, tap_remarks = hide_event_taps(value, context.taps, kind=kind)
    result = walk.scrub_json(without_taps, context.rules, kind=kind)
    is_changed = is_filled or result.value is not value
    return CleanPayload(result.value, is_changed, (*tap_remarks, *result.remarks))


def fill_member_addresses(
    members: JsonMembers, text: bytes, context: EnvelopeContext, *, names: Collection[str]
) -> JsonMembers:
    """Fill in the address of the sender in an object that may have a user.

    Args:
        members: The members of the object.
        text: The text of all members; empty if it is known to hold no `{{auto}}`.
        context: The context of its envelope.
        names: The members to decode for it: `ADDRESS_MEMBERS`, and those that hold `{{auto}}`.

    Returns:
        The same object if nothing was filled in.
    """
    value = json_members.decode_members(members, names)
    is_filled = addresses.fill_addresses(
        value,
        text,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=True,
    )
    if not is_filled:
        return members
    return members | {name: msgspec.json.encode(item) for name, item in value.items()}
