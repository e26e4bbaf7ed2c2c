"""Reads the text of an event: decodes what is needed, takes the secrets out, keeps the rest as is.

    text ─ cut ─► members ─ seen before? ─► addresses ─► scrub ─► pack ─► what is stored
                                                            └───► pick ─► what is read
    anything odd ─► decoded, scrubbed and written whole, with the same outcome

What is often large, and often the same, is remembered by its text, clean and compressed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from app.core import ids
from app.core.bounded_cache import BoundedCache
from app.core.errors import RequestRefused
from app.core.ids import IssueId
from app.core.limits import LIMITS
from app.formats import json_members, jsonish
from app.formats.events import event
from app.formats.events.event import Event, Problem
from app.formats.json_members import JsonMembers
from app.formats.stored import packed_json
from app.formats.wire import addresses
from app.ingest.items import scrubbed, stages
from app.ingest.items.context import EnvelopeContext
from app.ingest.items.events import problems
from app.ingest.items.events.problems import WORTH_BYTES
from app.issues.grouping import rules as grouping
from app.scrub.places import PayloadKind
from app.scrub.quick import try_scrub_members
from app.scrub.rules import ScrubRules

_REPEATED: Final[tuple[str, ...]] = ("exception", "threads", "debug_meta", "modules")
"""Members that are often large, and often the same."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A member that was seen lately: without secrets, and as it is stored."""

    text: bytes
    frame: bytes
    """With its name, compressed."""


_SEEN: Final[BoundedCache[tuple[ScrubRules, str, bytes], _Seen]] = BoundedCache(6 * 1024 * 1024)
"""By rules, name and text."""
_AUTO: Final = addresses.AUTO.encode()


@dataclass(frozen=True, slots=True)
class Sent:
    """An event without secrets."""

    read: Event
    problem: Problem
    issue_ids: tuple[IssueId, ...]
    packed: bytes
    """Its JSON, as `formats/stored/packed.py` has it."""


@dataclass(slots=True)
class _Work:
    """An event on its way; a stage sets what the next ones read."""

    payload: memoryview
    context: EnvelopeContext
    members: JsonMembers = field(init=False)
    seen: dict[str, _Seen] = field(init=False)
    """Of its members those that were seen lately."""
    new: JsonMembers = field(init=False)
    """The others; `filled` with addresses, then `clean`."""
    filled: JsonMembers = field(init=False)
    clean: JsonMembers = field(init=False)
    packed: bytes = field(init=False)
    problem: problems.Found = field(init=False)
    sent: Sent | None = None


def read_all(texts: Iterable[tuple[memoryview, EnvelopeContext]]) -> list[Sent | RequestRefused]:
    """Read events and take their secrets out; they go through each stage together.

    Args:
        texts: JSON.

    Returns:
        In the same order; what is no JSON object, or is over a limit, is refused.
    """
    works = [_Work(payload, context) for payload, context in texts]
    stages.run(works, _STAGES)
    return [one.sent or _read_odd(one) for one in works]


def _read_odd(one: _Work) -> Sent | RequestRefused:
    try:
        return read_whole(bytes(one.payload), one.context)
    except RequestRefused as refused:
        # With its traceback it would hold the event, in a cycle of frames that nobody frees soon.
        refused.__traceback__ = refused.__context__ = refused.__cause__ = None
        return refused


def read_whole(text: bytes, context: EnvelopeContext) -> Sent:
    """Read an event by decoding all of it; with the same outcome.

    Raises:
        MalformedInput: It is no JSON object.
        OversizedInput: It is over a limit.
    """
    value = jsonish.decode(text, "event")
    clean = scrubbed.scrub(value, text, context, kind=PayloadKind.EVENT)
    written = text if clean is None else msgspec.json.encode(clean)
    event.check_event_size(written, "event")
    raw = jsonish.need_object(value if clean is None else clean, "event")
    return Sent(
        event.read_event(raw, context.header),
        event.read_problem(raw),
        grouping.read_issue_keys(raw),
        packed_json.pack_text(msgspec.json.encode(raw) if clean is None else written),
    )


# The stages: each tells whether the event can still be read by its members.


def _cut(one: _Work) -> bool:
    members = (
        json_members.split_members(one.payload) if len(one.payload) <= LIMITS.event_bytes else None
    )
    if members is None:
        return False
    one.members = members
    own_id = ids.read_hex32(json_members.decode_member(members.get("event_id", b"null")))
    return bool(own_id or one.context.header.event_id)  # else its id is made of all it says


def _recall(one: _Work) -> bool:
    members, rules = one.members, one.context.rules
    one.seen = {
        name: known
        for name in _REPEATED
        if name in members and (known := _SEEN.get((rules, name, members[name]))) is not None
    }
    one.new = {name: text for name, text in members.items() if name not in one.seen}
    return True


def _fill(one: _Work) -> bool:
    """Put the sender's address where the SDK wants it."""
    said = b"\n".join(one.new.values())
    try:
        jsonish.check_shape(said, "event", around=1)
    except RequestRefused:
        return False
    names = scrubbed.ADDRESSED
    if _AUTO in said:
        if b"\\u" in said:
            return False  # it may be written in another way as well
        names |= {name for name, text in one.new.items() if _AUTO in text}
    one.filled = scrubbed.fill(one.new, said, one.context, names=names)
    return True


def _scrub(one: _Work) -> bool:
    rules = one.context.rules
    clean = try_scrub_members(one.filled, rules, kind=PayloadKind.EVENT)
    if clean is None:
        return False
    for name in _REPEATED:
        text = one.new.get(name, b"")
        if len(text) >= WORTH_BYTES and one.filled[name] is text:
            frame = packed_json.pack_text(json_members.encode_member_name(name) + clean[name])
            one.seen[name] = known = _Seen(clean[name], frame)
            _SEEN.put((rules, name, text), known, len(text) + len(known.text) + len(frame))
    one.clean = {
        name: one.seen[name].text if name in one.seen else clean[name] for name in one.members
    } | clean
    return True


def _pack(one: _Work) -> bool:
    """Compress an event; what was seen before is compressed already."""
    frames: list[bytes] = []
    run: list[bytes] = []
    before, size_bytes = b"{", 2
    for name, text in one.clean.items():
        run.append(before)
        size_bytes += len(text)
        known = one.seen.get(name)
        if known is None:
            run += json_members.encode_member_name(name), text
        else:
            frames += packed_json.pack_text(b"".join(run)), known.frame
            run = []
        before = b","
    run.append(b"}")
    frames.append(packed_json.pack_text(b"".join(run)))
    one.packed = b"".join(frames)
    return size_bytes <= LIMITS.event_bytes


def _find_problem(one: _Work) -> bool:
    one.problem = problems.of_members(one.clean)
    return True


def _read(one: _Work) -> bool:
    raw = json_members.decode_members(one.clean, event.EVENT_MEMBERS)
    one.sent = Sent(event.read_event(raw, one.context.header), *one.problem, one.packed)
    return True


_STAGES: Final = (_cut, _recall, _fill, _scrub, _pack, _find_problem, _read)
