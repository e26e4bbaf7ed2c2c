"""Chooses the words under a clip: the screen, and the latest tap, failed request or error.

An event stays for four seconds, or until the next one, as in the player. Bodies of requests never
enter; of addresses only the path is shown.
"""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import (
    FIRST_FAILED_STATUS,
    Breadcrumb,
    NetworkSpan,
    find_touched,
)
from app.formats.request_path import shorten_url_to_path
from app.playback.recording.contents import ScreenSpan

SHOWN_MS: Final = 4_000
_WORD_CHARS: Final = 120
_TAPS: Final = {
    "ui.tap": "Tap",
    "ui.click": "Tap",
    "touch": "Tap",
    "ui.multiClick": "Quick taps",
    "ui.slowClickDetected": "Tap without effect",
    "ui.longPress": "Long press",
    "ui.longClick": "Long press",
    "ui.swipe": "Swipe",
    "ui.scroll": "Scroll",
}
_REQUESTS: Final = frozenset({"http", "xhr", "fetch"})
_FATAL: Final = frozenset({"error", "exception", "anr"})


@dataclass(frozen=True, slots=True)
class CaptionEvent:
    """A text that the caption shows from a moment on."""

    at_ms: int
    words: str
    is_failure: bool


@dataclass(frozen=True, slots=True)
class ClipCaptions:
    """The texts of the captions of a replay, in the order of time, on the clock of the replay."""

    screens: tuple[tuple[int, str], ...]
    events: tuple[CaptionEvent, ...]

    def find_screen(self, at_ms: int) -> str:
        """Return the screen at a time; empty if none is known."""
        number = bisect.bisect_right(self.screens, at_ms, key=lambda screen: screen[0])
        return self.screens[number - 1][1] if number else ""

    def find_event(self, at_ms: int) -> CaptionEvent | None:
        """Return the event that the caption shows at a time; None if there is none."""
        number = bisect.bisect_right(self.events, at_ms, key=lambda event: event.at_ms)
        event = self.events[number - 1] if number else None
        return event if event is not None and at_ms < event.at_ms + SHOWN_MS else None

    def list_changes(self) -> list[int]:
        """Return the times at which the words change, in no order; some may come twice."""
        times = [start_ms for start_ms, _ in self.screens]
        for event in self.events:
            times += (event.at_ms, event.at_ms + SHOWN_MS)
        return times


def read_captions(
    breadcrumbs: Iterable[Breadcrumb],
    spans: Iterable[NetworkSpan],
    *,
    screens: Sequence[ScreenSpan],
    zero_ms: int,
) -> ClipCaptions:
    """Read the texts of captions from a recording.

    Args:
        breadcrumbs: The notes of the app.
        spans: Its requests.
        screens: The screens that segments name, for apps that note none.
        zero_ms: The replay's zero, in milliseconds since 1970.
    """
    noted = list(breadcrumbs)
    names = [
        (crumb.at_ms - zero_ms, name)
        for crumb in noted
        if crumb.category == "navigation" and (name := _read_screen(crumb))
    ]
    known = names or [(screen.start_ms, screen.name) for screen in screens]
    events = [event for crumb in noted if (event := _read_breadcrumb(crumb, zero_ms))]
    events += [
        CaptionEvent(
            (span.at_ms if span.ended_ms is None else span.ended_ms) - zero_ms,
            _describe_failure(span.method, span.url, span.status),
            is_failure=True,
        )
        for span in spans
        if span.is_request and span.has_failed
    ]
    events.sort(key=lambda event: event.at_ms)
    ordered = tuple((at_ms, shorten_screen(name)) for at_ms, name in sorted(known))
    return ClipCaptions(ordered, tuple(events))


def shorten_screen(name: str) -> str:
    """Shorten the name of a screen to what tells it apart: the class of a view, or a path."""
    name = name.partition("?")[0].strip()
    if "/" in name:
        return name[:_WORD_CHARS]
    return (name.rsplit(".", 1)[-1] or name)[:_WORD_CHARS]


def _read_screen(crumb: Breadcrumb) -> str:
    return _read_text(crumb.data, "to") or crumb.message or ""


def _read_breadcrumb(crumb: Breadcrumb, zero_ms: int) -> CaptionEvent | None:
    at_ms = crumb.at_ms - zero_ms
    if verb := _TAPS.get(crumb.category):
        target = _fit_words(find_touched(crumb) or "")
        return CaptionEvent(at_ms, f"{verb}: {target}" if target else verb, is_failure=False)
    if crumb.category in _REQUESTS:
        status = jsonish.integer(crumb.data, "status_code")
        if status is None or status < FIRST_FAILED_STATUS:
            return None
        words = _describe_failure(
            _read_text(crumb.data, "method"), _read_text(crumb.data, "url"), status
        )
        return CaptionEvent(at_ms, words, is_failure=True)
    if crumb.category in _FATAL:
        return CaptionEvent(at_ms, (crumb.message or "Error")[:_WORD_CHARS], is_failure=True)
    return None


def _describe_failure(method: str | None, url: str | None, status: int | None) -> str:
    answer = "no answer" if status is None else str(status)
    path = _fit_words(shorten_url_to_path(url or ""))
    return f"{method or 'GET'} {path} {answer}"


def _fit_words(words: str) -> str:
    """Bring words into one line of the caption."""
    return " ".join(words.split())[:_WORD_CHARS]


def _read_text(data: JsonObject, key: str) -> str | None:
    return jsonish.text(data, key, limit=200) or None
