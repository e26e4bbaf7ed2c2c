"""Offers the filters of each panel, with the choices that some row answers to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.web.replay.panels.rows import FilterChoice, LogRow, PanelFilter
from app.web.words.panels.activity import ActivityRow, NetworkRow, status_words
from app.web.words.panels.problems import ErrorRow, error_words

KINDS: Final = {
    "gesture": "Gestures",
    "screen": "Screens",
    "network": "Requests",
    "error": "Errors",
    "device": "Device",
    "app": "App",
    "log": "Logs",
    "other": "Other",
}
STATUSES: Final = {
    "failed": "Failed",
    "2xx": "2xx",
    "3xx": "3xx",
    "4xx": "4xx",
    "5xx": "5xx",
    "none": "No answer",
}
LEVELS: Final = ("trace", "debug", "info", "warning", "error", "fatal")
_ERROR_KINDS: Final = {
    "app": "In the app",
    "backend": "In the backend",
    "crash": "Crashes",
    "anr": "App not responding",
    "unhandled": "Unhandled",
    "message": "Messages",
}


def panel_filters(
    activity: Sequence[ActivityRow],
    network: Sequence[NetworkRow],
    errors: Sequence[ErrorRow],
    logs: Sequence[LogRow],
) -> dict[str, tuple[PanelFilter, ...]]:
    """Return the filters of each panel; a filter with fewer than two choices is left out."""
    levels = {level: level.capitalize() for level in LEVELS}
    filters: dict[str, list[PanelFilter]] = {
        "activity": [_make_filter("kind", "All kinds", (row.kind for row in activity), KINDS)],
        "network": [
            _make_filter("method", "All methods", (row.method for row in network)),
            _make_filter(
                "status", "All statuses", (status_words(row) for row in network), STATUSES
            ),
            _make_filter("type", "All types", (row.kind for row in network)),
        ],
        "errors": [
            _make_filter(
                "problem", "All errors", (error_words(row) for row in errors), _ERROR_KINDS
            )
        ],
        "logs": [
            _make_filter("level", "All levels", (row.level for row in logs), levels),
            _make_filter("source", "App and backend", (row.source for row in logs)),
        ],
    }
    return {
        panel: tuple(each for each in of_panel if len(each.choices) > 1)
        for panel, of_panel in filters.items()
    }


def _make_filter(
    name: str, label: str, values: Iterable[str], labels: Mapping[str, str] | None = None
) -> PanelFilter:
    """Count the words of all rows; words with a label keep its order, others are sorted."""
    counts = Counter(word for value in values for word in value.split())
    order = [word for word in labels if word in counts] if labels is not None else sorted(counts)
    names = labels or {}
    choices = tuple(FilterChoice(word, names.get(word, word), counts[word]) for word in order)
    return PanelFilter(name, label, choices)
