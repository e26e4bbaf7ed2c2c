"""Reads the text of an event: decodes what is needed, takes the secrets out, keeps the rest as is.

    text ─ split ─► members ─ seen before? ─► addresses ─► scrub ─► join ─► what is stored
                                                             └────► pick ─► what is read
    anything odd ─► decoded, scrubbed and written whole, with the same outcome

The same problem comes again and again: what went wrong, and the issue it belongs to, are
remembered by the text they were read from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.core import ids
from app.core.ids import IssueId
from app.core.limits import LIMITS
from app.core.recent import Recent
from app.errors import grouping
from app.formats import addresses, event, exceptions, jsonish, members as texts
from app.formats.event import Event, Problem
from app.formats.exceptions import Frames
from app.formats.jsonish import JsonObject
from app.formats.members import Members
from app.ingest.items import scrubbed
from app.ingest.prepared import Context
from app.scrub.members import scrub_members
from app.scrub.places import Kind
from app.scrub.rules import Rules

_REPEATED: Final[tuple[str, ...]] = ("exception", "threads", "debug_meta", "modules")
"""Members that are often large, and often the same."""
_WORTH_BYTES: Final = 512
_SEEN: Final[Recent[tuple[Rules, bytes], bytes]] = Recent(6 * 1024 * 1024)
"""By rules and text: the text without secrets."""
_PROBLEMS: Final[Recent[tuple[bytes, ...], tuple[Problem, tuple[IssueId, ...]]]] = Recent(
    6 * 1024 * 1024
)
_STACKS: Final[Recent[bytes, JsonObject]] = Recent(6 * 1024 * 1024)
"""By text: a stack trace, decoded. Nobody changes it."""
_DECODED_BYTES: Final = 120
"""What a value takes when it is decoded, beside its text."""
_WITH_STACKS: Final = frozenset({"exception", "threads"})
_ALL: Final = frozenset({*event.PROBLEM_MEMBERS, *grouping.MEMBERS})
_OF_PROBLEM: Final = _ALL - _WITH_STACKS
_OF_KEY: Final = tuple(sorted(_ALL - {"tags", "contexts"}))
"""What tells one problem from another, unless a fingerprint or a feedback is there."""
_AUTO: Final = addresses.AUTO.encode()


class _Listed(msgspec.Struct):
    values: list[dict[str, msgspec.Raw]]


_cut: Final = msgspec.json.Decoder(_Listed).decode


@dataclass(frozen=True, slots=True)
class Sent:
    """An event without secrets."""

    read: Event
    problem: Problem
    issue_ids: tuple[IssueId, ...]
    text: bytes
    """JSON."""


def read(text: bytes, context: Context) -> Sent:
    """Read an event and take its secrets out.

    Raises:
        Malformed: It is no JSON object.
        TooLarge: It is over a limit.
    """
    members = texts.split(text) if len(text) <= LIMITS.event_bytes else None
    clean = _clean(members, context) if members is not None else None
    if clean is None:
        return read_whole(text, context)
    written = texts.join(clean)
    event.check_size(written, "event")
    problem, issue_ids = _problem(clean)
    found = event.read(texts.pick(clean, event.EVENT_MEMBERS), context.header)
    return Sent(found, problem, issue_ids, written)


def read_whole(text: bytes, context: Context) -> Sent:
    """Do the same by decoding all of it."""
    value = jsonish.decode(text, "event")
    clean = scrubbed.scrub(value, text, context, kind=Kind.EVENT)
    written = msgspec.json.encode(value if clean is None else clean)
    event.check_size(text if clean is None else written, "event")
    raw = jsonish.need_object(value if clean is None else clean, "event")
    return Sent(
        event.read(raw, context.header), event.read_problem(raw), grouping.keys(raw), written
    )


def _clean(members: Members, context: Context) -> Members | None:
    """Take the secrets out of an event's members; None if it has to be done with all of it."""
    own_id = ids.read_hex32(texts.decode(members.get("event_id", b"null")))
    if not (own_id or context.header.event_id):
        return None  # its id is made of all it says
    seen = {
        name: known
        for name in _REPEATED
        if name in members and (known := _SEEN.get((context.rules, members[name]))) is not None
    }
    new = {name: text for name, text in members.items() if name not in seen}
    written = texts.join(new)
    jsonish.check_shape(written, "event")
    filled = _filled(new, written, context)
    clean = None if filled is None else scrub_members(filled, context.rules, kind=Kind.EVENT)
    if filled is None or clean is None:
        return None
    for name in _REPEATED:
        text = new.get(name, b"")
        if len(text) >= _WORTH_BYTES and filled[name] is text:
            _SEEN.put((context.rules, text), clean[name], len(text) + len(clean[name]))
    return {name: seen.get(name) or clean[name] for name in members} | clean


def _filled(members: Members, written: bytes, context: Context) -> Members | None:
    """Put the sender's address where the SDK wants it; None if it has to be looked for."""
    names = scrubbed.ADDRESSED
    if _AUTO in written:
        if b"\\u" in written:
            return None  # it may be written in another way as well
        names |= {name for name, text in members.items() if _AUTO in text}
    return scrubbed.fill(members, written, context, names=names)


def _problem(members: Mapping[str, bytes]) -> tuple[Problem, tuple[IssueId, ...]]:
    """Read what went wrong, and the keys of its issue."""
    key = _key(members)
    found = _PROBLEMS.get(key) if key else None
    if found is None:
        raw = texts.pick(members, _OF_PROBLEM) | {
            name: _with_known_stacks(members[name]) for name in _WITH_STACKS if name in members
        }
        found = event.read_problem(raw), grouping.keys(raw)
        if key:
            _PROBLEMS.put(key, found, sum(map(len, key)))
    return found


def _with_known_stacks(text: bytes) -> Any:
    """Decode exceptions or threads; of their stacks those that were not seen lately.

    The same stack comes with other words: `order 17 failed`, `order 18 failed`.
    """
    try:
        listed = _cut(text).values
    except ValueError:
        return texts.decode(text)  # in another form, or in none
    return {
        "values": [{name: _part(name, bytes(raw)) for name, raw in one.items()} for one in listed]
    }


def _part(name: str, text: bytes) -> Any:
    if name != "stacktrace" or len(text) < _WORTH_BYTES:
        return texts.decode(text)
    found = _STACKS.get(text)
    if found is None:
        found = texts.decode(text)
        if isinstance(found, dict) and isinstance(found.get("frames"), list):
            found["frames"] = Frames(exceptions.only_frames(found["frames"]))
            _STACKS.put(text, found, 2 * len(text) + _DECODED_BYTES * text.count(b","))
    return found


def _key(members: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Name a problem by all that tells it from others; empty if that is not worth it."""
    size_bytes = sum([len(members.get(name, b"")) for name in ("exception", "threads")])
    says_more = "fingerprint" in members or b'"feedback"' in members.get("contexts", b"")
    if size_bytes < _WORTH_BYTES or says_more:
        return ()
    return tuple([members.get(name, b"") for name in _OF_KEY])
