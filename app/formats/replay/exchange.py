"""Reads a recorded request and its answer: headers, bodies, and the SDK's remarks on both.

    data.request, data.response = {"size": 312, "headers": {...}, "body": ..., "warnings": [...]}

Android writes `warnings` beside the body, iOS and browsers under `_meta`, React Native leaves them
out. A body is a JSON value or text. For a body that it did not capture, iOS writes a
sentence in brackets.

Source: docs/protocol.md, section 5.5.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from app.core.errors import RequestRefused
from app.formats import jsonish
from app.formats.bodies import HIDDEN_BODY
from app.formats.jsonish import JsonObject

_NAME_CHARS: Final = 200
_MOST_PAIRS: Final = 200
_HIGHEST_NUMBER: Final = 2**53
_NOT_CAPTURED: Final = re.compile(r"\[Body not captured\b.*\]", re.DOTALL)
_CONTENT_TYPE: Final = re.compile(r"contentType=([^\s\])]+)")

Pair = tuple[str, str]
"""Name and value of a header, or of a parameter in a query."""


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """One half of an exchange: the request or the response."""

    size_bytes: int | None
    headers: tuple[Pair, ...]
    body: Any
    """The body as a JSON value or text, or None if none was recorded."""
    no_body_reason: str | None
    """The reason why there is no body, in the words of the SDK."""
    warnings: tuple[str, ...]
    """Names of warnings of the SDK, such as `JSON_TRUNCATED`."""

    @property
    def content_type(self) -> str | None:
        """The media type without its parameters, in small letters."""
        values = (value for name, value in self.headers if name.lower() == "content-type")
        content_type = next(values, None)
        if content_type is None and self.no_body_reason:
            match = _CONTENT_TYPE.search(self.no_body_reason)
            content_type = match[1] if match else None
        return content_type.partition(";")[0].strip().lower() or None if content_type else None


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """The parts of a request and its answer that the SDK recorded."""

    query: tuple[Pair, ...]
    fragment: str | None
    request: HttpMessage | None
    response: HttpMessage | None


def read_exchange(data: JsonObject, url: str | None) -> RecordedExchange:
    """Read the data of a network span, leaving out members of an odd shape.

    Args:
        data: The span's data.
        url: The address of the request; some SDKs name the query only there.
    """
    query = jsonish.text(data, "query") or _find_query(url)
    return RecordedExchange(
        query=_read_query(query),
        fragment=jsonish.text(data, "fragment", limit=_NAME_CHARS),
        request=_read_message(data, "request"),
        response=_read_message(data, "response"),
    )


def write_body(body: Any) -> str:
    """Write a body as text, as it may have gone over the wire."""
    if isinstance(body, str):
        return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _read_message(data: JsonObject, side: str) -> HttpMessage | None:
    half = jsonish.mapping(data, side)
    if not half:
        return None
    meta = jsonish.mapping(half, "_meta")
    warnings = [*jsonish.sequence(half, "warnings"), *jsonish.sequence(meta, "warnings")]
    body, no_body_reason = _read_body(half.get("body"))
    return HttpMessage(
        size_bytes=jsonish.integer(half, "size", lowest=0, highest=_HIGHEST_NUMBER),
        headers=_read_headers(half),
        body=body,
        no_body_reason=no_body_reason,
        warnings=tuple(dict.fromkeys(text for text in warnings if isinstance(text, str) and text)),
    )


def _read_headers(half: JsonObject) -> tuple[Pair, ...]:
    """Read headers in the order of their names; a repeated header has a list of values."""
    headers: list[Pair] = []
    for name, values in jsonish.mapping(half, "headers").items():
        for value in values if isinstance(values, list) else [values]:
            text = jsonish.text_of(value)
            if text is not None:
                headers.append((str(name)[:_NAME_CHARS], text))
    return tuple(sorted(headers[:_MOST_PAIRS], key=lambda pair: pair[0].lower()))


def _read_body(body: object) -> tuple[Any, str | None]:
    """Return a body, in which JSON text becomes its value, and the reason why there is none."""
    if not isinstance(body, str):
        return body, None
    if body == HIDDEN_BODY or _NOT_CAPTURED.fullmatch(body):
        return None, body.strip("[]")
    if body[:1] in {"{", "["}:
        try:
            return jsonish.decode(body.encode("utf-8", "replace"), "body"), None
        except RequestRefused:
            return body, None
    return body or None, None


def _find_query(url: str | None) -> str:
    try:
        return urlsplit(url or "").query
    except ValueError:
        return ""


def _read_query(text: str) -> tuple[Pair, ...]:
    try:
        return tuple(
            parse_qsl(text.removeprefix("?"), keep_blank_values=True, max_num_fields=_MOST_PAIRS)
        )
    except ValueError:
        return (("", text),)
