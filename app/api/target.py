"""Tells by its URL whether a request is for an ingest door, and for which.

    [/prefix]/api/{project}/envelope[/]     every current SDK
    [/prefix]/api/{project}/store[/]        old SDKs: one event as JSON
    [/prefix]/api/envelope[/]               tunnels: the project is that of the key
    [/prefix]/api/store[/]                  very old SDKs: as above
    [/prefix]/api/{project}/otlp/v1/traces[/], also …/integration/otlp/…    OpenTelemetry

Of Sentry's other doors (minidumps, reports of browsers, cron, logs and metrics of OpenTelemetry) it
says that they are none here.
"""

import re
import urllib.parse
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import httptools

DoorName = Literal["envelope", "store", "otlp"]

_PATH: Final = re.compile(
    r"(?:/[^/]*)*?/api/(?:(?P<project>[^/]+)/"
    r"(?P<door>envelope|store|(?:integration/)?otlp/v1/traces)|(?P<bare>envelope|store))/?\Z"
)
_NOT_TAKEN: Final = re.compile(
    r"(?:/[^/]*)*?/api/[^/]+/(?:minidump|unreal/[^/]+|playstation|security|csp-report|nel|upload"
    r"|cron/(?s:.+)|events/[^/]+/attachments|(?:integration/)?otlp/v1/(?:logs|metrics))/?\Z"
)
"""Doors of Sentry's that programs may knock at, and that are none here."""
_DOORS: Final[dict[str, DoorName]] = {"envelope": "envelope", "store": "store"}
_REMEMBERED: Final = 2_048
"""URLs that are not read anew: one app sends to the same with every request."""
_USUAL_BYTES: Final = 500


@dataclass(frozen=True, slots=True)
class Target:
    """An ingest door as a URL names it.

    Args:
        door: Which; None: one that is none here.
        project: Unread; empty if the path names none.
        query: The query string without `?`.
    """

    door: DoorName | None
    project: str
    query: str


def find(url: bytes) -> Target | None:
    """Return the door that a URL leads to; None: it leads elsewhere.

    Raises:
        HttpParserInvalidURLError: It is no URL.
        UnicodeDecodeError: It has bytes beyond ASCII.
    """
    if b"/api" not in url and b"%" not in url:
        return None
    return _find_again(url) if len(url) <= _USUAL_BYTES else _find(url)


def _find(url: bytes) -> Target | None:
    parsed = httptools.parse_url(url)
    path = (parsed.path or b"").decode("ascii")
    if "%" in path:
        path = urllib.parse.unquote(path)
    query = (parsed.query or b"").decode("latin-1")
    if found := _PATH.match(path):
        name = found["door"] or found["bare"]
        return Target(_DOORS.get(name, "otlp"), found["project"] or "", query)
    return Target(None, "", query) if _NOT_TAKEN.match(path) else None


_find_again: Final = lru_cache(maxsize=_REMEMBERED)(_find)
