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
_PLACEHOLDER: Final = re.compile(r"%%|%(?:\((\w+)\))?[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]|\{(\w*)\}")
"""Placeholders for parameters: `%s`, `%(name)d`, `{}`, `{0}`, `{name}`."""


def format_message(event: JsonObject, *, limit: int) -> str | None:
    """Return the message as it was meant to be read, with the parameters in their places.

    Args:
        event: The event as decoded, or its `message`, `logentry` and `contexts`.
        limit: The most characters; a longer message is cut there and ends in `…`.
    """
    for entry in _list_entries(event):
        message = jsonish.text(entry, "formatted", limit=limit)
        if message is None and (template := jsonish.text(entry, "message", limit=limit)):
            message = jsonish.text_of(_fill_in(template, entry.get("params")), limit=limit)
        if message:
            return message
    return None


def read_message_template(event: JsonObject) -> str | None:
    """Return the message without its parameters, if the SDK sends that, or else with them."""
    for entry in _list_entries(event):
        if template := jsonish.text(entry, "message") or jsonish.text(entry, "formatted"):
            return template
    return None


def _list_entries(event: JsonObject) -> Iterator[JsonObject]:
    """Yield what may hold the message, the most telling first."""
    for key in ("logentry", "message"):
        value = event.get(key)
        yield value if isinstance(value, dict) else {"message": value}
    yield jsonish.mapping(jsonish.mapping(event, "contexts"), "feedback")


def _fill_in(template: str, params: object) -> str:
    """Put parameters in place of their placeholders; one without a parameter stays as it is."""
    if not params or not isinstance(params, list | dict):
        return template
    in_order = iter(params if isinstance(params, list) else ())

    def write_parameter(placeholder: re.Match[str]) -> str:
        if placeholder[0] == "%%":
            return "%"
        name = placeholder[1] or placeholder[2]
        if isinstance(params, dict):
            value = params.get(name)
        elif name and name.isdecimal():
            value = params[int(name)] if int(name) < len(params) else None
        else:
            value = next(in_order, None)
        text = jsonish.text_of(value, limit=_PARAMETER_CHARS)
        return placeholder[0] if text is None else text

    return _PLACEHOLDER.sub(write_parameter, template)
