"""Breadcrumbs as rows of the Activity panel, the screens among them, and their data."""

from collections.abc import Sequence
from typing import Final

from app.formats.replay.activity import Breadcrumb
from app.playback.recording.contents import ScreenSpan
from app.web.words.breadcrumb import breadcrumb_words
from app.web.words.panels.activity import ActivityRow, DataRow, Level

_MOST_DATA_ROWS: Final = 60
_DEEPEST_DATA: Final = 8
_LEVELS: Final[dict[str, Level]] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "fatal": "fatal",
}


def breadcrumb_row(crumb: Breadcrumb, *, start_ms: int) -> ActivityRow:
    """Describe one breadcrumb; `start_ms` is the replay's start since 1970."""
    words = breadcrumb_words.describe_breadcrumb(crumb)
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


def data_rows(data: object, *, limit: int = _MOST_DATA_ROWS) -> tuple[DataRow, ...]:
    """Flatten JSON to its leaves: `request.headers.Accept`, `path.0.name`.

    Returns:
        At most `limit` rows; when there are more, the last one says so.
    """
    leaves: list[DataRow] = []
    _collect(data, "", leaves, limit=limit, depth=0)
    if len(leaves) <= limit:
        return tuple(leaves)
    return (*leaves[:limit], DataRow("…", "more is not shown"))


def _collect(value: object, path: str, leaves: list[DataRow], *, limit: int, depth: int) -> None:
    if len(leaves) > limit:
        return
    members = _members(value)
    if members and depth < _DEEPEST_DATA:
        for name, member in members:
            below = f"{path}.{name}" if path else name
            _collect(member, below, leaves, limit=limit, depth=depth + 1)
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
