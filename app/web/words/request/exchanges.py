"""Requests in detail: headers, bodies as trees, what was cut, and the command that repeats them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.core import units
from app.formats.replay import exchange
from app.formats.replay.activity import NetworkSpan
from app.formats.replay.exchange import HttpMessage, Pair, write_body
from app.web.words.request import json_tree
from app.web.words.request.curl_command import write_curl_command
from app.web.words.request.json_tree import JsonNode

BODY_CHARS: Final = 2_000
"""The characters of a body that the panel shows; the request's own page has all of it."""
BODY_NODES: Final = 80
WHOLE_CHARS: Final = 400_000
WHOLE_NODES: Final = 20_000

_WARNINGS: Final = {
    "JSON_TRUNCATED": "The SDK cut this body; what is shown is its beginning.",
    "MAYBE_JSON_TRUNCATED": "The SDK cut this body; it may not be whole JSON any more.",
    "TEXT_TRUNCATED": "The SDK cut this text; what is shown is its beginning.",
    "INVALID_JSON": "The body is not JSON, though its type says so.",
    "BODY_PARSE_ERROR": "The SDK could not read this body.",
    "BODY_PARSE_TIMEOUT": "The SDK ran out of time while it read this body.",
    "UNPARSEABLE_BODY_TYPE": "The SDK does not record bodies of this type.",
    "URL_SKIPPED": "The app's settings leave this address out.",
}
_UNASKED: Final = (
    "No headers and bodies were recorded. SDKs take them for addresses that the app lists "
    "in networkDetailAllowUrls."
)


@dataclass(frozen=True, slots=True)
class MessageBlock:
    """A request or an answer; exactly one of `tree`, `text` and `absent` is there."""

    title: str
    headers: tuple[Pair, ...]
    size_bytes: int | None
    tree: JsonNode | None
    text: str | None
    absent: str | None
    """The reason why there is no body."""
    notes: tuple[str, ...]
    """Sentences about what was cut or could not be read."""
    is_cut: bool
    """True if there is more than is shown here."""


@dataclass(frozen=True, slots=True)
class ExchangeBlock:
    """Everything known of one request."""

    url: str
    query: tuple[Pair, ...]
    messages: tuple[MessageBlock, ...]
    note: str | None
    """The reason why there is nothing but the address."""
    curl: str | None
    """The command that sends the request again; None if its address is not of the web."""
    is_cut: bool


def describe_exchange(span: NetworkSpan, *, whole: bool = False) -> ExchangeBlock:
    """Describe a request; `whole` shows bodies up to the size that SDKs record."""
    recorded = exchange.read_exchange(span.data, span.url)
    sides = (("Request", recorded.request), ("Response", recorded.response))
    messages = tuple(
        _describe_message(title, side, whole=whole) for title, side in sides if side is not None
    )
    return ExchangeBlock(
        url=span.url or "",
        query=recorded.query,
        messages=messages,
        note=None if messages else _UNASKED,
        curl=write_curl_command(span.method, span.url, recorded),
        is_cut=any(message.is_cut for message in messages),
    )


def find_content_kind(span: NetworkSpan) -> str:
    """Tell what was fetched, in one word to filter by: `json`, `image`, `other`."""
    response = exchange.read_exchange(span.data, span.url).response
    named = response.content_type if response else None
    if named is None:
        op = span.op.removeprefix("resource.")
        return op if op not in {"http", "fetch", "xhr"} else "other"
    main, _, sub = named.partition("/")
    if sub.endswith("json"):
        return "json"
    if main in {"image", "font", "video", "audio"}:
        return main
    return sub if sub in {"html", "css", "xml", "javascript", "plain"} else "other"


def _describe_message(title: str, message: HttpMessage, *, whole: bool) -> MessageBlock:
    body = message.body
    limit = WHOLE_CHARS if whole else BODY_CHARS
    tree = (
        json_tree.make_json_tree(body, limit=WHOLE_NODES if whole else BODY_NODES)
        if isinstance(body, dict | list)
        else None
    )
    text = None if body is None or tree is not None else write_body(body)
    return MessageBlock(
        title=title,
        headers=message.headers,
        size_bytes=message.size_bytes,
        tree=tree,
        text=text[:limit] if text is not None else None,
        absent=_absent(message) if body is None else None,
        notes=tuple(_notes(message)),
        is_cut=(text is not None and len(text) > limit)
        or (tree is not None and not json_tree.is_whole(tree)),
    )


def _absent(message: HttpMessage) -> str:
    if message.no_body_reason:
        return f"{message.no_body_reason}."
    if message.size_bytes:
        return f"The body of {units.format_bytes(message.size_bytes)} was not recorded."
    return "No body was recorded."


def _notes(message: HttpMessage) -> Iterator[str]:
    for warning in message.warnings:
        yield _WARNINGS.get(warning, f"The SDK notes {warning}.")
