"""Reads the breadcrumbs that an event brings along: what the app noted before it.

    event.breadcrumbs.values[]   oldest first: timestamp, type, category, message, level, data

Source: docs/protocol.md, section 9.1.
"""

from typing import Any, Final

from app.core import units
from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import Breadcrumb

_MOST: Final = 200
_NAME_CHARS: Final = 200
_MESSAGE_CHARS: Final = 4_000


def read_event_breadcrumbs(event: JsonObject) -> tuple[Breadcrumb, ...]:
    """Read the last breadcrumbs of an event, the oldest first; one without a time is left out."""
    found = [_read(one) for one in jsonish.values_of(event, "breadcrumbs")[-_MOST:]]
    return tuple(one for one in found if one is not None)


def _read(value: Any) -> Breadcrumb | None:
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
