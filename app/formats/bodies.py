"""Takes the bodies of requests and answers out of recorded data, for those who may not see them.

SDKs and apps write bodies under many names. A member of an object holds one if its name speaks of
a body or payload (`body`, `responseBody`, `http.request.body.data`) and not of its size or kind, as
does `data` inside `request` or `response`, where events have it. What is unclear is taken out.

Source: docs/protocol.md, sections 5.5 and 9.1.
"""

import re
from typing import Any, Final

from app.formats.jsonish import JsonObject

HIDDEN_BODY: Final = "[Hidden: in this project, viewers do not see the bodies of requests]"
"""Stands where a body was."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BODY_WORDS: Final = frozenset(
    {"body", "bodies", "payload", "payloads", "postdata", "formdata", "rawbody"}
)
_JOINED: Final = re.compile(r"(?:request|response|req|res|http|raw|post)(?:body|payload|data)$")
"""Names in small letters throughout, such as `requestbody`."""
_FACT_WORDS: Final = frozenset(
    {"size", "sizes", "length", "bytes", "type", "encoding", "hash", "count", "truncated"}
)
"""Words with which a name speaks of a fact about a body, whose value is a number or one word."""
_MESSAGES: Final = frozenset({"request", "response", "req", "res"})
_SENDERS: Final = _MESSAGES | {"post", "form"}
_GRAPHQL: Final = frozenset({"variables", "variable", "document", "query"})
_DEEPEST: Final = 100
_FACT_CHARS: Final = 100


def hide_bodies(data: JsonObject) -> JsonObject:
    """Return the same data with a remark in the place of each body; `data` stays as it is."""
    return _hide_in_object(data, parent="", depth=0)


def _hide_in_object(data: JsonObject, *, parent: str, depth: int) -> JsonObject:
    return {
        name: HIDDEN_BODY
        if value is not None and _is_body(name, value, parent)
        else _hide_in_value(value, name, depth + 1)
        for name, value in data.items()
    }


def _hide_in_value(value: Any, name: str, depth: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if depth > _DEEPEST:
        return HIDDEN_BODY
    if isinstance(value, dict):
        return _hide_in_object(value, parent=name, depth=depth)
    return [_hide_in_value(member, name, depth + 1) for member in value]


def _is_body(name: str, value: object, parent: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    if words == ["data"] and parent.lower() in _MESSAGES:
        return True
    if "graphql" in words and not _GRAPHQL.isdisjoint(words):
        return True
    is_named = (
        not _BODY_WORDS.isdisjoint(words)
        or any(_JOINED.search(word) for word in words)
        or (words[-1:] == ["data"] and not _SENDERS.isdisjoint(words))
    )
    return is_named and not (_is_fact(value) and not _FACT_WORDS.isdisjoint(words))


def _is_fact(value: object) -> bool:
    """Tell whether a value is short enough for a fact about a body; a body could be as short."""
    if isinstance(value, str):
        return len(value) <= _FACT_CHARS
    return isinstance(value, bool | int | float)
