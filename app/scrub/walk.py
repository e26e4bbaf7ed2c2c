"""The doors of this room: scrub a JSON value, scrub a recording, or ask whether raw JSON is clean.

    encode to JSON ─ one pass of the hints ─ clean: done, the same object
                                           └ else: the same for each part, down to single texts

The value passed in is never changed. A rule that fails leaves "[scrub failed]" in the place of the
field it failed on.
"""

from operator import is_
from typing import Any, Final

from app.scrub import places
from app.scrub.json_walker import JsonWalker
from app.scrub.places import JsonPlace, PayloadKind
from app.scrub.rules import DEFAULT_RULES, ScrubResult, ScrubRules
from app.scrub.text_scrubber import get_scrubber

_SILENT_TYPES: Final = frozenset({0, 1, 2, 3})
"""rrweb events of the page and of touches: like the video, they are the recording itself."""
_META_TYPE: Final = 4


def is_clean(raw: bytes, rules: ScrubRules = DEFAULT_RULES) -> bool:
    """Tell whether a JSON text as it came over the wire holds nothing that a rule could find.

    False is no finding: it means that the value must be walked. Any letter written as an escape
    counts as a hint, and so do the long fractions in touch positions.
    """
    return get_scrubber(rules).is_clean(raw)


def scrub_json(value: Any, rules: ScrubRules = DEFAULT_RULES, *, kind: PayloadKind) -> ScrubResult:
    """Take the secrets out of an event, transaction, span, log or replay event.

    Args:
        value: Any JSON value; it is not changed.
        rules: The settings of the project.
        kind: What it is, and so which fields are structure.

    Returns:
        A value with the same containers, sharing what was clean, and the remarks.
    """
    if kind is PayloadKind.RECORDING and isinstance(value, list):
        return scrub_recording(value, rules)
    walker = JsonWalker(get_scrubber(rules))
    out = walker.visit(value, places.root_place(kind))
    return ScrubResult(out, walker.remarks())


def scrub_recording(events: list[Any], rules: ScrubRules = DEFAULT_RULES) -> ScrubResult:
    """Take the secrets out of a recording: breadcrumbs, requests, options, unknown events.

    Video events, touches and page snapshots are passed on unseen.

    Args:
        events: The rrweb events; neither the list nor an event is changed.
        rules: The settings of the project.

    Returns:
        As many events in the same order, sharing what was clean, and the remarks, whose paths
        begin with the number of the event.
    """
    walker = JsonWalker(get_scrubber(rules))
    spoken = [number for number, event in enumerate(events) if _is_spoken(event)]
    if walker.is_clean([events[number] for number in spoken]):
        return ScrubResult(events, ())
    out = list(events)
    for number in spoken:
        out[number] = walker.under(number, events[number], _place_of(events[number]))
    return ScrubResult(events if all(map(is_, events, out)) else out, walker.remarks())


def _is_spoken(event: Any) -> bool:
    """Tell whether an rrweb event holds text that a rule should see; odd ones do."""
    try:
        kind = event["type"]
        if kind in _SILENT_TYPES:
            return False
        data = event["data"]
        if kind == _META_TYPE:
            return bool(data["href"])
        return bool(data["tag"] != "video")
    except (KeyError, TypeError):
        return True


def _place_of(event: Any) -> JsonPlace:
    """Return the place of an rrweb event, by its tag."""
    try:
        return places.RRWEB_PLACES.get(event["data"]["tag"], places.OTHER_RRWEB_PLACE)
    except (KeyError, TypeError):
        return places.OTHER_RRWEB_PLACE
