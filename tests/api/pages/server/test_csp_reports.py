"""Tests of the reports of browsers: they are limited for each network and in the log."""

import json
from collections.abc import Callable, Iterator

import pytest

from app.core import clock
from app.web.frame.middleware import csp_reports
from app.web.frame.middleware.csp_reports import CspReports
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

BURST = int(csp_reports._BURST)


def report(directive: str = "script-src", blocked: str = "inline") -> bytes:
    """Return a report as a browser sends it."""
    facts = {"effective-directive": directive, "blocked-uri": blocked, "document-uri": "/replays"}
    return json.dumps({"csp-report": facts}).encode()


@pytest.fixture
def reports(tenant: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[CspReports]:
    """Reset the counts of the shared server before and after the test."""
    with monkeypatch.context() as patch:
        for name, value in vars(CspReports()).items():
            patch.setattr(tenant.service.page_services.csp_reports, name, value)
        yield tenant.service.page_services.csp_reports


@pytest.fixture
def read_log_lines(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> Callable[[], list[str]]:
    """Offer a function that reads the lines of the log about reports."""

    def read() -> list[str]:
        texts = (caplog.text + capsys.readouterr().out).splitlines()
        return [text for text in texts if "csp_violation" in text]

    return read


async def test_many_reports_of_one_kind_are_few_lines_of_the_log(
    tenant, reports, monkeypatch, read_log_lines
):
    """The first, the tenth and the hundredth report are logged with their number."""
    monkeypatch.setattr(reports._buckets, "burst", 1_000.0)
    for _ in range(105):
        answer = await tenant.sender.post("/csp-report", content=report())
        assert (answer.status_code, answer.content) == (204, b"")
    first, _, last = read_log_lines()
    assert "script-src" in first
    assert "100" in last


async def test_reports_of_many_kinds_are_few_lines_of_the_log(
    tenant, reports, monkeypatch, read_log_lines
):
    """Made-up kinds are limited, and all reports that cannot be read are of one kind."""
    monkeypatch.setattr(reports._buckets, "burst", 1_000.0)
    monkeypatch.setattr(csp_reports, "_KINDS", 3)
    bodies = [b"", b"[" * 9_000, b"[1]", b'{"csp-report": 7}', b"\xff"]
    for body in bodies + [report(blocked=f"https://x{number}") for number in range(14)]:
        assert (await tenant.sender.post("/csp-report", content=body)).status_code == 204
    unreadable, *_, others, ten_others = read_log_lines()
    assert "unreadable" in unreadable
    assert "others" in others
    assert "10" in ten_others


async def test_a_kind_of_report_is_logged_again_after_an_hour(reports, monkeypatch, read_log_lines):
    """A kind that still occurs is logged again in the next period."""
    reports.note(report())
    reports.note(report())
    later_s = clock.monotonic_s() + csp_reports._PERIOD_S + 1
    monkeypatch.setattr(csp_reports, "monotonic_s", lambda: later_s)
    reports.note(report())
    assert len(read_log_lines()) == 2


@pytest.mark.parametrize("address", ["/s/{}", "/s/{}/errors", "/sign-in/{}?next=x", "/s/{}#t"])
async def test_tokens_in_addresses_are_not_logged(reports, read_log_lines, address):
    """A browser names the page; a link in its address would let readers of the log in."""
    token = "Zq3" * 15
    page = f"https://playhead.example{address.format(token)}"
    facts = {"effective-directive": "img-src", "blocked-uri": page, "document-uri": page}
    reports.note(json.dumps({"csp-report": facts}).encode())
    (line,) = read_log_lines()
    assert "img-src" in line
    assert token[:6] not in line


async def test_the_reports_of_a_network_are_limited(tenant, reports, monkeypatch):
    """Reports beyond the limit get 429; a second later one more is accepted."""
    at_s = clock.monotonic_s()
    monkeypatch.setattr(csp_reports, "monotonic_s", lambda: at_s)
    statuses = [
        (await tenant.sender.post("/csp-report", content=report())).status_code
        for _ in range(BURST + 5)
    ]
    assert statuses == [204] * BURST + [429] * 5
    assert reports._counts.popitem()[1] == BURST
    assert reports.admit("2001:db8::1")
    monkeypatch.setattr(csp_reports, "monotonic_s", lambda: at_s + 1.0)
    answers = [await tenant.sender.post("/csp-report", content=report()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 429]
    assert answers[1].headers["retry-after"] == "60"
