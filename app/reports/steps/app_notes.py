"""Reads the breadcrumbs that are no touches: screens, and what became of app and phone.

The table at the end has one line for each category.

Source: docs/protocol.md, section 5.4.
"""

from collections.abc import Callable, Mapping
from typing import Final

from app.formats import jsonish
from app.formats.replay.activity import Breadcrumb
from app.reports.steps.model import AppChange, AppStep, HiddenTapsStep, NoteStep, ScreenStep, Step
from app.scrub.taps.rules import HIDDEN_CATEGORY

_NAME_CHARS: Final = 200
_OFFLINE: Final = frozenset({"offline", "none"})
_KNOWN_UI: Final = frozenset(
    {"ui.tap", "ui.click", "ui.multiClick", "ui.longPress", "ui.longClick", "ui.swipe",
     "ui.scroll", "ui.input", "ui.focus", "ui.blur", "ui.keyDown", "ui.lifecycle",
     "ui.slowClickDetected"}
)  # fmt: skip
"""Categories of the user interface that SDKs define; others are notes of the app."""


def read_app_note(crumb: Breadcrumb, at_ms: int) -> Step | None:
    """Read a breadcrumb that is not a touch; None if nothing happened that is a step.

    Args:
        crumb: The breadcrumb.
        at_ms: Its time on the player's clock.
    """
    reader = _READERS.get(crumb.category)
    if reader is not None:
        return reader(crumb, at_ms)
    if crumb.message and crumb.category.startswith("ui.") and crumb.category not in _KNOWN_UI:
        return NoteStep(at_ms, crumb.category, crumb.message)
    return None


def _read_navigation(crumb: Breadcrumb, at_ms: int) -> Step | None:
    screen = (_read_text(crumb, "to") or crumb.message or "").strip()
    return ScreenStep(at_ms, screen) if screen else None


def _read_background(_crumb: Breadcrumb, at_ms: int) -> Step:
    return AppStep(at_ms, "left")


def _read_foreground(_crumb: Breadcrumb, at_ms: int) -> Step:
    return AppStep(at_ms, "returned")


def _read_lifecycle(crumb: Breadcrumb, at_ms: int) -> Step | None:
    """Read what Android notes if it does not convert the breadcrumb: `state: background`."""
    changes: dict[str, AppChange] = {"background": "left", "foreground": "returned"}
    change = changes.get(_read_text(crumb, "state"))
    return AppStep(at_ms, change) if change else None


def _read_orientation(crumb: Breadcrumb, at_ms: int) -> Step | None:
    position = _read_text(crumb, "position").lower()
    if position.startswith("landscape"):
        return AppStep(at_ms, "landscape")
    return AppStep(at_ms, "portrait") if position.startswith("portrait") else None


def _read_connectivity(crumb: Breadcrumb, at_ms: int) -> Step | None:
    state = _read_text(crumb, "state").lower()
    if not state:
        return None
    return AppStep(at_ms, "offline" if state in _OFFLINE else "online", state)


def _read_network_event(crumb: Breadcrumb, at_ms: int) -> Step | None:
    changes: dict[str, AppChange] = {"NETWORK_LOST": "offline", "NETWORK_AVAILABLE": "online"}
    change = changes.get(_read_text(crumb, "action").upper())
    return AppStep(at_ms, change) if change else None


def _read_device_event(crumb: Breadcrumb, at_ms: int) -> Step | None:
    action = _read_text(crumb, "action") or crumb.message or ""
    return AppStep(at_ms, "low_memory") if "LOW_MEMORY" in action.upper() else None


def _read_hidden_taps(crumb: Breadcrumb, at_ms: int) -> Step:
    return HiddenTapsStep(at_ms, jsonish.integer(crumb.data, "taps", lowest=1) or 1)


def _read_text(crumb: Breadcrumb, key: str) -> str:
    return jsonish.text(crumb.data, key, limit=_NAME_CHARS) or ""


_READERS: Final[Mapping[str, Callable[[Breadcrumb, int], Step | None]]] = {
    "navigation": _read_navigation,
    "app.background": _read_background,
    "app.foreground": _read_foreground,
    "app.lifecycle": _read_lifecycle,
    "device.orientation": _read_orientation,
    "device.connectivity": _read_connectivity,
    "device.event": _read_device_event,
    "network.event": _read_network_event,
    HIDDEN_CATEGORY: _read_hidden_taps,
}
