"""Scrubs a JSON value or a recording, or tells whether raw JSON is clean.

    encode to JSON ─ one pass of the hints ─ clean: return the same object
                                           └ else: the same for each part, down to single texts

The value that is passed in is never changed. If a rule fails, "[scrub failed]" takes the place of
the field.
"""

from operator import is_
from typing import Any, Final

from app.scrub import places
from app.scrub.json_walker import JsonWalker
from app.scrub.places import JsonPlace, PayloadKind
from app.scrub.rules import DEFAULT_RULES, ScrubResult, ScrubRules
from app.scrub.text_scrubber import get_scrubber

_SILENT_TYPES: Final = frozenset({0, 1, 2, 3})
"""rrweb events of page snapshots and touches, which are the recording itself, like the video."""
_META_TYPE: Final = 4


def is_clean(raw: bytes, rules: ScrubRules = DEFAULT_RULES) -> bool:
    """Tell whether a JSON text as it came over the wire holds nothing that a rule could find.

    False only means that the value must be walked: any letter written as an escape counts as a
    hint, and so do the long fractions in touch positions.
    """
    return get_scrubber(rules).is_clean(raw)


def scrub_json(value: Any, rules: ScrubRules = DEFAULT_RULES, *, kind: PayloadKind) -> ScrubResult:
    """Remove the secrets from an event, transaction, span, log or replay event.

    Args:
        value: Any JSON value; it is not changed.
        rules: Scrub settings of the project.
        kind: Kind of the payload, which tells which fields are structure.

    Returns:
        A value with the same containers, which shares the clean parts, and the remarks.
    """
    if kind is PayloadKind.RECORDING and isinstance(value, list):
        return scrub_recording(value, rules)
    walker = JsonWalker(get_scrubber(rules))
    out = walker.visit(value, places.root_place(kind))
    return ScrubResult(out, walker.remarks())


def scrub_recording(events: list[Any], rules: ScrubRules = DEFAULT_RULES) -> ScrubResult:
    """Remove the secrets from a recording: breadcrumbs, requests, options, unknown events.

    Video events, touches and page snapshots are passed on unread.

    Args:
        events: The rrweb events; neither the list nor an event is changed.
        rules: Scrub settings of the project.

    Returns:
        As many events in the same order, which share the clean parts, and the remarks, whose paths
        begin with the number of the event.
    """
    walker = JsonWalker(get_scrubber(rules))
    numbers = [number for number, event in enumerate(events) if _has_text(event)]
    if walker.is_clean([events[number] for number in numbers]):
        return ScrubResult(events, ())
    out = list(events)
    for number in numbers:
        out[number] = walker.visit_member(number, events[number], _place_of(events[number]))
    return ScrubResult(events if all(map(is_, events, out)) else out, walker.remarks())


def _has_text(event: Any) -> bool:
    """Tell whether an rrweb event may hold text that needs scrubbing; malformed events may."""
    try:
        event_type = event["type"]
        if event_type in _SILENT_TYPES:
            return False
        data = event["data"]
        if event_type == _META_TYPE:
            return bool(data["href"])
        return bool(data["tag"] != "video")
    except (KeyError, TypeError):
        return True


def _place_of(event: Any) -> JsonPlace:
    """Return the place of an rrweb event, which its tag tells."""
    try:
        return places.RRWEB_PLACES.get(event["data"]["tag"], places.OTHER_RRWEB_PLACE)
    except (KeyError, TypeError):
        return places.OTHER_RRWEB_PLACE
