"""Tells from its URL whether a request is for an ingest endpoint, and for which one.

    [/prefix]/api/{project}/envelope[/]     every current SDK
    [/prefix]/api/{project}/store[/]        old SDKs: one event as JSON
    [/prefix]/api/envelope[/]               tunnels: the key tells the project
    [/prefix]/api/store[/]                  very old SDKs: as above
    [/prefix]/api/{project}/otlp/v1/traces[/], also …/integration/otlp/…    OpenTelemetry

`/api/0/…` is Sentry's REST API (`app/rest`), where a name in the address may look like any of
these: no project has the number 0.

Sentry has more endpoints (minidumps, reports of browsers, cron, logs and metrics of OpenTelemetry).
They are recognised, so that they can be answered with a reason, but nothing is taken there.
"""

import re
import urllib.parse
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import httptools

EndpointName = Literal["envelope", "store", "otlp"]

_PATH: Final = re.compile(
    r"(?:/[^/]*)*?/api/(?:(?P<project>[^/]+)/"
    r"(?P<endpoint>envelope|store|(?:integration/)?otlp/v1/traces)|(?P<bare>envelope|store))/?\Z"
)
_UNSUPPORTED: Final = re.compile(
    r"(?:/[^/]*)*?/api/[^/]+/(?:minidump|unreal/[^/]+|playstation|security|csp-report|nel|upload"
    r"|cron/(?s:.+)|events/[^/]+/attachments|(?:integration/)?otlp/v1/(?:logs|metrics))/?\Z"
)
"""Endpoints of Sentry that programs may send to and that Playhead does not have."""
_REST: Final = "/api/0/"
_NAMES: Final[dict[str, EndpointName]] = {"envelope": "envelope", "store": "store"}
_CACHED_URLS: Final = 2_048
"""One app sends every request to the same URL, so its reading is cached."""
_LONGEST_CACHED_BYTES: Final = 500


@dataclass(frozen=True, slots=True)
class IngestTarget:
    """An ingest endpoint as a URL names it.

    Args:
        endpoint: Name of the endpoint, or None for one that Playhead does not have.
        project: Project as the path has it, not read yet; empty if the path names none.
        query: Query string without `?`.
    """

    endpoint: EndpointName | None
    project: str
    query: str


def find_target(url: bytes) -> IngestTarget | None:
    """Return the ingest endpoint that a URL leads to, or None if it leads to a page.

    Raises:
        HttpParserInvalidURLError: It is not a URL.
        UnicodeDecodeError: It has bytes that are not ASCII.
    """
    if b"/api" not in url and b"%" not in url:
        return None
    return _read_cached_url(url) if len(url) <= _LONGEST_CACHED_BYTES else _read_url(url)


def _read_url(url: bytes) -> IngestTarget | None:
    parsed = httptools.parse_url(url)
    path = (parsed.path or b"").decode("ascii")
    if "%" in path:
        path = urllib.parse.unquote(path)
    query = (parsed.query or b"").decode("latin-1")
    match = _PATH.match(path)
    if path.startswith(_REST) and (match is None or match.start("project") != _REST.index("0")):
        return None
    if match:
        name = match["endpoint"] or match["bare"]
        return IngestTarget(_NAMES.get(name, "otlp"), match["project"] or "", query)
    return IngestTarget(None, "", query) if _UNSUPPORTED.match(path) else None


_read_cached_url: Final = lru_cache(maxsize=_CACHED_URLS)(_read_url)
