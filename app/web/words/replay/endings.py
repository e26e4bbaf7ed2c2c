"""Puts into words how a replay ended, and what that was inferred from."""

from collections.abc import Mapping
from typing import Final

from app.playback.ending import Ending

_TEXTS: Final[Mapping[Ending, str]] = {
    Ending.CRASHED: "crashed",
    Ending.CAPPED: "60-minute limit",
    Ending.HUNG: "not responding",
    Ending.LEFT: "in background",
    Ending.CLOSED: "closed",
    Ending.CUT: "unknown (recording stops)",
}
_REASONS: Final[Mapping[Ending, str]] = {
    Ending.CRASHED: "The app reported a crash at the end.",
    Ending.CAPPED: "SDKs stop a recording after 60 minutes.",
    Ending.HUNG: "The app reported at the end that it was not responding.",
    Ending.LEFT: "According to the last breadcrumbs, the app went into the background.",
    Ending.CLOSED: (
        "Nothing was reported at the end: no crash, no hang, no change to the background. "
        "The app was closed, or recording was stopped."
    ),
    Ending.CUT: (
        "The last segment has its full length and no other followed. A recording that is stopped "
        "sends the segment that it has begun, so the process was probably killed, or the last "
        "segment was lost."
    ),
}


def ending_text(ending: Ending) -> str:
    """Name an ending in a few words."""
    return _TEXTS[ending]


def ending_reason(ending: Ending) -> str:
    """Say in a sentence what an ending was inferred from."""
    return _REASONS[ending]
