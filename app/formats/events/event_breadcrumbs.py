"""Reads the breadcrumbs of an event: what the app noted before it happened.

    event.breadcrumbs.values[]   oldest first: timestamp, type, category, message, level, data

Source: docs/protocol.md, section 9.1.
"""

from typing import Any, Final

from app.core import units
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import Breadcrumb

_MOST_BREADCRUMBS: Final = 200
_NAME_CHARS: Final = 200
_MESSAGE_CHARS: Final = 4_000


def read_event_breadcrumbs(event: JsonObject) -> tuple[Breadcrumb, ...]:
    """Read the last breadcrumbs of an event, oldest first, leaving out those without a time."""
    breadcrumbs = [
        _read_breadcrumb(value)
        for value in jsonish.values_of(event, "breadcrumbs")[-_MOST_BREADCRUMBS:]
    ]
    return tuple(breadcrumb for breadcrumb in breadcrumbs if breadcrumb is not None)


def _read_breadcrumb(value: Any) -> Breadcrumb | None:
    if not isinstance(value, dict):
        return None
    at = timestamps.read_at(value.get("timestamp"))
    if at is None:
        return None
    kind = jsonish.text(value, "type", limit=_NAME_CHARS)
    return Breadcrumb(
        at_ms=units.ms_from_at(at),
        category=jsonish.text(value, "category", limit=_NAME_CHARS) or kind or "default",
        message=jsonish.text(value, "message", limit=_MESSAGE_CHARS),
        level=jsonish.text(value, "level", limit=_NAME_CHARS),
        data=jsonish.mapping(value, "data"),
    )
