"""What a breadcrumb says, for each category that an SDK defines; the app's own stay as they are.

Source: docs/protocol.md, section 5.4 (categories and their data by SDK).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.formats import jsonish
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import FIRST_FAILED_STATUS, Breadcrumb
from app.web.words.activity import ActivityKind, Icon, Level

_RAGE_TAPS: Final = 5
"""From here on quick taps on one thing are called rage taps; an SDK notes three already."""
_LOG_CATEGORIES: Final = frozenset(
    {"logcat", "console", "log", "debug", "nslog", "print", "timber", "logger", "logging"}
)


@dataclass(frozen=True, slots=True)
class Words:
    """How a breadcrumb is shown; without a level the SDK's own counts."""

    kind: ActivityKind
    icon: Icon
    title: str
    detail: str | None = None
    level: Level | None = None


def describe(crumb: Breadcrumb) -> Words:
    """Put one breadcrumb into words."""
    return _DESCRIBED.get(crumb.category, _anything)(crumb)


def _foreground(_crumb: Breadcrumb) -> Words:
    return Words("app", "foreground", "App in foreground")


def _background(_crumb: Breadcrumb) -> Words:
    return Words("app", "background", "App in background")


def _active(_crumb: Breadcrumb) -> Words:
    return Words("app", "foreground", "App active")


def _inactive(_crumb: Breadcrumb) -> Words:
    return Words("app", "background", "App inactive")


def _navigation(crumb: Breadcrumb) -> Words:
    screen = _first(crumb.data, "to") or crumb.message
    came_from = _first(crumb.data, "from")
    if screen is None:
        return Words("other", "screen", "Navigation")
    return Words("screen", "screen", screen, f"from {came_from}" if came_from else None)


def _tap(crumb: Breadcrumb) -> Words:
    target = target_of(crumb)
    return Words("gesture", "tap", f"Tap on {target}" if target else "Tap", _view(crumb))


def _many_taps(crumb: Breadcrumb) -> Words:
    taps = jsonish.integer(crumb.data, "clickCount") or 3
    return quick_taps(taps, target_of(crumb), detail=_view(crumb))


def quick_taps(taps: int, target: str | None, *, detail: str | None) -> Words:
    """Tell of taps on one place in quick succession, whoever noticed them."""
    where = f" on {target}" if target else ""
    if taps >= _RAGE_TAPS:
        return Words("gesture", "rage", f"Rage: {taps} taps{where}", detail, "warning")
    return Words("gesture", "tap", f"{taps} quick taps{where}", detail)


def _swipe(crumb: Breadcrumb) -> Words:
    verb = "Scroll" if crumb.category == "ui.scroll" else "Swipe"
    way = _first(crumb.data, "direction")
    target = target_of(crumb)
    title = " ".join([verb, *([way] if way else []), *(["on", target] if target else [])])
    return Words("gesture", "swipe", title, _view(crumb))


def _connectivity(crumb: Breadcrumb) -> Words:
    state = (_first(crumb.data, "state") or "").lower()
    match state:
        case "offline" | "none":
            return Words("device", "connectivity", "Offline", level="warning")
        case "wifi":
            return Words("device", "connectivity", "Online by Wi-Fi")
        case "":
            return Words("device", "connectivity", "Connection changed")
        case _:
            return Words("device", "connectivity", f"Online by {state}")


def _battery(crumb: Breadcrumb) -> Words:
    level = jsonish.number(crumb.data, "level")
    charging = jsonish.flag(crumb.data, "charging")
    detail = None if charging is None else "charging" if charging else "not charging"
    title = "Battery changed" if level is None else f"Battery at {level:.0f} %"
    return Words("device", "battery", title, detail)


def _orientation(crumb: Breadcrumb) -> Words:
    position = _first(crumb.data, "position")
    title = f"Turned to {position}" if position else "Turned"
    return Words("device", "orientation", title)


def _device_event(crumb: Breadcrumb) -> Words:
    action = _first(crumb.data, "action") or crumb.message or "Device event"
    is_bad = "LOW_MEMORY" in action.upper()
    title = action.replace("_", " ").capitalize()
    return Words("device", "dot", title, level="warning" if is_bad else None)


def _not_responding(crumb: Breadcrumb) -> Words:
    return Words("error", "error", "App not responding", crumb.message)


def _lifecycle(crumb: Breadcrumb) -> Words:
    """Tell what a screen's life has come to: `CartActivity resumed`."""
    screen, state = _first(crumb.data, "screen"), _first(crumb.data, "state")
    if screen is None:
        return Words("app", "dot", f"App {state}" if state else crumb.message or "App changed")
    return Words("app", "screen", f"{screen} {state}" if state else screen)


def _app_state(crumb: Breadcrumb) -> Words:
    """Tell what Android notes when it does not convert the breadcrumb: `state: background`."""
    match _first(crumb.data, "state"):
        case "background":
            return _background(crumb)
        case "foreground":
            return _foreground(crumb)
        case _:
            return _lifecycle(crumb)


def _long_press(crumb: Breadcrumb) -> Words:
    target = target_of(crumb)
    return Words(
        "gesture", "tap", f"Long press on {target}" if target else "Long press", _view(crumb)
    )


def _dead_tap(crumb: Breadcrumb) -> Words:
    target = target_of(crumb)
    title = f"Tap without effect on {target}" if target else "Tap without effect"
    after_ms = jsonish.number(crumb.data, "timeAfterClickMs")
    detail = None if after_ms is None else f"nothing changed for {after_ms / 1000:.1f} s"
    return Words("gesture", "rage", title, detail, "warning")


def _typing(crumb: Breadcrumb) -> Words:
    verbs = {"ui.focus": "Focus on", "ui.blur": "Left", "ui.keyDown": "Key pressed in"}
    verb = verbs.get(crumb.category, "Input in")
    target = target_of(crumb)
    return Words("gesture", "tap", f"{verb} {target}" if target else verb.rsplit(" ", 1)[0])


def _network_event(crumb: Breadcrumb) -> Words:
    """Tell what Android notes of the connection: `NETWORK_LOST`, or what it is capable of."""
    action = _first(crumb.data, "action") or ""
    kind = _first(crumb.data, "network_type")
    match action.upper():
        case "NETWORK_LOST":
            return Words("device", "connectivity", "Offline", level="warning")
        case "NETWORK_AVAILABLE":
            return Words("device", "connectivity", "Online")
        case _:
            title = f"Connection changed to {kind}" if kind else "Connection changed"
            return Words("device", "connectivity", title)


def _request(crumb: Breadcrumb) -> Words:
    """Tell a request that an SDK noted without a span."""
    url = _first(crumb.data, "url") or crumb.message or "a request"
    status = jsonish.integer(crumb.data, "status_code")
    has_failed = status is not None and status >= FIRST_FAILED_STATUS
    return Words(
        "network",
        "network",
        f"{_first(crumb.data, 'method') or 'GET'} {_path(url)}",
        None if status is None else str(status),
        "error" if has_failed else None,
    )


def _sent(crumb: Breadcrumb) -> Words:
    """Tell what the SDK itself sent; the error stands in its own row."""
    what = "a transaction" if crumb.category == "sentry.transaction" else "an event"
    return Words("other", "dot", f"SDK sent {what}", crumb.message)


def _tracking_started(crumb: Breadcrumb) -> Words:
    return Words("app", "dot", "SDK began to note breadcrumbs", crumb.message)


def _replay_init(crumb: Breadcrumb) -> Words:
    return Words("app", "dot", "Recording began", crumb.message)


def _mutations(crumb: Breadcrumb) -> Words:
    count = jsonish.integer(crumb.data, "count")
    title = "Very many changes on screen" if count is None else f"{count:,} changes on screen"
    return Words("other", "dot", title, crumb.message, "warning")


def _hydration(crumb: Breadcrumb) -> Words:
    return Words("error", "error", "Page differs from what the server sent", crumb.message, "error")


def _feedback(crumb: Breadcrumb) -> Words:
    return Words("other", "log", "User feedback", crumb.message)


def _screenshot(_crumb: Breadcrumb) -> Words:
    return Words("device", "screen", "User took a screenshot")


def _reported(crumb: Breadcrumb) -> Words:
    return Words("error", "error", crumb.message or "Error", None, "error")


def _query(crumb: Breadcrumb) -> Words:
    return Words("other", "dot", crumb.message or "Database query")


def _user(crumb: Breadcrumb) -> Words:
    return Words("app", "dot", crumb.message or "User changed")


def _anything(crumb: Breadcrumb) -> Words:
    """Describe what no SDK defines: a log line, or the app's own note under its category."""
    is_log = crumb.category.lower() in _LOG_CATEGORIES
    title = crumb.message or crumb.category
    return Words("log", "log", title) if is_log else Words("other", "dot", title)


def _path(url: str) -> str:
    """Shorten an address to what tells requests apart."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return (parts.path or "/") if parts.scheme and parts.netloc else url


def _first(data: JsonObject, key: str) -> str | None:
    return jsonish.text(data, key, limit=200) or None


def target_of(crumb: Breadcrumb) -> str | None:
    """Name what was touched: a label before an id, an id before the whole path."""
    for part in reversed(jsonish.sequence(crumb.data, "path")):
        if isinstance(part, dict) and (label := _first(part, "label")):
            return label
    return crumb.message or _first(crumb.data, "view.id") or _first(crumb.data, "view.tag")


def _view(crumb: Breadcrumb) -> str | None:
    """Tell the class of what was touched by its last part: `MaterialButton`."""
    name = _first(crumb.data, "view.class")
    return name.rsplit(".", 1)[-1] if name else None


_DESCRIBED: Final[dict[str, Callable[[Breadcrumb], Words]]] = {
    "app.foreground": _foreground,
    "app.background": _background,
    "app.active": _active,
    "app.inactive": _inactive,
    "navigation": _navigation,
    "ui.tap": _tap,
    "ui.click": _tap,
    "ui.multiClick": _many_taps,
    "ui.swipe": _swipe,
    "ui.scroll": _swipe,
    "device.connectivity": _connectivity,
    "device.battery": _battery,
    "device.orientation": _orientation,
    "device.event": _device_event,
    "anr": _not_responding,
    "app.lifecycle": _app_state,
    "ui.lifecycle": _lifecycle,
    "ui.longPress": _long_press,
    "ui.longClick": _long_press,
    "ui.slowClickDetected": _dead_tap,
    "ui.input": _typing,
    "ui.focus": _typing,
    "ui.blur": _typing,
    "ui.keyDown": _typing,
    "touch": _tap,
    "network.event": _network_event,
    "http": _request,
    "xhr": _request,
    "fetch": _request,
    "sentry.event": _sent,
    "sentry.transaction": _sent,
    "started": _tracking_started,
    "replay.init": _replay_init,
    "replay.mutations": _mutations,
    "replay.hydrate-error": _hydration,
    "feedback": _feedback,
    "sentry.feedback": _feedback,
    "device.screenshot": _screenshot,
    "error": _reported,
    "exception": _reported,
    "query": _query,
    "db.sql.query": _query,
    "user": _user,
}
