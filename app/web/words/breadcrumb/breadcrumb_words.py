"""Puts breadcrumbs into words, by the categories that SDKs define; an app's own stay as they are.

The tables at the end have one line for each category.

Source: docs/protocol.md, section 5.4 (categories and their data by SDK).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import FIRST_FAILED_STATUS, Breadcrumb, find_touched
from app.formats.request_path import shorten_url_to_path
from app.scrub.taps.rules import (
    FAILED_RULE,
    HIDDEN_CATEGORY,
    KEYPAD,
    REGION,
    SCREEN,
    UNKNOWN_SCREEN,
)
from app.web.words import phrases
from app.web.words.panels.activity import ActivityKind, Icon, Level

_RAGE_TAPS: Final = 5
"""Quick taps on one thing that are called rage taps; SDKs note three already."""
_LOG_CATEGORIES: Final = frozenset(
    {"logcat", "console", "log", "debug", "nslog", "print", "timber", "logger", "logging"}
)


@dataclass(frozen=True, slots=True)
class BreadcrumbWords:
    """How a breadcrumb is shown; without a level, the level that the SDK sent counts."""

    kind: ActivityKind
    icon: Icon
    title: str
    detail: str | None = None
    level: Level | None = None


def describe_breadcrumb(crumb: Breadcrumb) -> BreadcrumbWords:
    """Put a breadcrumb into words."""
    if (words := _WORDS.get(crumb.category)) is not None:
        return words
    if (words := _WORDS_WITH_MESSAGE.get(crumb.category)) is not None:
        return replace(words, detail=crumb.message)
    return _DESCRIBERS.get(crumb.category, _describe_anything)(crumb)


def _describe_navigation(crumb: Breadcrumb) -> BreadcrumbWords:
    screen = _read_text(crumb.data, "to") or crumb.message
    came_from = _read_text(crumb.data, "from")
    if screen is None:
        return BreadcrumbWords("other", "screen", "Navigation")
    return BreadcrumbWords("screen", "screen", screen, f"from {came_from}" if came_from else None)


def _describe_tap(crumb: Breadcrumb) -> BreadcrumbWords:
    target = find_touched(crumb)
    return BreadcrumbWords(
        "gesture", "tap", f"Tap on {target}" if target else "Tap", _read_view_class(crumb)
    )


def _describe_hidden_taps(crumb: Breadcrumb) -> BreadcrumbWords:
    taps = jsonish.integer(crumb.data, "taps", lowest=1) or 1
    rule = _read_text(crumb.data, "rule") or ""
    detail = _HIDING_RULES.get(rule, "by a privacy rule")
    # Not a gesture: those beside it would be taken for what it describes.
    return BreadcrumbWords("app", "tap", f"{phrases.count(taps, 'tap')} hidden by rule", detail)


def _describe_many_taps(crumb: Breadcrumb) -> BreadcrumbWords:
    taps = jsonish.integer(crumb.data, "clickCount") or 3
    return describe_quick_taps(taps, find_touched(crumb), detail=_read_view_class(crumb))


def describe_quick_taps(taps: int, target: str | None, *, detail: str | None) -> BreadcrumbWords:
    """Describe quick taps on one place, whether the SDK or Playhead noticed them."""
    where = f" on {target}" if target else ""
    if taps >= _RAGE_TAPS:
        return BreadcrumbWords("gesture", "rage", f"Rage: {taps} taps{where}", detail, "warning")
    return BreadcrumbWords("gesture", "tap", f"{taps} quick taps{where}", detail)


def _describe_swipe(crumb: Breadcrumb) -> BreadcrumbWords:
    verb = "Scroll" if crumb.category == "ui.scroll" else "Swipe"
    way = _read_text(crumb.data, "direction")
    target = find_touched(crumb)
    title = " ".join([verb, *([way] if way else []), *(["on", target] if target else [])])
    return BreadcrumbWords("gesture", "swipe", title, _read_view_class(crumb))


def _describe_connectivity(crumb: Breadcrumb) -> BreadcrumbWords:
    state = (_read_text(crumb.data, "state") or "").lower()
    match state:
        case "offline" | "none":
            return BreadcrumbWords("device", "connectivity", "Offline", level="warning")
        case "wifi":
            return BreadcrumbWords("device", "connectivity", "Online by Wi-Fi")
        case "":
            return BreadcrumbWords("device", "connectivity", "Connection changed")
        case _:
            return BreadcrumbWords("device", "connectivity", f"Online by {state}")


def _describe_battery(crumb: Breadcrumb) -> BreadcrumbWords:
    level = jsonish.number(crumb.data, "level")
    charging = jsonish.flag(crumb.data, "charging")
    detail = None if charging is None else "charging" if charging else "not charging"
    title = "Battery changed" if level is None else f"Battery at {level:.0f} %"
    return BreadcrumbWords("device", "battery", title, detail)


def _describe_orientation(crumb: Breadcrumb) -> BreadcrumbWords:
    position = _read_text(crumb.data, "position")
    title = f"Turned to {position}" if position else "Turned"
    return BreadcrumbWords("device", "orientation", title)


def _describe_device_event(crumb: Breadcrumb) -> BreadcrumbWords:
    action = _read_text(crumb.data, "action") or crumb.message or "Device event"
    is_bad = "LOW_MEMORY" in action.upper()
    title = action.replace("_", " ").capitalize()
    return BreadcrumbWords("device", "dot", title, level="warning" if is_bad else None)


def _describe_lifecycle(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe a step in the life of a screen: `CartActivity resumed`."""
    screen, state = _read_text(crumb.data, "screen"), _read_text(crumb.data, "state")
    if screen is None:
        return BreadcrumbWords(
            "app", "dot", f"App {state}" if state else crumb.message or "App changed"
        )
    return BreadcrumbWords("app", "screen", f"{screen} {state}" if state else screen)


def _describe_app_state(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe what Android notes if it does not convert the breadcrumb: `state: background`."""
    match _read_text(crumb.data, "state"):
        case "background":
            return _WORDS["app.background"]
        case "foreground":
            return _WORDS["app.foreground"]
        case _:
            return _describe_lifecycle(crumb)


def _describe_long_press(crumb: Breadcrumb) -> BreadcrumbWords:
    target = find_touched(crumb)
    return BreadcrumbWords(
        "gesture",
        "tap",
        f"Long press on {target}" if target else "Long press",
        _read_view_class(crumb),
    )


def _describe_dead_tap(crumb: Breadcrumb) -> BreadcrumbWords:
    target = find_touched(crumb)
    title = f"Tap without effect on {target}" if target else "Tap without effect"
    after_ms = jsonish.number(crumb.data, "timeAfterClickMs")
    detail = None if after_ms is None else f"nothing changed for {after_ms / 1000:.1f} s"
    return BreadcrumbWords("gesture", "rage", title, detail, "warning")


def _describe_typing(crumb: Breadcrumb) -> BreadcrumbWords:
    verbs = {"ui.focus": "Focus on", "ui.blur": "Left", "ui.keyDown": "Key pressed in"}
    verb = verbs.get(crumb.category, "Input in")
    target = find_touched(crumb)
    return BreadcrumbWords(
        "gesture", "tap", f"{verb} {target}" if target else verb.rsplit(" ", 1)[0]
    )


def _describe_network_event(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe what Android notes of the connection: `NETWORK_LOST`, or its capabilities."""
    action = _read_text(crumb.data, "action") or ""
    kind = _read_text(crumb.data, "network_type")
    match action.upper():
        case "NETWORK_LOST":
            return BreadcrumbWords("device", "connectivity", "Offline", level="warning")
        case "NETWORK_AVAILABLE":
            return BreadcrumbWords("device", "connectivity", "Online")
        case _:
            title = f"Connection changed to {kind}" if kind else "Connection changed"
            return BreadcrumbWords("device", "connectivity", title)


def _describe_request(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe a request that an SDK noted without a span."""
    url = _read_text(crumb.data, "url") or crumb.message or "a request"
    status = jsonish.integer(crumb.data, "status_code")
    has_failed = status is not None and status >= FIRST_FAILED_STATUS
    return BreadcrumbWords(
        "network",
        "network",
        f"{_read_text(crumb.data, 'method') or 'GET'} {shorten_url_to_path(url)}",
        None if status is None else str(status),
        "error" if has_failed else None,
    )


def _describe_sent(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe what the SDK itself sent; the error has a row of its own."""
    what = "a transaction" if crumb.category == "sentry.transaction" else "an event"
    return BreadcrumbWords("other", "dot", f"SDK sent {what}", crumb.message)


def _describe_mutations(crumb: Breadcrumb) -> BreadcrumbWords:
    count = jsonish.integer(crumb.data, "count")
    title = "Very many changes on screen" if count is None else f"{count:,} changes on screen"
    return BreadcrumbWords("other", "dot", title, crumb.message, "warning")


def _describe_reported(crumb: Breadcrumb) -> BreadcrumbWords:
    return BreadcrumbWords("error", "error", crumb.message or "Error", None, "error")


def _describe_query(crumb: Breadcrumb) -> BreadcrumbWords:
    return BreadcrumbWords("other", "dot", crumb.message or "Database query")


def _describe_user(crumb: Breadcrumb) -> BreadcrumbWords:
    return BreadcrumbWords("app", "dot", crumb.message or "User changed")


def _describe_anything(crumb: Breadcrumb) -> BreadcrumbWords:
    """Describe a category that no SDK defines: a log line, or a note of the app."""
    is_log = crumb.category.lower() in _LOG_CATEGORIES
    title = crumb.message or crumb.category
    return (
        BreadcrumbWords("log", "log", title) if is_log else BreadcrumbWords("other", "dot", title)
    )


def _read_text(data: JsonObject, key: str) -> str | None:
    return jsonish.text(data, key, limit=200) or None


def _read_view_class(crumb: Breadcrumb) -> str | None:
    """Return the last part of the class of what was touched: `MaterialButton`."""
    name = _read_text(crumb.data, "view.class")
    return name.rsplit(".", 1)[-1] if name else None


_HIDING_RULES: Final[Mapping[str, str]] = {
    KEYPAD: "on a screen with a keypad",
    SCREEN: "on a screen that is hidden",
    REGION: "in a region that is hidden",
    UNKNOWN_SCREEN: "on a screen that is not known",
    FAILED_RULE: "since a rule failed",
}
_WORDS: Final[Mapping[str, BreadcrumbWords]] = {
    "app.foreground": BreadcrumbWords("app", "foreground", "App in foreground"),
    "app.background": BreadcrumbWords("app", "background", "App in background"),
    "app.active": BreadcrumbWords("app", "foreground", "App active"),
    "app.inactive": BreadcrumbWords("app", "background", "App inactive"),
    "device.screenshot": BreadcrumbWords("device", "screen", "User took a screenshot"),
}
"""Categories whose words are always the same."""
_WORDS_WITH_MESSAGE: Final[Mapping[str, BreadcrumbWords]] = {
    "anr": BreadcrumbWords("error", "error", "App not responding"),
    "started": BreadcrumbWords("app", "dot", "SDK began to record breadcrumbs"),
    "replay.init": BreadcrumbWords("app", "dot", "Recording began"),
    "replay.hydrate-error": BreadcrumbWords(
        "error", "error", "Page differs from what the server sent", level="error"
    ),
    "feedback": BreadcrumbWords("other", "log", "User feedback"),
    "sentry.feedback": BreadcrumbWords("other", "log", "User feedback"),
}
"""Categories whose words are always the same, followed by the message of the breadcrumb."""
_DESCRIBERS: Final[Mapping[str, Callable[[Breadcrumb], BreadcrumbWords]]] = {
    "navigation": _describe_navigation,
    "ui.tap": _describe_tap,
    "ui.click": _describe_tap,
    HIDDEN_CATEGORY: _describe_hidden_taps,
    "ui.multiClick": _describe_many_taps,
    "ui.swipe": _describe_swipe,
    "ui.scroll": _describe_swipe,
    "device.connectivity": _describe_connectivity,
    "device.battery": _describe_battery,
    "device.orientation": _describe_orientation,
    "device.event": _describe_device_event,
    "app.lifecycle": _describe_app_state,
    "ui.lifecycle": _describe_lifecycle,
    "ui.longPress": _describe_long_press,
    "ui.longClick": _describe_long_press,
    "ui.slowClickDetected": _describe_dead_tap,
    "ui.input": _describe_typing,
    "ui.focus": _describe_typing,
    "ui.blur": _describe_typing,
    "ui.keyDown": _describe_typing,
    "touch": _describe_tap,
    "network.event": _describe_network_event,
    "http": _describe_request,
    "xhr": _describe_request,
    "fetch": _describe_request,
    "sentry.event": _describe_sent,
    "sentry.transaction": _describe_sent,
    "replay.mutations": _describe_mutations,
    "error": _describe_reported,
    "exception": _describe_reported,
    "query": _describe_query,
    "db.sql.query": _describe_query,
    "user": _describe_user,
}
"""Functions for the categories whose words depend on the data of the breadcrumb."""
