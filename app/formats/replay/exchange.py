"""Reads what SDKs record of a request and its answer: headers, bodies, and what was cut.

    data.request, data.response = {"size": 312, "headers": {...}, "body": ..., "warnings": [...]}

Android writes `warnings` beside the body, iOS and browsers under `_meta`, React Native leaves them
out. A body is a JSON value or text; iOS writes a sentence in brackets for one it did not take.

Source: docs/protocol.md, section 5.5.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from app.core.errors import RequestRefused
from app.formats import jsonish
from app.formats.jsonish import JsonObject

_NAME_CHARS: Final = 200
_MOST_PAIRS: Final = 200
_MOST: Final = 2**53
_NOT_TAKEN: Final = re.compile(r"\[Body not captured\b.*\]", re.DOTALL)
_CONTENT_TYPE: Final = re.compile(r"contentType=([^\s\])]+)")

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """One half of an exchange."""

    size_bytes: int | None
    headers: tuple[Pair, ...]
    body: Any
    """A JSON value or text; None when none was recorded."""
    not_taken: str | None
    """The SDK's own words for why there is no body."""
    warnings: tuple[str, ...]
    """As the SDK names them: `JSON_TRUNCATED`."""

    @property
    def content_type(self) -> str | None:
        """The media type without its parameters, in small letters."""
        named = next((text for name, text in self.headers if name.lower() == "content-type"), None)
        if named is None and self.not_taken:
            found = _CONTENT_TYPE.search(self.not_taken)
            named = found[1] if found else None
        return named.partition(";")[0].strip().lower() or None if named else None


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """A request and its answer, as far as the SDK recorded them."""

    query: tuple[Pair, ...]
    fragment: str | None
    request: HttpMessage | None
    response: HttpMessage | None


def read_exchange(data: JsonObject, url: str | None) -> RecordedExchange:
    """Read the data of a network span; an odd shape gives less, never an error.

    Args:
        data: The span's data.
        url: Its address, which holds the query on SDKs that do not tell it apart.
    """
    query = jsonish.text(data, "query") or _query_of(url)
    return RecordedExchange(
        query=_query(query),
        fragment=jsonish.text(data, "fragment", limit=_NAME_CHARS),
        request=_message(data, "request"),
        response=_message(data, "response"),
    )


def write_body(body: Any) -> str:
    """Write a body as it may have gone over the wire."""
    if isinstance(body, str):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _message(data: JsonObject, side: str) -> HttpMessage | None:
    half = jsonish.mapping(data, side)
    if not half:
        return None
    meta = jsonish.mapping(half, "_meta")
    named = [*jsonish.sequence(half, "warnings"), *jsonish.sequence(meta, "warnings")]
    body, not_taken = _body(half.get("body"))
    return HttpMessage(
        size_bytes=jsonish.integer(half, "size", lowest=0, highest=_MOST),
        headers=_headers(half),
        body=body,
        not_taken=not_taken,
        warnings=tuple(dict.fromkeys(one for one in named if isinstance(one, str) and one)),
    )


def _headers(half: JsonObject) -> tuple[Pair, ...]:
    """Read headers by name; a name that came several times has a list of values."""
    found: list[Pair] = []
    for name, value in jsonish.mapping(half, "headers").items():
        for one in value if isinstance(value, list) else [value]:
            text = jsonish.text_of(one)
            if text is not None:
                found.append((str(name)[:_NAME_CHARS], text))
    return tuple(sorted(found[:_MOST_PAIRS], key=lambda pair: pair[0].lower()))


def _body(body: object) -> tuple[Any, str | None]:
    """Return a body, and the SDK's words if it took none; text that is JSON becomes its value."""
    if not isinstance(body, str):
        return body, None
    if _NOT_TAKEN.fullmatch(body):
        return None, body.strip("[]")
    if body[:1] in {"{", "["}:
        try:
            return jsonish.decode(body.encode("utf-8", "replace"), "body"), None
        except RequestRefused:
            return body, None
    return body or None, None


def _query_of(url: str | None) -> str:
    try:
        return urlsplit(url or "").query
    except ValueError:
        return ""


def _query(text: str) -> tuple[Pair, ...]:
    try:
        return tuple(
            parse_qsl(text.removeprefix("?"), keep_blank_values=True, max_num_fields=_MOST_PAIRS)
        )
    except ValueError:
        return (("", text),)
