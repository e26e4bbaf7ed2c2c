"""Reads what went wrong in an event and which issue it belongs to, and remembers both.

The same problem comes again and again, and is known by the texts of its members. The same stack
also comes with other words, such as `order 17 failed` and `order 18 failed`; then only the stack is
known, by its text.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

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

WORTH_CACHING_BYTES: Final = 512
"""Reading a shorter text costs less than looking it up."""
_CACHE_BYTES: Final = 6 * 1024 * 1024
_VALUE_BYTES: Final = 120
"""Memory of one decoded value, beside its text."""
_WITH_STACKS: Final = frozenset({"exception", "threads"})
_MEMBERS: Final = frozenset({*event.PROBLEM_MEMBERS, *rules.GROUPED_MEMBERS})
_WITHOUT_STACKS: Final = _MEMBERS - _WITH_STACKS
_KEY_MEMBERS: Final = tuple(sorted(_MEMBERS - {"tags", "contexts"}))
"""Members that tell one problem from another, for events without a fingerprint or feedback."""


class GroupedProblem(NamedTuple):
    """A problem, and the ids of its issue by every version of the grouping rules."""

    problem: Problem
    issue_ids: tuple[IssueId, ...]


class _Values(msgspec.Struct):
    values: list[dict[str, msgspec.Raw]]


_problems: Final[BoundedCache[tuple[bytes, ...], GroupedProblem]] = BoundedCache(_CACHE_BYTES)
_stacks: Final[BoundedCache[bytes, JsonObject]] = BoundedCache(_CACHE_BYTES)
"""Decoded stack traces by their text. Nobody changes them."""
_decode_values: Final = msgspec.json.Decoder(_Values).decode


def read_grouped_problem(members: JsonMembers) -> GroupedProblem:
    """Read what went wrong in an event, whose members have no secrets."""
    key = _make_key(members)
    grouped = _problems.get(key) if key else None
    if grouped is None:
        raw = json_members.decode_members(members, _WITHOUT_STACKS) | {
            name: _decode_with_stacks(members[name]) for name in _WITH_STACKS if name in members
        }
        grouped = GroupedProblem(event.read_problem(raw), rules.read_issue_keys(raw))
        if key:
            _problems.put(key, grouped, sum(map(len, key)))
    return grouped


def _make_key(members: Mapping[str, bytes]) -> tuple[bytes, ...]:
    """Return the texts that tell a problem from others; empty if it is not worth caching."""
    size_bytes = sum([len(members.get(name, b"")) for name in _WITH_STACKS])
    depends_on_more = "fingerprint" in members or b'"feedback"' in members.get("contexts", b"")
    if size_bytes < WORTH_CACHING_BYTES or depends_on_more:
        return ()
    return tuple([members.get(name, b"") for name in _KEY_MEMBERS])


def _decode_with_stacks(text: bytes) -> Any:
    """Decode exceptions or threads, all but the stacks that are known."""
    try:
        values = _decode_values(text).values
    except ValueError:
        return json_members.decode_member(text)  # it has another form, or is broken
    return {
        "values": [
            {name: _decode_part(name, bytes(raw)) for name, raw in value.items()}
            for value in values
        ]
    }


def _decode_part(name: str, text: bytes) -> Any:
    """Decode a member of an exception or thread; a long stack comes from the cache."""
    if name != "stacktrace" or len(text) < WORTH_CACHING_BYTES:
        return json_members.decode_member(text)
    stack = _stacks.get(text)
    if stack is None:
        stack = json_members.decode_member(text)
        if isinstance(stack, dict) and isinstance(stack.get("frames"), list):
            stack["frames"] = RepeatedFrames(exceptions.drop_non_frames(stack["frames"]))
            _stacks.put(text, stack, 2 * len(text) + _VALUE_BYTES * text.count(b","))
    return stack
