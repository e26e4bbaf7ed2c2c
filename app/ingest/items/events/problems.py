"""Tells what went wrong in an event, and which issue it belongs to; remembers both by the text.

The same problem comes again and again. The same stack comes with other words as well: `order 17
failed`, `order 18 failed`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from app.core.bounded_cache import BoundedCache
from app.core.ids import IssueId
from app.formats import json_members
from app.formats.events import event, exceptions
from app.formats.events.event import Problem
from app.formats.events.exceptions import RepeatedFrames
from app.formats.json_members import JsonMembers
from app.formats.jsonish import JsonObject
from app.issues.grouping import rules

WORTH_BYTES: Final = 512
"""Less is read again sooner than it is found."""
Found = tuple[Problem, tuple[IssueId, ...]]
"""A problem, and the keys of its issue."""

_PROBLEMS: Final[BoundedCache[tuple[bytes, ...], Found]] = BoundedCache(6 * 1024 * 1024)
_STACKS: Final[BoundedCache[bytes, JsonObject]] = BoundedCache(6 * 1024 * 1024)
"""By text: a stack trace, decoded. Nobody changes it."""
_DECODED_BYTES: Final = 120
"""What a value takes when it is decoded, beside its text."""
_WITH_STACKS: Final = frozenset({"exception", "threads"})
_ALL: Final = frozenset({*event.PROBLEM_MEMBERS, *rules.GROUPED_MEMBERS})
_OF_PROBLEM: Final = _ALL - _WITH_STACKS
_OF_KEY: Final = tuple(sorted(_ALL - {"tags", "contexts"}))
"""What tells one problem from another, unless a fingerprint or a feedback is there."""


class _Listed(msgspec.Struct):
    values: list[dict[str, msgspec.Raw]]


_cut: Final = msgspec.json.Decoder(_Listed).decode


def of_members(members: JsonMembers) -> Found:
    """Read what went wrong; the members have no secrets."""
    key = _key(members)
    found = _PROBLEMS.get(key) if key else None
    if found is None:
        raw = json_members.decode_members(members, _OF_PROBLEM) | {
            name: _with_known_stacks(members[name]) for name in _WITH_STACKS if name in members
        }
        found = event.read_problem(raw), rules.read_issue_keys(raw)
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
        return json_members.decode_member(text)  # in another form, or in none
    return {
        "values": [{name: _part(name, bytes(raw)) for name, raw in one.items()} for one in listed]
    }


def _part(name: str, text: bytes) -> Any:
    if name != "stacktrace" or len(text) < WORTH_BYTES:
        return json_members.decode_member(text)
    found = _STACKS.get(text)
    if found is None:
        found = json_members.decode_member(text)
        if isinstance(found, dict) and isinstance(found.get("frames"), list):
            found["frames"] = RepeatedFrames(exceptions.drop_non_frames(found["frames"]))
            _STACKS.put(text, found, 2 * len(text) + _DECODED_BYTES * text.count(b","))
    return found


def _key(members: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Name a problem by all that tells it from others; empty if that is not worth it."""
    size_bytes = sum([len(members.get(name, b"")) for name in ("exception", "threads")])
    says_more = "fingerprint" in members or b'"feedback"' in members.get("contexts", b"")
    if size_bytes < WORTH_BYTES or says_more:
        return ()
    return tuple([members.get(name, b"") for name in _OF_KEY])
