"""Reads events whose members stay JSON texts, except for those that are read or hold a secret.

    text ─ split ─► members ─┬ new ──► addresses ─► scrub ─┬─► members without secrets ─┬─► packed
                             └ known ──────────────────────┘                            └─► read

Members that are often large, and often the same, are known by their text for a while: without
secrets, and compressed. An event that is unusual in any way is left to `scrubbed_event`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from app.core import ids
from app.core.bounded_cache import BoundedCache
from app.core.errors import RequestRefused
from app.core.limits import LIMITS
from app.formats import json_members, jsonish
from app.formats.events import event
from app.formats.json_members import JsonMembers
from app.formats.stored import packed_json
from app.formats.wire import addresses
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.events import problem_cache
from app.ingest.items.events.problem_cache import WORTH_CACHING_BYTES
from app.ingest.items.events.scrubbed_event import (
    SYMBOLICATED_MEMBERS,
    ScrubbedEvent,
    find_file_need,
)
from app.ingest.items.stages import run_stage
from app.scrub.places import PayloadKind
from app.scrub.quick import try_scrub_members
from app.scrub.rules import ScrubRemark, ScrubRules

_REPEATED_MEMBERS: Final[tuple[str, ...]] = ("exception", "threads", "debug_meta", "modules")
"""Members that are often large, and often the same."""
_AUTO: Final = addresses.AUTO.encode()


class _KnownMember(msgspec.Struct, frozen=True, gc=False):
    """A member that came lately."""

    text: bytes
    """The JSON of the member without secrets."""
    packed: bytes
    """The name of the member and that JSON, compressed."""
    remarks: tuple[ScrubRemark, ...]
    """The remarks on what was removed from it."""


_known_members: Final[BoundedCache[tuple[ScrubRules, str, bytes], _KnownMember]] = BoundedCache(
    6 * 1024 * 1024
)
"""Members that came lately, by scrub rules, name and text as sent."""


class _DecodedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that is cut into its members."""

    names: Sequence[str]
    """The names of all members, in their order."""
    known: dict[str, _KnownMember]
    new: JsonMembers
    """The members that are not known, as sent."""


class _CleanEvent(msgspec.Struct, frozen=True, gc=False):
    """An event without secrets."""

    members: JsonMembers
    known: dict[str, _KnownMember]
    """The members that are compressed already."""
    remarks: tuple[ScrubRemark, ...]
    """The remarks on what was removed from all of them."""


class _PackedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event without secrets, and all of it compressed."""

    members: JsonMembers
    packed: bytes
    remarks: tuple[ScrubRemark, ...]


def try_read_events(received: Sequence[ReceivedItem]) -> list[ScrubbedEvent | None]:
    """Read events, all of them stage by stage.

    Returns:
        What `scrubbed_event.read_scrubbed_event` returns, or None for an unusual event.
    """
    contexts = [context for _, context in received]
    decoded = run_stage(_decode_event, [item for item, _ in received], contexts)
    clean = run_stage(_scrub_event, decoded, contexts)
    packed = run_stage(_pack_event, clean, contexts)
    return run_stage(_read_event, packed, contexts)


def _decode_event(item: EnvelopeItem, context: EnvelopeContext) -> _DecodedEvent | None:
    if len(item.payload) > LIMITS.event_bytes or context.taps.hides_any:
        return None
    members = json_members.split_members(item.payload)
    if members is None:
        return None
    event_id = ids.read_hex32(json_members.decode_member(members.get("event_id", b"null")))
    if not (event_id or context.header.event_id):
        return None  # its id is made of the whole event
    known = {
        name: member
        for name in _REPEATED_MEMBERS
        if name in members
        and (member := _known_members.get((context.rules, name, members[name]))) is not None
    }
    new = {name: text for name, text in members.items() if name not in known}
    return _DecodedEvent(tuple(members), known, new)


def _scrub_event(decoded: _DecodedEvent, context: EnvelopeContext) -> _CleanEvent | None:
    filled = _fill_addresses(decoded.new, context)
    if filled is None:
        return None
    remarks: list[ScrubRemark] = []
    clean = try_scrub_members(filled, context.rules, kind=PayloadKind.EVENT, remarks=remarks)
    if clean is None:
        return None
    for member in decoded.known.values():
        remarks += member.remarks
    known = decoded.known | _remember_members(decoded, filled, clean, (context.rules, remarks))
    members = {
        name: known[name].text if name in known else clean[name] for name in decoded.names
    } | clean  # which may have a user, made of the address of the sender
    return _CleanEvent(members, known, tuple(sorted(remarks)) if remarks else ())


def _fill_addresses(new: JsonMembers, context: EnvelopeContext) -> JsonMembers | None:
    """Put the sender's address where the SDK asks for it; None if the event is too deep or odd."""
    text = b"\n".join(new.values())
    try:
        jsonish.check_shape(text, "event", around=1)
    except RequestRefused:
        return None
    names = scrubbing.ADDRESS_MEMBERS
    if _AUTO in text:
        if b"\\u" in text:
            return None  # another `{{auto}}` may be written with escapes
        names |= {name for name, member in new.items() if _AUTO in member}
    return scrubbing.fill_member_addresses(new, text, context, names=names)


def _remember_members(
    decoded: _DecodedEvent,
    filled: JsonMembers,
    clean: JsonMembers,
    by: tuple[ScrubRules, Sequence[ScrubRemark]],
) -> dict[str, _KnownMember]:
    """Cache the new members that may come again, and return them.

    Args:
        decoded: The event as sent.
        filled: Its new members, with the address of the sender filled in.
        clean: The same without secrets.
        by: The rules, and the remarks on what they removed from the event.
    """
    rules, remarks = by
    remembered: dict[str, _KnownMember] = {}
    for name in _REPEATED_MEMBERS:
        text = decoded.new.get(name, b"")
        # What an address was filled into depends on the sender as well.
        if len(text) >= WORTH_CACHING_BYTES and filled[name] is text:
            packed = packed_json.pack_text(json_members.encode_member_name(name) + clean[name])
            own = tuple(remark for remark in remarks if remark.path.partition(".")[0] == name)
            member = remembered[name] = _KnownMember(clean[name], packed, own)
            size_bytes = len(text) + len(member.text) + len(packed)
            _known_members.put((rules, name, text), member, size_bytes)
    return remembered


def _pack_event(clean: _CleanEvent, _context: EnvelopeContext) -> _PackedEvent | None:
    """Compress an event, except for its known members; None if it is over the limit.

    Compressed parts may be joined, so the text between two known members is compressed as one.
    """
    parts: list[bytes] = []
    pending: list[bytes] = []
    separator, size_bytes = b"{", 2
    for name, text in clean.members.items():
        pending.append(separator)
        size_bytes += len(text)
        member = clean.known.get(name)
        if member is None:
            pending += json_members.encode_member_name(name), text
        else:
            parts += packed_json.pack_text(b"".join(pending)), member.packed
            pending = []
        separator = b","
    pending.append(b"}")
    parts.append(packed_json.pack_text(b"".join(pending)))
    if size_bytes > LIMITS.event_bytes:
        return None
    return _PackedEvent(clean.members, b"".join(parts), clean.remarks)


def _read_event(packed: _PackedEvent, context: EnvelopeContext) -> ScrubbedEvent:
    problem, issue_ids = problem_cache.read_grouped_problem(packed.members)
    raw = json_members.decode_members(packed.members, event.EVENT_MEMBERS)
    read = event.read_event(raw, context.header)
    return ScrubbedEvent(
        event=read,
        problem=problem,
        issue_ids=issue_ids,
        packed=packed.packed,
        remarks=packed.remarks,
        needs_files=find_file_need(packed.members, read.platform),
        decode=partial(json_members.decode_members, packed.members, SYMBOLICATED_MEMBERS),
    )
