"""Tests of the panels: logs, single requests, HAR, links to the list."""

import json
import re

import pytest

from app.audit import queries as audit
from tests.support.builders import envelopes, recordings
from tests.support.builders.wire import MISSING, REPLAY_ID, STARTED_MS, TRACE_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def send_replay(server: Server) -> None:
    """Send a segment with a recorded exchange, and a log record of its trace."""
    body = {"items": list(range(200))}
    answer = {"headers": {"Content-Type": "application/json"}, "body": body, "size": 900}
    span = recordings.network_span(STARTED_MS + 300, STARTED_MS + 540, response=answer)
    record = {
        "timestamp": STARTED_MS / 1000 + 1,
        "trace_id": TRACE_ID,
        "level": "warn",
        "body": "card declined",
        "attributes": {"order": {"value": 1042, "type": "integer"}},
    }
    header = {
        "type": "log",
        "item_count": 1,
        "content_type": "application/vnd.sentry.items.log+json",
    }
    logs = envelopes.item("log", {"items": [record]}, **header)
    await server.take(
        envelopes.replay_video_envelope(0, events=[recordings.meta(), span]),
        envelopes.envelope(envelopes.envelope_header(event_id=None), logs),
    )


async def test_logs_of_the_replays_trace_have_a_panel(tenant: Server):
    """The row of a record has its time, level and attributes, and the tab counts the records."""
    await send_replay(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    assert re.search(r'data-count="logs">1<', html)
    row = re.search(r'<li class="row" data-key="[^"]*card declined".*?</li>', html, re.DOTALL)
    assert row
    assert 'data-at-ms="1000"' in row[0]
    assert 'data-level="warning"' in row[0]
    assert "<dt>order</dt><dd><bdi>1042</bdi></dd>" in row[0]


async def test_a_request_has_a_page_with_all_of_it(tenant: Server):
    """The panel shows the start of a long body and links to the page; unknown numbers get 404."""
    await send_replay(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID, "?tab=network"))).text
    assert "All of this request" in html
    request_path = tenant.page(REPLAY_ID, "/requests/0")
    assert f'href="{request_path}"' in html
    request_html = (await tenant.web.get(request_path)).text
    assert request_html.count('data-kind="number"') == 200
    assert f'href="{tenant.page(REPLAY_ID)}?t=0.3&amp;tab=network#request-0"' in request_html
    for number in ("1", "-1", "x"):
        answer = await tenant.web.get(tenant.page(REPLAY_ID, f"/requests/{number}"))
        assert answer.status_code == 404
    assert (await tenant.web.get(tenant.page("b" * 32, "/requests/0"))).status_code == 404


@pytest.mark.parametrize(
    ("changes", "commands"),
    [
        (
            {"method": "GET;touch /tmp/pwned;:"},
            ["curl -X GET --globoff --url https://api.example.net/v1/cart"],
        ),
        ({"url": "-o/tmp/pwned"}, []),
    ],
)
async def test_a_copied_curl_command_runs_nothing_that_the_sender_chose(
    tenant: Server, changes: dict[str, str], commands: list[str]
):
    """Anybody with the DSN chooses method and address, so neither may run when it is pasted."""
    span = recordings.network_span(STARTED_MS + 300, STARTED_MS + 540, **changes)
    await tenant.take(envelopes.replay_video_envelope(0, events=[recordings.meta(), span]))
    for below in ("", "/requests/0"):
        html = (await tenant.web.get(tenant.page(REPLAY_ID, below))).text
        assert re.findall(r'data-copy="(curl[^"]*)"', html) == commands


async def test_requests_can_be_downloaded_as_har(tenant: Server):
    """The file has a name, is inert in a browser, and the audit log records its download."""
    await send_replay(tenant)
    answer = await tenant.web.get(tenant.page(REPLAY_ID, "/requests.har"))
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="replay-{REPLAY_ID}.har"'
    )
    assert answer.headers["content-security-policy"].startswith("sandbox")
    [entry] = json.loads(answer.content)["log"]["entries"]
    assert entry["response"]["status"] == 201
    assert json.loads(entry["response"]["content"]["text"]) == {"items": list(range(200))}
    async with tenant.database.reading() as connection:
        lines = await audit.list_audit_lines(connection, project_id=tenant.app.id)
    assert [line.detail for line in lines if line.action == "replay_downloaded"] == [
        {"what": "requests"}
    ]


async def test_every_fact_leads_to_a_list_that_has_the_replay(tenant: Server):
    """The links of the Details panel are queries that find the replay itself."""
    await send_replay(tenant)
    html = (await tenant.web.get(tenant.page(REPLAY_ID))).text
    details = html[html.index('<div class="details">') :]
    hrefs = set(re.findall(r'href="(/replays\?query=[^"]+)"', details))
    assert len(hrefs) >= 15
    for href in sorted(hrefs):
        list_html = (await tenant.web.get(href.replace("&amp;", "&"))).text
        assert f'href="{tenant.page(REPLAY_ID)}"' in list_html, href


async def test_the_list_and_the_panel_count_the_same_requests_as_failed(tenant: Server):
    """A status from 400 on is a failure, and so is no answer; a picture of a web page is none."""
    statuses = (200, 399, 404, 503.0, 0, MISSING)
    spans = [
        recordings.network_span(STARTED_MS + at * 300, STARTED_MS + at * 300 + 100, statusCode=code)
        for at, code in enumerate(statuses)
    ]
    picture = recordings.network_span(STARTED_MS + 2_000, statusCode=MISSING)
    picture["data"]["payload"]["op"] = "resource.img"
    await tenant.take(
        envelopes.replay_video_envelope(0, events=[recordings.meta(), *spans, picture])
    )
    html = (await tenant.web.get(tenant.page(REPLAY_ID, "?tab=network"))).text
    marked = re.findall(r'id="request-\d+"[^>]*data-failed="(\w+)"', html)
    assert marked == ["no", "no", "yes", "yes", "yes", "yes", "no"]
    assert html.count('data-class="0">none<') == 3
    for query, rows in (("count_failures:4", 1), ("count_failures:<4", 0)):
        list_html = (await tenant.web.get(f"/replays?query={query}")).text
        assert list_html.count("replay-link") == rows, query
