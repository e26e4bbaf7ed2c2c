"""Describes the requests of the app, for the Network panel and among the activity."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from app.core import units
from app.formats.replay.activity import NetworkSpan
from app.playback.recording.contents import ReplayContents
from app.web.urls.replay_address import ReplayAddress
from app.web.words.panels.activity import ActivityRow, NetworkRow, RequestLinks
from app.web.words.request import exchanges
from app.web.words.request.exchanges import ExchangeBlock

NO_LINKS: Final[Mapping[int, RequestLinks]] = MappingProxyType({})
_MESSAGE_WEIGHT: Final = 4
_MOST_WEIGHT: Final = 4_000
"""The details in a page: some hundred recorded bodies, or all requests of an hour without any."""


def pick_requests(spans: Sequence[NetworkSpan]) -> list[NetworkSpan]:
    """Pick the requests among the spans, in time order; the position of a request is its number."""
    return sorted((span for span in spans if span.is_request), key=lambda span: span.at_ms)


def request_rows(
    contents: ReplayContents,
    address: ReplayAddress,
    *,
    links: Mapping[int, RequestLinks] = NO_LINKS,
) -> tuple[NetworkRow, ...]:
    """Describe the requests of the recordings that are read, in time order.

    Args:
        contents: The recordings.
        address: The addresses of the replay.
        links: The links of requests to their trace and errors, by the number of the request.
    """
    return describe_requests(
        contents.spans,
        start_ms=contents.outline.zero_ms,
        address=address,
        from_segment=contents.from_segment,
        links=links,
    )


def describe_requests(
    spans: Sequence[NetworkSpan],
    *,
    start_ms: int,
    address: ReplayAddress,
    from_segment: int = 0,
    links: Mapping[int, RequestLinks] = NO_LINKS,
) -> tuple[NetworkRow, ...]:
    """Describe the requests among spans, in time order, numbered from 0.

    Args:
        spans: The spans of a replay.
        start_ms: The replay's zero, in milliseconds since 1970.
        address: The addresses of the replay, below which the pages of its requests lie.
        from_segment: The first segment whose recording is read: requests are counted from there.
        links: The links of requests to their trace and errors, by the number of the request.
    """
    weight = 0
    rows: list[NetworkRow] = []
    for number, span in enumerate(pick_requests(spans)):
        details = exchanges.describe_exchange(span) if weight < _MOST_WEIGHT else None
        weight += 1 + len(details.messages) * _MESSAGE_WEIGHT if details else 0
        href = address.request(number, from_segment=from_segment)
        row = _request_row(span, details, number=number, start_ms=start_ms, href=href)
        rows.append(replace(row, links=links.get(number)))
    return tuple(rows)


def request_activity(row: NetworkRow) -> ActivityRow:
    """Describe a request as a row of the Activity panel that leads to the Network panel."""
    took = "" if row.duration_ms is None else f" in {units.format_duration(row.duration_ms)}"
    return ActivityRow(
        at_ms=row.at_ms,
        kind="network",
        icon="network",
        category=row.op,
        title=f"{row.method} {row.path}",
        detail=f"{row.status or 'no answer'}{took}",
        level="error" if row.has_failed else "info",
        target=f"request-{row.number}",
        href=row.href,
    )


def _request_row(
    span: NetworkSpan, details: ExchangeBlock | None, *, number: int, start_ms: int, href: str
) -> NetworkRow:
    host, path = _split_url(span.url or "")
    return NetworkRow(
        number=number,
        at_ms=span.at_ms - start_ms,
        duration_ms=None if span.ended_ms is None else span.ended_ms - span.at_ms,
        method=span.method or "GET",
        host=host,
        path=path,
        status=span.status,
        has_failed=span.has_failed,
        request_bytes=span.request_bytes,
        response_bytes=span.response_bytes,
        op=span.op,
        kind=exchanges.find_content_kind(span),
        details=details,
        href=href,
    )


def _split_url(url: str) -> tuple[str, str]:
    """Split a URL into host and path with query; text that is not a URL becomes the path."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "", url
    if not parts.scheme or not host:
        return "", url or "unknown address"
    query = f"?{parts.query}" if parts.query else ""
    return host, f"{parts.path or '/'}{query}"
