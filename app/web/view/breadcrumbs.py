"""Breadcrumbs in words: what a row of the Activity panel says for each category of each SDK.

Source: wire protocol notes, section 5.4 (categories and their data by SDK).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.formats import jsonish
from app.formats.activity import Breadcrumb
from app.formats.jsonish import JsonObject
from app.web.view.activity import ActivityKind, ActivityRow, DataRow, Icon, Level, ScreenSpan

_RAGE_TAPS: Final = 5
"""From here on quick taps on one thing are called rage taps; an SDK notes three already."""
_MOST_DATA_ROWS: Final = 60
_DEEPEST_DATA: Final = 8
_LOG_CATEGORIES: Final = frozenset(
    {"logcat", "console", "log", "debug", "nslog", "print", "timber"}
)
_LEVELS: Final[dict[str, Level]] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "fatal": "fatal",
}


@dataclass(frozen=True, slots=True)
class _Words:
    kind: ActivityKind
    icon: Icon
    title: str
    detail: str | None = None
    level: Level | None = None


def breadcrumb_row(crumb: Breadcrumb, *, start_ms: int) -> ActivityRow:
    """Describe one breadcrumb; `start_ms` is the replay's start since 1970."""
    words = _DESCRIBED.get(crumb.category, _anything)(crumb)
    return ActivityRow(
        at_ms=crumb.at_ms - start_ms,
        kind=words.kind,
        icon=words.icon,
        category=crumb.category,
        title=words.title,
        detail=words.detail,
        level=words.level or _LEVELS.get(crumb.level or "", "info"),
        data=data_rows(crumb.data),
    )


def screen_spans(rows: Sequence[ActivityRow], *, duration_ms: int) -> tuple[ScreenSpan, ...]:
    """Turn the screens among the rows, in time order, into stretches that follow one another.

    A screen named twice in a row is one stretch; the last one reaches to the replay's end.
    """
    starts: list[tuple[int, str]] = []
    for row in rows:
        if row.kind == "screen" and (not starts or starts[-1][1] != row.title):
            starts.append((min(max(0, row.at_ms), duration_ms), row.title))
    followers = [*starts[1:], (duration_ms, "")]
    return tuple(
        ScreenSpan(at_ms, end_ms, name)
        for (at_ms, name), (end_ms, _) in zip(starts, followers, strict=False)
        if end_ms > at_ms
    )


def data_rows(data: object, *, most: int = _MOST_DATA_ROWS) -> tuple[DataRow, ...]:
    """Flatten JSON to its leaves: `request.headers.Accept`, `path.0.name`.

    Returns:
        At most `most` rows; when there are more, the last one says so.
    """
    leaves: list[DataRow] = []
    _collect(data, "", leaves, most=most, depth=0)
    if len(leaves) <= most:
        return tuple(leaves)
    return (*leaves[:most], DataRow("…", "more is not shown"))


def _collect(value: object, path: str, leaves: list[DataRow], *, most: int, depth: int) -> None:
    if len(leaves) > most:
        return
    members = _members(value)
    if members and depth < _DEEPEST_DATA:
        for name, member in members:
            below = f"{path}.{name}" if path else name
            _collect(member, below, leaves, most=most, depth=depth + 1)
    elif path:
        leaves.append(DataRow(path, "…" if members else _leaf(value)))


def _members(value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [(str(name), member) for name, member in value.items()]
    if isinstance(value, list):
        return [(str(number), member) for number, member in enumerate(value)]
    return []


def _leaf(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case dict() | list():
            return "empty"
        case _:
            return str(value)


def _foreground(_crumb: Breadcrumb) -> _Words:
    return _Words("app", "foreground", "App in foreground")


def _background(_crumb: Breadcrumb) -> _Words:
    return _Words("app", "background", "App in background")


def _active(_crumb: Breadcrumb) -> _Words:
    return _Words("app", "foreground", "App active")


def _inactive(_crumb: Breadcrumb) -> _Words:
    return _Words("app", "background", "App inactive")


def _navigation(crumb: Breadcrumb) -> _Words:
    screen = _first(crumb.data, "to") or crumb.message
    came_from = _first(crumb.data, "from")
    if screen is None:
        return _Words("other", "screen", "Navigation")
    return _Words("screen", "screen", screen, f"from {came_from}" if came_from else None)


def _tap(crumb: Breadcrumb) -> _Words:
    target = _target(crumb)
    return _Words("gesture", "tap", f"Tap on {target}" if target else "Tap", _view(crumb))


def _many_taps(crumb: Breadcrumb) -> _Words:
    taps = jsonish.integer(crumb.data, "clickCount") or 3
    target = _target(crumb)
    where = f" on {target}" if target else ""
    if taps >= _RAGE_TAPS:
        return _Words("gesture", "rage", f"Rage: {taps} taps{where}", _view(crumb), "warning")
    return _Words("gesture", "tap", f"{taps} quick taps{where}", _view(crumb))


def _swipe(crumb: Breadcrumb) -> _Words:
    verb = "Scroll" if crumb.category == "ui.scroll" else "Swipe"
    way = _first(crumb.data, "direction")
    target = _target(crumb)
    title = " ".join([verb, *([way] if way else []), *(["on", target] if target else [])])
    return _Words("gesture", "swipe", title, _view(crumb))


def _connectivity(crumb: Breadcrumb) -> _Words:
    state = (_first(crumb.data, "state") or "").lower()
    match state:
        case "offline" | "none":
            return _Words("device", "connectivity", "Offline", level="warning")
        case "wifi":
            return _Words("device", "connectivity", "Online by Wi-Fi")
        case "":
            return _Words("device", "connectivity", "Connection changed")
        case _:
            return _Words("device", "connectivity", f"Online by {state}")


def _battery(crumb: Breadcrumb) -> _Words:
    level = jsonish.number(crumb.data, "level")
    charging = jsonish.flag(crumb.data, "charging")
    detail = None if charging is None else "charging" if charging else "not charging"
    title = "Battery changed" if level is None else f"Battery at {level:.0f} %"
    return _Words("device", "battery", title, detail)


def _orientation(crumb: Breadcrumb) -> _Words:
    position = _first(crumb.data, "position")
    title = f"Turned to {position}" if position else "Turned"
    return _Words("device", "orientation", title)


def _device_event(crumb: Breadcrumb) -> _Words:
    action = _first(crumb.data, "action") or crumb.message or "Device event"
    is_bad = "LOW_MEMORY" in action.upper()
    title = action.replace("_", " ").capitalize()
    return _Words("device", "dot", title, level="warning" if is_bad else None)


def _not_responding(crumb: Breadcrumb) -> _Words:
    return _Words("error", "error", "App not responding", crumb.message)


def _anything(crumb: Breadcrumb) -> _Words:
    """Describe what no SDK defines: a log line, or the app's own note under its category."""
    is_log = crumb.category.lower() in _LOG_CATEGORIES
    title = crumb.message or crumb.category
    return _Words("log", "log", title) if is_log else _Words("other", "dot", title)


def _first(data: JsonObject, key: str) -> str | None:
    return jsonish.text(data, key, limit=200) or None


def _target(crumb: Breadcrumb) -> str | None:
    """Name what was touched: a label before an id, an id before the whole path."""
    for part in reversed(jsonish.sequence(crumb.data, "path")):
        if isinstance(part, dict) and (label := _first(part, "label")):
            return label
    return crumb.message or _first(crumb.data, "view.id") or _first(crumb.data, "view.tag")


def _view(crumb: Breadcrumb) -> str | None:
    """Tell the class of what was touched by its last part: `MaterialButton`."""
    name = _first(crumb.data, "view.class")
    return name.rsplit(".", 1)[-1] if name else None


_DESCRIBED: Final[dict[str, Callable[[Breadcrumb], _Words]]] = {
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
}
