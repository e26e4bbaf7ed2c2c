"""What the rows of a panel can be narrowed to: the choices that some row would answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.web.replay.log_rows import LogRow
from app.web.words.activity import ActivityRow, NetworkRow, status_words
from app.web.words.problems import ErrorRow, error_words

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


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to choose, and how many rows have it."""

    value: str
    label: str
    rows: int


@dataclass(frozen=True, slots=True)
class PanelFilter:
    """A field of choices; rows carry their values in `data-NAME`."""

    name: str
    label: str
    """What stands there while nothing is chosen: `All methods`."""
    choices: tuple[Choice, ...]


def panel_filters(
    activity: Sequence[ActivityRow],
    network: Sequence[NetworkRow],
    errors: Sequence[ErrorRow],
    logs: Sequence[LogRow],
) -> dict[str, tuple[PanelFilter, ...]]:
    """Return the fields of each panel; a field with one choice at most is left out."""
    levels = {level: level.capitalize() for level in LEVELS}
    found: dict[str, list[PanelFilter]] = {
        "activity": [_field("kind", "All kinds", (row.kind for row in activity), KINDS)],
        "network": [
            _field("method", "All methods", (row.method for row in network)),
            _field("status", "All statuses", (status_words(row) for row in network), STATUSES),
            _field("type", "All types", (row.kind for row in network)),
        ],
        "errors": [
            _field("problem", "All errors", (error_words(row) for row in errors), _ERROR_KINDS)
        ],
        "logs": [
            _field("level", "All levels", (row.level for row in logs), levels),
            _field("source", "App and backend", (row.source for row in logs)),
        ],
    }
    return {
        panel: tuple(field for field in fields if len(field.choices) > 1)
        for panel, fields in found.items()
    }


def _field(
    name: str, label: str, values: Iterable[str], labels: Mapping[str, str] | None = None
) -> PanelFilter:
    """Count the words of all rows; known ones stand in their own order, others by name."""
    counts = Counter(word for value in values for word in value.split())
    order = [word for word in labels if word in counts] if labels is not None else sorted(counts)
    names = labels or {}
    choices = tuple(Choice(word, names.get(word, word), counts[word]) for word in order)
    return PanelFilter(name, label, choices)
