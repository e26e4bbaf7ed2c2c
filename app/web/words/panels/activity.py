"""Rows of the Activity and Network panels."""

from dataclasses import dataclass
from typing import Literal

from app.web.words.panels.problems import ErrorKind, Source
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
    """The category that the SDK gave: `ui.tap`, `navigation`, `cart`."""
    title: str
    detail: str | None = None
    level: Level = "info"
    data: tuple[DataRow, ...] = ()
    target: str | None = None
    """The id of the element on this page that tells more: `error-678ab0…`, `request-12`."""
    href: str | None = None
    """The address of a page that tells more."""
    source: Source | None = None
    """The side of an error, which decides its mark; None for anything else."""


@dataclass(frozen=True, slots=True)
class RequestError:
    """An error that happened on behalf of a request."""

    title: str
    source: Source
    kind: ErrorKind
    href: str
    """The address of the error in the Errors panel."""


@dataclass(frozen=True, slots=True)
class RequestLinks:
    """The trace and the errors of a request."""

    trace_href: str
    """The trace in the panel of the replay's page, or else the page of the trace."""
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
    """The path with the query, or the whole description if it is not a URL."""
    status: int | None
    has_failed: bool
    """True if it failed, by the rule of `formats.replay.activity.NetworkSpan.has_failed`."""
    request_bytes: int | None = None
    response_bytes: int | None = None
    op: str = "resource.http"
    kind: str = "other"
    """The kind of the content, to filter by: `json`, `image`."""
    details: ExchangeBlock | None = None
    """None if the page would be too heavy; the page of the request has them."""
    href: str = ""
    """The page of the request."""
    links: RequestLinks | None = None
    """None if no span of the replay's traces belongs to this request."""


def status_words(row: NetworkRow) -> str:
    """Name the classes of a request's status, as the filter does."""
    known = "none" if row.status is None else f"{row.status // 100}xx"
    return f"{known} failed" if row.has_failed else known
