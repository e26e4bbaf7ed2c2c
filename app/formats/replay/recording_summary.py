"""Sums up a recording: its counts, the size of the screen, and when the app left the screen.

`quick_recording.py` makes the same summary without building the events.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from app.formats import jsonish, timestamps
from app.formats.jsonish import JsonObject
from app.formats.replay import activity, recording
from app.formats.replay.recording import DeclaredVideo

_TAP: Final = "ui.tap"
_RAGE_TAP: Final = "ui.multiClick"
_LEFT_SCREEN: Final = frozenset({"app.background", "app.inactive"})
_RETURNED: Final = frozenset({"app.foreground", "app.active"})


class RecordingCounts(NamedTuple):
    """Counts of the events in a recording.

    Every count is added up for the whole replay; its column is in `app/replays/tables.py`.
    """

    breadcrumbs: int = 0
    taps: int = 0
    rage_taps: int = 0
    network_requests: int = 0
    failed_requests: int = 0


class MaskSettings(NamedTuple):
    """The masking settings of the SDK for text and images; None where it does not send them."""

    text: bool | None = None
    images: bool | None = None


class RecordingSummary(msgspec.Struct, frozen=True, gc=False):
    """The facts stored about a segment's recording. Times are ms since 1970, device's clock."""

    events: int = 0
    first_ms: int | None = None
    """The time of the first event that has a credible one, or None without any."""
    last_ms: int | None = None
    """The time of the last event that has a credible one, or None without any."""
    size_px: tuple[int, int] | None = None
    video: DeclaredVideo | None = None
    counts: RecordingCounts = RecordingCounts()
    mask: MaskSettings = MaskSettings()
    background_ms: int | None = None
    """The last moment at which the app left the screen in this segment."""
    foreground_ms: int | None = None
    """The last moment at which the app came back to the screen in this segment."""


class RecordingNotes(msgspec.Struct, gc=False):
    """The contents of a recording's events, sorted by kind for `build_summary`."""

    breadcrumb_times_ms: dict[str, list[float]] = {}
    """Times of the breadcrumbs by their category, ms since 1970."""
    requests: list[tuple[str, int | None]] = []
    """Operation and status of each network request."""
    size_px: tuple[int, int] | None = None
    video: DeclaredVideo | None = None
    mask: MaskSettings = MaskSettings()


def summarize_recording(events: Sequence[JsonObject]) -> RecordingSummary:
    """Sum up the events that `recording.read_recording` returns."""
    read = activity.read_activity(events, with_touches=False)
    notes = RecordingNotes(
        requests=[(span.op, span.status) for span in read.spans if span.is_request],
        size_px=recording.read_screen_size_px(events),
        video=recording.read_declared_video(events),
        mask=_read_mask_settings(read.options or {}),
    )
    for breadcrumb in read.breadcrumbs:
        notes.breadcrumb_times_ms.setdefault(breadcrumb.category, []).append(breadcrumb.at_ms)
    return build_summary([event.get("timestamp") for event in events], notes)


def build_summary(times: Sequence[object], notes: RecordingNotes) -> RecordingSummary:
    """Add up the notes about a recording.

    Args:
        times: Timestamps of all events as sent, in time order.
        notes: The notes on the events.
    """
    times_ms, requests = notes.breadcrumb_times_ms, notes.requests
    return RecordingSummary(
        events=len(times),
        first_ms=_find_first_credible_ms(times),
        last_ms=_find_first_credible_ms(reversed(times)),
        size_px=notes.size_px,
        video=notes.video,
        mask=notes.mask,
        counts=RecordingCounts(
            breadcrumbs=sum(map(len, times_ms.values())),
            taps=len(times_ms.get(_TAP, ())),
            rage_taps=len(times_ms.get(_RAGE_TAP, ())),
            network_requests=len(requests),
            failed_requests=sum(
                [activity.has_request_failed(op, status) for op, status in requests]
            ),
        ),
        background_ms=_find_latest_ms(times_ms, _LEFT_SCREEN),
        foreground_ms=_find_latest_ms(times_ms, _RETURNED),
    )


def _read_mask_settings(options: JsonObject) -> MaskSettings:
    return MaskSettings(
        jsonish.flag(options, "maskAllText"), jsonish.flag(options, "maskAllImages")
    )


def _find_first_credible_ms(times: Iterable[object]) -> int | None:
    """Return the first time of a clock that was set, or else the first time at all."""
    first_ms: int | None = None
    for time in times:
        at_ms = timestamps.read_epoch_ms(time)
        if at_ms is None:
            continue
        if timestamps.is_set_ms(at_ms):
            return at_ms
        if first_ms is None:
            first_ms = at_ms
    return first_ms


def _find_latest_ms(times_ms: dict[str, list[float]], categories: frozenset[str]) -> int | None:
    latest_ms = [max(times_ms[category]) for category in categories & times_ms.keys()]
    return round(max(latest_ms)) if latest_ms else None
