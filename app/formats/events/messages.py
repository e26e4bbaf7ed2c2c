"""Reads the message of an event, in the forms in which SDKs write it.

    message    text, or {formatted, message, params}
    logentry   likewise; Python's loggers send the template and its parameters, and nothing else
    contexts.feedback.message     what a person wrote

Source: docs/protocol.md, section 9.1; relay `relay-event-normalization/src/logentry.rs`.
"""

import re
from collections.abc import Iterator
from typing import Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject

_PARAMETER_CHARS: Final = 1_000
_PLACE: Final = re.compile(r"%%|%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]|\{(\w*)\}")
"""Where a parameter goes in: `%s`, `%(name)d`, `{}`, `{0}`, `{name}`."""


def format_message(event: JsonObject, *, limit: int) -> str | None:
    """Return the message as it was meant to be read, parameters in their places.

    Args:
        event: As decoded; its `message`, `logentry` and `contexts`.
        limit: In characters; longer text is cut there and ends in `…`.
    """
    for entry in _entries(event):
        found = jsonish.text(entry, "formatted", limit=limit)
        if found is None and (template := jsonish.text(entry, "message", limit=limit)):
            found = jsonish.text_of(_filled(template, entry.get("params")), limit=limit)
        if found:
            return found
    return None


def read_message_template(event: JsonObject) -> str | None:
    """Return the message before its parameters went in, where the SDK sends it."""
    for entry in _entries(event):
        if found := jsonish.text(entry, "message") or jsonish.text(entry, "formatted"):
            return found
    return None


def _entries(event: JsonObject) -> Iterator[JsonObject]:
    for key in ("logentry", "message"):
        value = event.get(key)
        yield value if isinstance(value, dict) else {"message": value}
    yield jsonish.mapping(jsonish.mapping(event, "contexts"), "feedback")


def _filled(template: str, params: object) -> str:
    """Put parameters into their places; a place without one stays as it is."""
    if not params or not isinstance(params, list | dict):
        return template
    listed = iter(params if isinstance(params, list) else ())

    def fill(place: re.Match[str]) -> str:
        if place[0] == "%%":
            return "%"
        name = place[1] or place[2]
        if isinstance(params, dict):
            value = params.get(name)
        elif name and name.isdecimal():
            value = params[int(name)] if int(name) < len(params) else None
        else:
            value = next(listed, None)
        text = jsonish.text_of(value, limit=_PARAMETER_CHARS)
        return place[0] if text is None else text

    return _PLACE.sub(fill, template)
