"""Puts into words how a replay ended, and what that was inferred from."""

from collections.abc import Mapping
from typing import Final

from app.playback.ending import ReplayEnding

_TEXTS: Final[Mapping[ReplayEnding, str]] = {
    ReplayEnding.CRASHED: "crashed",
    ReplayEnding.CAPPED: "60-minute limit",
    ReplayEnding.HUNG: "not responding",
    ReplayEnding.LEFT: "in background",
    ReplayEnding.CLOSED: "closed",
    ReplayEnding.CUT: "unknown (recording stops)",
}
_REASONS: Final[Mapping[ReplayEnding, str]] = {
    ReplayEnding.CRASHED: "The app reported a crash at the end.",
    ReplayEnding.CAPPED: "SDKs stop a recording after 60 minutes.",
    ReplayEnding.HUNG: "The app reported at the end that it was not responding.",
    ReplayEnding.LEFT: "According to the last breadcrumbs, the app went into the background.",
    ReplayEnding.CLOSED: (
        "Nothing was reported at the end: no crash, no hang, no change to the background. "
        "The app was closed, or recording was stopped."
    ),
    ReplayEnding.CUT: (
        "The last segment has its full length and no other followed. A recording that is stopped "
        "sends the segment that it has begun, so the process was probably killed, or the last "
        "segment was lost."
    ),
}


def ending_text(ending: ReplayEnding) -> str:
    """Name an ending in a few words."""
    return _TEXTS[ending]


def ending_reason(ending: ReplayEnding) -> str:
    """Say in a sentence what an ending was inferred from."""
    return _REASONS[ending]
