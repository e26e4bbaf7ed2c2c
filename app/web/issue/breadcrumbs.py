"""Describes the breadcrumbs of an event, with the same words as those of replays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.core import units
from app.formats import jsonish
from app.formats.events import event_breadcrumbs
from app.formats.jsonish import JsonObject
from app.formats.replay.activity import FIRST_FAILED_STATUS, Breadcrumb
from app.web.words.breadcrumb.breadcrumb_rows import breadcrumb_row, data_rows
from app.web.words.panels.activity import DataRow, Icon, Level

_REQUESTS: Final = frozenset({"http", "httplib", "fetch", "xhr", "okhttp", "request"})
_SUMMARY_ROWS: Final = 3


@dataclass(frozen=True, slots=True)
class EventBreadcrumbRow:
    """A breadcrumb that an app recorded before an event."""

    at: datetime
    icon: Icon
    category: str
    title: str
    detail: str | None
    level: Level
    data: tuple[DataRow, ...]


def build_breadcrumb_rows(
    event: JsonObject, *, later_by: timedelta = timedelta()
) -> tuple[EventBreadcrumbRow, ...]:
    """Describe the breadcrumbs of an event, the oldest first.

    Args:
        event: The event as sent.
        later_by: Offset from the sender's clock to the clock of the page.
    """
    return tuple(
        _build_row(crumb, later_by) for crumb in event_breadcrumbs.read_event_breadcrumbs(event)
    )


def _build_row(crumb: Breadcrumb, later_by: timedelta) -> EventBreadcrumbRow:
    row = breadcrumb_row(crumb, start_ms=0)
    title, detail, icon, level = row.title, row.detail, row.icon, row.level
    if crumb.category in _REQUESTS and not crumb.message:
        title, detail, is_bad = _describe_request(crumb.data)
        icon, level = "network", "error" if is_bad else level
    elif not crumb.message and title == crumb.category:
        detail = _summarize_data(crumb.data) or detail
    return EventBreadcrumbRow(
        at=units.at_from_ms(crumb.at_ms) + later_by,
        icon=icon,
        category=crumb.category,
        title=title,
        detail=detail,
        level=level,
        data=row.data,
    )


def _describe_request(data: JsonObject) -> tuple[str, str | None, bool]:
    method = jsonish.text(data, "method") or jsonish.text(data, "http.method") or "GET"
    url = jsonish.text(data, "url") or "unknown address"
    names = ("status_code", "http.response.status_code", "statusCode")
    statuses = (jsonish.integer(data, name) for name in names)
    status = next((status for status in statuses if status is not None), None)
    is_bad = status is not None and status >= FIRST_FAILED_STATUS
    return f"{method} {url}", None if status is None else str(status), is_bad


def _summarize_data(data: JsonObject) -> str | None:
    """Return the first data of a breadcrumb that has no message."""
    rows = data_rows(data, limit=_SUMMARY_ROWS)[:_SUMMARY_ROWS]
    return ", ".join(f"{row.name}: {row.value}" for row in rows) or None
