"""Cuts a JSON object into the texts of its members, which costs a third of decoding it.

Most of an event is read by nobody until a person opens it: so it is stored as it came.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from app.formats import jsonish
from app.formats.jsonish import JsonObject

JsonMembers = dict[str, bytes]
"""Names, and the JSON text of each value."""

_SHORT_CHARS: Final = 64
_cut: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def split_members(text: bytes | memoryview) -> JsonMembers | None:
    """Cut an object into its members; of a repeated name the last one.

    Returns:
        None for what `jsonish.decode` has to mend or to refuse: then it must be decoded whole.
        How deep it nests is not looked at.
    """
    try:
        found = {name: bytes(value) for name, value in _cut(text).items()}
        for value in found.values():
            if not value.isascii():
                value.decode()  # its syntax is checked, but not its encoding
    except (ValueError, RecursionError):
        return None
    return found


def join_members(members: Mapping[str, bytes]) -> bytes:
    """Write an object of its members."""
    pieces = [b"{"]
    for name, text in members.items():
        pieces += encode_member_name(name), text, b","
    pieces[-1 if members else 1 :] = (b"}",)
    return b"".join(pieces)


def decode_members(members: Mapping[str, bytes], names: Collection[str]) -> JsonObject:
    """Decode some members, as far as they are there."""
    return {name: decode_member(members[name]) for name in names if name in members}


def decode_member(text: bytes) -> Any:
    """Decode the text of one member, as `jsonish.decode` does it; it is known to be strict JSON."""
    try:
        return msgspec.json.decode(text)
    except ValueError:
        return jsonish.decode(text, "member")  # a number out of range


def encode_member_name(name: str) -> bytes:
    """Write a name and its colon."""
    return (_short if len(name) <= _SHORT_CHARS else _written)(name)


def _written(name: str) -> bytes:
    return msgspec.json.encode(name) + b":"


_short: Final = lru_cache(maxsize=1_024)(_written)
