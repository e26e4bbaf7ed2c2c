"""Rows of the Activity and Network panels."""

from dataclasses import dataclass
from typing import Literal

from app.web.words.problems import ErrorKind, Source
from app.web.words.request.exchanges import ExchangeBlock

ActivityKind = Literal["gesture", "screen", "network", "error", "device", "app", "log", "other"]
Level = Literal["debug", "info", "warning", "error", "fatal"]
Icon = Literal[
    "tap", "rage", "swipe", "screen", "network", "crash", "error", "battery", "connectivity",
    "orientation", "foreground", "background", "log", "note", "dot",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataRow:
    """One leaf of a breadcrumb's or request's data, with its path: `request.headers.Accept`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Something that happened at a moment: a tap, a screen, a request, an error, a note."""

    at_ms: int
    kind: ActivityKind
    icon: Icon
    category: str
    """As the SDK named it: `ui.tap`, `navigation`, `cart`."""
    title: str
    detail: str | None = None
    level: Level = "info"
    data: tuple[DataRow, ...] = ()
    target: str | None = None
    """Id of the element that tells more, on this page: `error-678ab0…`, `request-12`."""
    href: str | None = None
    """A page of its own that tells more."""
    source: Source | None = None
    """Of an error: whose it is; it bears the mark that it has on the timeline."""


@dataclass(frozen=True, slots=True)
class RequestError:
    """An error that happened on behalf of a request."""

    title: str
    source: Source
    kind: ErrorKind
    href: str
    """Leads to it in the Errors panel."""


@dataclass(frozen=True, slots=True)
class RequestLinks:
    """Where a request leads on to."""

    trace_href: str
    """Its trace on the replay's page; on a page of its own when it is not among those shown."""
    trace_page_href: str
    errors: tuple[RequestError, ...]


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One request of the app."""

    number: int
    """Position in the list, from 0; makes the element's id `request-N`."""
    at_ms: int
    duration_ms: int | None
    method: str
    host: str
    path: str
    """With the query; the whole description when it is no URL."""
    status: int | None
    has_failed: bool
    """By the rule of `formats.activity.has_failed`."""
    request_bytes: int | None = None
    response_bytes: int | None = None
    op: str = "resource.http"
    kind: str = "other"
    """What was fetched, to filter by: `json`, `image`."""
    details: ExchangeBlock | None = None
    """None beyond what a page can hold; the request's own page has them."""
    href: str = ""
    """Its own page."""
    links: RequestLinks | None = None
    """None when no span of the replay's traces is this request."""


def status_words(row: NetworkRow) -> str:
    """Name the classes of a request's status, as the filter does."""
    known = "none" if row.status is None else f"{row.status // 100}xx"
    return f"{known} failed" if row.has_failed else known
