"""Tests of the trace and the errors that belong to a recorded request."""

from typing import Any

import pytest

from app.core import units
from app.formats.replay.activity import NetworkSpan
from app.issues.events.trace_events import TracedEvent
from app.playback.links.linked_traces import Trace
from app.playback.links.request_traces import match_request_traces
from app.traces.model import StoredSpan
from tests.support.builders.spans import START, TRACE, event, served, span, span_id
from tests.unit.playback.links.test_linked_traces import read

URL = "https://api.example.com/v1/pay"
STARTED_MS = units.ms_from_at(START)


def request(
    at_ms: int = 1_000,
    *,
    method: str = "POST",
    url: str = URL,
    headers: dict[str, str] | None = None,
) -> NetworkSpan:
    """Make a request that a recording noted."""
    sent: dict[str, Any] = {"request": {"headers": headers}} if headers else {}
    return NetworkSpan(
        at_ms=STARTED_MS + at_ms, ended_ms=STARTED_MS + at_ms + 500, op="resource.http", url=url,
        method=method, status=500, request_bytes=None, response_bytes=None, data=sent,
    )  # fmt: skip


def client(number: int, *, at_ms: int = 1_000, url: str = f"POST {URL}") -> StoredSpan:
    """Make the app's span of a request."""
    return span(number, at_ms=at_ms, op="http.client", description=url, platform="java")


def errors(traces: list[Trace], *requests: NetworkSpan) -> dict[int, list[str]]:
    """Return the titles of the errors of each request that has a trace."""
    traced_requests = match_request_traces(requests, traces, started_ms=STARTED_MS)
    return {
        at: [error.event.title for error in traced.errors] for at, traced in traced_requests.items()
    }


def test_a_request_has_the_errors_of_its_span_and_of_all_below_it():
    """The errors of the neighbours of its span are left out."""
    of_bank = event(4, title="BankError")
    elsewhere = event(5, title="Other")
    laid = read(
        client(1), served(2, 1), span(3, 2), span(4, 3), span(5), events=[of_bank, elsewhere]
    )
    assert errors([laid], request()) == {0: ["BankError"]}


@pytest.mark.parametrize(
    ("noted", "spans"),
    [
        (request(url=f"{URL}?token=1#top"), [client(1)]),
        (request(), [client(1, url=f"POST {URL}?a=b")]),
        (request(method="post"), [client(1)]),
        (request(method="GET"), [client(1, url=URL)]),
        (request(1_900), [client(1)]),
    ],
)
def test_a_request_is_known_by_method_address_and_time(noted: NetworkSpan, spans: list[StoredSpan]):
    """Query strings are ignored, and the two records may be a moment apart."""
    assert errors([read(*spans)], noted) == {0: []}


@pytest.mark.parametrize(
    "noted",
    [
        request(method="GET"),
        request(url="https://api.example.com/v1/paid"),
        request(url="https://elsewhere.example/v1/pay"),
        request(2_100),
        request(url="http://["),
    ],
)
def test_another_request_has_no_trace(noted: NetworkSpan):
    """A request that differs in method, address or time is not matched to the trace."""
    assert errors([read(client(1))], noted) == {}


def test_each_span_is_one_request_and_the_nearest_counts():
    """A retry is not taken for the first attempt."""
    laid = read(
        client(1), client(2, at_ms=1_600),
        events=[event(1, title="First"), event(2, title="Second")],
    )  # fmt: skip
    assert errors([laid], request(1_550), request(1_580), request(1_590)) == {
        0: ["Second"],
        1: ["First"],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Sentry-Trace", f"{TRACE}-{span_id(2)}-1"),
        ("traceparent", f"00-{TRACE}-{span_id(2)}-01"),
    ],
)
def test_a_recorded_trace_header_names_the_span(name: str, value: str):
    """The header counts more than times; one that names no span of an app is ignored."""
    laid = read(
        client(1), client(2, at_ms=9_000, url="unknown"), events=[event(2, title="Far away")]
    )
    assert errors([laid], request(headers={name: value})) == {0: ["Far away"]}
    assert errors([laid], request(headers={name: f"{TRACE}-{'0' * 15}9"})) == {0: []}
    assert errors([laid], request(headers={name: "rubbish"})) == {0: []}


def test_a_backends_error_without_its_span_is_taken_by_its_time():
    """An error from a service that stores no spans belongs to the request by its time."""
    at_end: TracedEvent = event(None, at_ms=1_600, title="Near")
    later = event(None, at_ms=9_000, title="Later")
    laid = read(client(1), events=[at_end, later])
    assert errors([laid], request()) == {0: ["Near"]}


def test_a_service_that_calls_others_is_not_the_app():
    """The outgoing requests of a backend are not matched to requests of the app."""
    own = served(1)
    calling = span(2, 1, op="http.client", description=f"POST {URL}", project_id=own.project_id)
    assert errors([read(own, calling)], request()) == {}
