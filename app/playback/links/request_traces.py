"""Finds the trace and the errors of a request that a replay recorded.

    recorded request ─ trace header it carried ──────┐
                     └ else method, address and time ┴─► the app's span ─► its trace
                                                         spans below it ─► their errors

A recording notes requests without ids, and a trace holds spans without requests. A header that the
SDK recorded names the span; without one, the app's span of the same address nearest in time is
taken, and each span for one request only.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from app.core import ids
from app.core.ids import SpanId, TraceId
from app.formats.replay import exchange
from app.formats.replay.activity import NetworkSpan
from app.playback.links.linked_traces import SpanError, Trace, TraceRow

_NEAR_US: Final = 1_000_000
"""Two parts of an SDK note the span and the request, within moments of each other."""
_LATE_US: Final = 1_000_000
"""An error whose span is not stored may happen so long after the request."""
_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class RequestTrace:
    """The trace that a request belongs to, and the errors that happened on its behalf."""

    trace_id: TraceId
    errors: tuple[SpanError, ...]


@dataclass(frozen=True, slots=True)
class _RequestSpan:
    """A span of the app that may belong to a recorded request."""

    trace: Trace
    at: int
    """The index of the span among the rows of the trace."""

    @property
    def row(self) -> TraceRow:
        """The span with the errors that are marked on it."""
        return self.trace.rows[self.at]


def match_request_traces(
    requests: Sequence[NetworkSpan], traces: Sequence[Trace], *, started_ms: int
) -> dict[int, RequestTrace]:
    """Find the traces of requests, by the index of the request in the sequence.

    Args:
        requests: The requests of a replay, in time order.
        traces: The traces of the replay, laid out on its clock.
        started_ms: The start of the replay in milliseconds since 1970, which is the zero of the
            traces.
    """
    candidates = [
        _RequestSpan(trace, at)
        for trace in traces
        for at, row in enumerate(trace.rows)
        if _is_request(row)
    ]
    by_id = {
        (candidate.trace.trace_id, candidate.row.placed.span.span_id): candidate
        for candidate in candidates
    }
    by_address: defaultdict[tuple[str, str], list[_RequestSpan]] = defaultdict(list)
    for candidate in candidates:
        by_address[_read_span_address(candidate.row)].append(candidate)
    found: dict[int, RequestTrace] = {}
    for number, request in enumerate(requests):
        start_us = (request.at_ms - started_ms) * _MS
        named = _read_trace_header(request)
        own = by_id.get(named) if named else None
        own = own or _find_nearest_span(
            by_address.get(_read_request_address(request), ()), start_us
        )
        if own is not None:
            by_address[_read_span_address(own.row)].remove(own)
            del by_id[own.trace.trace_id, own.row.placed.span.span_id]
            found[number] = RequestTrace(own.trace.trace_id, tuple(_iterate_errors(own)))
    return found


def _is_request(row: TraceRow) -> bool:
    op = row.placed.span.op or ""
    return row.side == "app" and op.startswith("http") and op != "http.server"


def _find_nearest_span(candidates: Sequence[_RequestSpan], start_us: int) -> _RequestSpan | None:
    def distance_us(candidate: _RequestSpan) -> int:
        return abs(candidate.row.placed.start_us - start_us)

    nearest = min(candidates, key=distance_us, default=None)
    return nearest if nearest is not None and distance_us(nearest) <= _NEAR_US else None


def _iterate_errors(own: _RequestSpan) -> Iterable[SpanError]:
    """Yield the errors of a span, of the spans below it, and those whose span is not here."""
    placed = own.row.placed
    yield from own.row.errors
    for row in own.trace.rows[own.at + 1 :]:
        if row.placed.depth <= placed.depth:
            break
        yield from row.errors
    end_us = (placed.start_us if placed.end_us is None else placed.end_us) + _LATE_US
    for error in own.trace.without_span:
        if error.side == "backend" and placed.start_us <= error.at_us <= end_us:
            yield error


def _read_request_address(request: NetworkSpan) -> tuple[str, str]:
    return (request.method or "GET").upper(), _strip_query(request.url or "")


def _read_span_address(row: TraceRow) -> tuple[str, str]:
    """Read method and URL from a description such as `POST https://api.example.com/v1/bag`."""
    method, _, url = (row.placed.span.description or "").partition(" ")
    return (method.upper(), _strip_query(url)) if url else ("GET", _strip_query(method))


def _strip_query(url: str) -> str:
    """Return a URL without query and fragment, which SDKs treat differently."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return url
    return f"{parts.scheme}://{parts.netloc}{parts.path or '/'}" if parts.netloc else url.strip()


def _read_trace_header(request: NetworkSpan) -> tuple[TraceId, SpanId] | None:
    """Read trace and span from the headers of a request, if the SDK recorded them."""
    sent = exchange.read_exchange(request.data, request.url).request
    for name, value in sent.headers if sent else ():
        match name.lower(), value.split("-"):
            case "sentry-trace", [trace_text, span_text, *_]:
                pass
            case "traceparent", [_, trace_text, span_text, *_]:
                pass
            case _:
                continue
        trace_id, span_id = ids.read_hex32(trace_text), ids.read_hex16(span_text)
        if trace_id is not None and span_id is not None:
            return TraceId(trace_id), SpanId(span_id)
    return None
