"""Tests of requests and errors in words."""

import pytest

from app.formats.replay.activity import NetworkSpan
from app.web.replay.panels import activity_rows, request_rows
from app.web.urls.replay_address import ReplayAddress
from app.web.words.panels.activity import NetworkRow
from tests.unit.web.samples import pages

START_MS = 1_795_468_811_973
ADDRESS = ReplayAddress("/projects/1/replays/a")


def rows(
    url="https://bob:pw@api.example:8443/v1/pay?x=1",
    *,
    status=200,
    op="resource.http",
    after_ms=400,
    **data,
) -> tuple[NetworkRow, ...]:
    """Describe one request that begins a second into the replay."""
    at_ms = START_MS + 1000
    ended_ms = None if after_ms is None else at_ms + after_ms
    span = NetworkSpan(at_ms, ended_ms, op, url, "POST", status, 61, 812, data)
    return request_rows.describe_requests([span], address=ADDRESS, start_ms=START_MS)


def test_an_address_is_split_into_host_and_path():
    """Name and password in an address are not shown; the query is part of the path."""
    [row] = rows()
    assert (row.host, row.path) == ("api.example:8443", "/v1/pay?x=1")
    assert (row.at_ms, row.duration_ms, row.status) == (1000, 400, 200)


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://api.example", "api.example", "/"),
        ("/relative", "", "/relative"),
        ("http://[broken", "", "http://[broken"),
        ("", "", "unknown address"),
        (None, "", "unknown address"),
    ],
)
def test_what_is_no_address_is_shown_as_it_came(url, host, path):
    """Nothing is guessed and nothing is lost."""
    [row] = rows(url)
    assert (row.host, row.path) == (host, path)


@pytest.mark.parametrize(
    ("status", "op", "has_failed"),
    [
        (399, "resource.http", False),
        (400, "resource.http", True),
        (None, "resource.fetch", True),
        (None, "resource.img", False),
    ],
)
def test_a_request_fails_by_its_status_or_by_having_none(status, op, has_failed):
    """A picture of a web page has no status, and that is not taken for a failure."""
    [row] = rows(status=status, op=op)
    assert row.has_failed is has_failed


def test_only_requests_are_listed_in_time_order():
    """Paints and the like are left out; numbers follow the time."""
    late = NetworkSpan(START_MS + 9, None, "resource.http", "/b", None, 200, None, None, {})
    early = NetworkSpan(START_MS + 3, None, "resource.http", "/a", None, 200, None, None, {})
    paint = NetworkSpan(START_MS + 1, None, "paint", None, None, None, None, None, {})
    described = request_rows.describe_requests(
        [late, paint, early], address=ADDRESS, start_ms=START_MS
    )
    assert [(row.number, row.path, row.method) for row in described] == [
        (0, "/a", "GET"),
        (1, "/b", "GET"),
    ]


def test_a_request_has_its_details_and_a_page_of_its_own():
    """The row has a word for what was fetched, and links to a page below the replay's."""
    answer = {"headers": {"Content-Type": "application/json"}, "body": {"ok": True}}
    [row] = rows(response=answer)
    assert row.kind == "json"
    assert row.href == "/projects/1/replays/a/requests/0"
    assert row.details
    assert row.details.query == (("x", "1"),)


def test_details_end_where_a_page_would_be_too_heavy(monkeypatch: pytest.MonkeyPatch):
    """Details of later requests are on their own pages only."""
    monkeypatch.setattr(request_rows, "_MOST_WEIGHT", 2)
    span = NetworkSpan(START_MS, None, "resource.http", "/a", None, 200, None, None, {})
    described = request_rows.describe_requests([span] * 3, address=ADDRESS, start_ms=START_MS)
    assert [row.details is not None for row in described] == [True, True, False]


def test_a_request_leads_to_its_row_in_the_network_panel():
    """The activity shows method, path, status and time, and links to the details."""
    row = request_rows.request_activity(rows(status=500)[0])
    assert (row.title, row.detail) == ("POST /v1/pay?x=1", "500 in 400 ms")
    assert (row.level, row.target) == ("error", "request-0")
    open_row = request_rows.request_activity(rows(status=None, after_ms=None)[0])
    assert open_row.detail == "no answer"
    assert request_rows.request_activity(rows()[0]).level == "info"


def test_an_error_is_a_row_of_the_activity_if_it_has_a_time():
    """Crashes carry their own sign; an error without a time is in its panel only."""
    row = activity_rows.error_activity(pages.error())
    assert row
    assert (row.icon, row.level, row.title) == ("error", "error", "PaymentException")
    assert row.target == f"error-{pages.error().event_id}"
    crash = activity_rows.error_activity(pages.error(kind="crash"))
    assert crash
    assert (crash.icon, crash.level, crash.category) == ("crash", "fatal", "app crash")
    assert activity_rows.error_activity(pages.error(at_ms=None)) is None
