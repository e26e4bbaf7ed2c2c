"""Scrubbing on the way in: read as JSON, take the secrets out, and only then read as a type."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import msgspec

from app.core import ids
from app.formats import json_members, jsonish
from app.formats.json_members import JsonMembers
from app.formats.jsonish import JsonObject
from app.formats.replay import quick_replay_event, replay_event
from app.formats.replay.replay_event import ReplayEvent, ReplayFacts
from app.formats.spans.quick_transaction import SentSpan, SentTransaction
from app.formats.wire import addresses
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.segments import facts
from app.ingest.items.segments.facts import Facts
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.quick import try_scrub_members
from app.scrub.rules import ScrubRules

_WITH_A_USER: Final = frozenset(
    {PayloadKind.EVENT, PayloadKind.TRANSACTION, PayloadKind.REPLAY_EVENT}
)
ADDRESSED: Final = frozenset({"user", "sdk", "platform", "ingest_settings", "request"})
"""What `addresses.fill` reads."""
_KEPT_BYTES: Final = 2_048
"""Longer facts are read anew each time; real ones have some 500 bytes."""


def value(
    data: memoryview, context: EnvelopeContext, *, kind: PayloadKind, what: str
) -> JsonObject:
    """Return a JSON object without secrets, decoded.

    Raises:
        MalformedInput: It is no JSON object.
        OversizedInput: It is over a limit of JSON.
    """
    raw = bytes(data)
    sent = jsonish.decode(raw, what)
    clean = scrub(sent, raw, context, kind=kind)
    return jsonish.need_object(sent if clean is None else clean, what)


def payload(
    data: memoryview, context: EnvelopeContext, *, kind: PayloadKind, what: str
) -> bytes | memoryview:
    """Return a JSON payload without secrets; the same object where there were none.

    Raises:
        MalformedInput: It is no JSON.
        OversizedInput: It is over a limit of JSON.
    """
    raw = bytes(data)
    value = jsonish.decode(raw, what)
    clean = scrub(value, raw, context, kind=kind)
    return data if clean is None else msgspec.json.encode(clean)


def scrub(value: Any, raw: bytes, context: EnvelopeContext, *, kind: PayloadKind) -> Any | None:
    """Return a decoded payload without secrets; None where there were none.

    Addresses that the SDK left to the server (`{{auto}}`) are filled in first, in place.
    """
    is_filled = addresses.fill_addresses(
        value,
        raw,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=kind in _WITH_A_USER,
    )
    clean = walk.scrub_json(value, context.rules, kind=kind).value
    return None if clean is value and not is_filled else clean


class Told(msgspec.Struct, frozen=True, gc=False):
    """A replay event, and what of it its replay keeps."""

    event: ReplayEvent
    facts: Facts


def replay_event_of(data: memoryview, context: EnvelopeContext) -> Told:
    """Read a replay event; of what it holds only what is read is looked at.

    The segments of a phone say the same of app, device and user again and again. So that part is
    scrubbed and read once, and kept for the next one.

    Raises:
        MalformedInput: It is no JSON object, or names no replay and segment.
        OversizedInput: It is over a limit.
    """
    raw, header = bytes(data), context.header
    parts = quick_replay_event.try_split_replay_event(raw)
    if parts is None or addresses.asks_for_address(raw) or len(parts.facts_json) > _KEPT_BYTES:
        return told_whole(raw, context)
    about, facts = _about(
        parts.facts_json,
        context.rules,
        client_ip=context.client_ip,
        infer_ip=header.infer_ip,
        sdk_name=header.sdk_name,
        sdk_version=header.sdk_version,
    )
    moment = walk.scrub_json(
        parts.segment_members, context.rules, kind=PayloadKind.REPLAY_EVENT
    ).value
    return Told(replay_event.read_segment_members(moment, about), facts)


def told_whole(raw: bytes, context: EnvelopeContext) -> Told:
    """Read a replay event as `replay_event_of`, with nothing kept from others.

    Raises:
        MalformedInput: It is no JSON object, or names no replay and segment.
        OversizedInput: It is over a limit.
    """
    picked = replay_event.decode_replay_event(raw)
    clean = scrub(picked, raw, context, kind=PayloadKind.REPLAY_EVENT)
    event = replay_event.read_replay_event(picked if clean is None else clean, context.header)
    return Told(event, facts.of_segment(event.facts))


@lru_cache(maxsize=2_048)
def _about(
    part: bytes,
    rules: ScrubRules,
    *,
    client_ip: str | None,
    infer_ip: str | None,
    sdk_name: str | None,
    sdk_version: str | None,
) -> tuple[ReplayFacts, Facts]:
    value = msgspec.json.decode(part)
    addresses.fill_addresses(value, part, client_ip=client_ip, infer_ip=infer_ip, has_user=True)
    clean = walk.scrub_json(value, rules, kind=PayloadKind.REPLAY_EVENT).value
    about = replay_event.read_replay_facts(clean, sdk_name=sdk_name, sdk_version=sdk_version)
    return about, facts.of_segment(about)


def transaction(sent: SentTransaction, context: EnvelopeContext) -> SentTransaction | None:
    """Return a transaction without secrets; only what has a hint of one is decoded.

    Returns:
        None if it must be scrubbed whole.
    """
    own_id = ids.read_hex32(json_members.decode_member(sent.members.get("event_id", b"null")))
    if not (own_id or context.header.event_id):
        return None  # its id is made of all it says
    filled = fill(sent.members, b"", context, names=ADDRESSED)
    members = try_scrub_members(filled, context.rules, kind=PayloadKind.TRANSACTION)
    if members is None:
        return None
    if members is sent.members and walk.is_clean(sent.all_span_texts, context.rules):
        return sent
    spans = list(sent.spans)
    for place in _hinted(sent.span_texts, range(len(spans)), context.rules):
        span = json_members.decode_member(msgspec.json.encode(spans[place]))
        clean = walk.scrub_json(span, context.rules, kind=PayloadKind.SPAN).value
        spans[place] = msgspec.json.decode(msgspec.json.encode(clean), type=SentSpan)
    return replace(sent, members=members, spans=spans)


def fill(
    members: JsonMembers, written: bytes, context: EnvelopeContext, *, names: Collection[str]
) -> JsonMembers:
    """Fill the addresses of an object that has a user.

    Args:
        members: Its texts.
        written: All of them; or nothing, if `{{auto}}` is known not to be there.
        context: Of its envelope.
        names: What to decode for it: `ADDRESSED`, and whatever has `{{auto}}` in it.
    """
    value = json_members.decode_members(members, names)
    is_changed = addresses.fill_addresses(
        value,
        written,
        client_ip=context.client_ip,
        infer_ip=context.header.infer_ip,
        has_user=True,
    )
    if not is_changed:
        return members
    return members | {name: msgspec.json.encode(item) for name, item in value.items()}


def _hinted(said: Sequence[bytes], places: range, rules: ScrubRules) -> Iterable[int]:
    """Find the texts that have a hint, by halves: one look is enough for all that have none."""
    if not places or walk.is_clean(b"\n".join(said[places.start : places.stop]), rules):
        return
    if len(places) == 1:
        yield places.start
        return
    middle = len(places) // 2
    yield from _hinted(said, places[:middle], rules)
    yield from _hinted(said, places[middle:], rules)
