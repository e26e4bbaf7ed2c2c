"""Splits a JSON object into the texts of its members, which costs a third of decoding it.

Most members of an event are not read until a person opens it, so they are stored as they came.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from app.formats import jsonish
from app.formats.jsonish import JsonObject

JsonMembers = dict[str, bytes]
"""The JSON text of each value by its name."""

_LONGEST_CACHED_CHARS: Final = 64
_decode_texts: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def split_members(text: bytes | memoryview) -> JsonMembers | None:
    """Split an object into its members; of a repeated name the last one counts.

    Returns:
        None for a text that `jsonish.decode` has to mend or to refuse. The depth of nesting is not
        checked.
    """
    try:
        members = {name: bytes(value) for name, value in _decode_texts(text).items()}
        for value in members.values():
            if not value.isascii():
                value.decode()  # msgspec has checked its syntax, but not its encoding.
    except (ValueError, RecursionError):
        return None
    return members


def join_members(members: Mapping[str, bytes]) -> bytes:
    """Write an object from the texts of its members."""
    pieces = [b"{"]
    for name, text in members.items():
        pieces += encode_member_name(name), text, b","
    pieces[-1 if members else 1 :] = (b"}",)
    return b"".join(pieces)


def decode_members(members: Mapping[str, bytes], names: Collection[str]) -> JsonObject:
    """Decode some members; names that are absent are left out."""
    return {name: decode_member(members[name]) for name in names if name in members}


def decode_member(text: bytes) -> Any:
    """Decode the strict JSON text of one member, with the outcome of `jsonish.decode`."""
    try:
        return msgspec.json.decode(text)
    except ValueError:
        return jsonish.decode(text, "member")  # It has a number out of range.


def encode_member_name(name: str) -> bytes:
    """Write a name with its colon."""
    return (_encode_cached if len(name) <= _LONGEST_CACHED_CHARS else _encode_name)(name)


def _encode_name(name: str) -> bytes:
    return msgspec.json.encode(name) + b":"


_encode_cached: Final = lru_cache(maxsize=1_024)(_encode_name)
