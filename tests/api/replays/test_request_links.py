"""Links from a failed request to its trace and its error, back, and from an issue to the trace."""

import html
import re

import pytest
import pytest_asyncio

from app.demo import send
from tests.support.servers.server import Keyed, Server, tenant as tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def dsn(server: Server, project: Keyed) -> str:
    """Return the DSN of a project."""
    return f"http://{project.key}@{server.base_url.removeprefix('http://')}/{project.id}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def demo_replay(shared_server: Server):
    """Send the demo, in which a payment fails in the backend; offer the server and its page."""
    async with tenant_of(shared_server) as own:
        dsns = dsn(own, own.app), dsn(own, own.backend)
        result = await send.send_demo(*dsns, base_url=own.base_url, seed=4)
        await own.settled()
        yield own, own.page(result.replay_id)


def failed_request(page: str) -> str:
    """Return the row of the request that failed for good."""
    rows: list[str] = re.findall(r'<tr id="request-\d+".*?</tr>', page, re.DOTALL)
    (row,) = [row for row in rows if 'data-status="5xx failed"' in row]
    return row


async def test_a_failed_request_leads_to_its_trace_and_its_error(demo_replay):
    """The trace and the error are in panels of the same page, and the error links back."""
    server, href = demo_replay
    page = (await server.web.get(href)).text
    row = failed_request(page)
    (links,) = re.findall(r'<p class="request-links">.*?</p>', row, re.DOTALL)
    error, trace = re.findall(r'href="[^"]*#([^"]+)" data-opens-row', links)
    assert f'<article class="trace" id="{trace}"' in page
    (card,) = re.findall(rf'<article class="error" id="{error}".*?</article>', page, re.DOTALL)
    assert 'data-source="backend"' in card
    number = re.findall(r'id="(request-\d+)"', row)[0]
    assert f'<a href="#{number}" data-opens-row>Request</a>' in card
    assert re.search(rf'href="[^"]*#{trace}" data-opens-row>Trace</a>', card)


async def test_the_page_of_a_request_links_to_its_trace_and_its_error(demo_replay):
    """Both links of the page open what they name."""
    server, href = demo_replay
    row = failed_request((await server.web.get(href)).text)
    (request_href,) = re.findall(r'href="([^"]*/requests/\d+)"', row)
    page = (await server.web.get(request_href)).text
    assert "What went wrong" in page
    (trace,) = re.findall(r'href="([^"]*/traces/[0-9a-f]{32})"', page)
    assert (await server.web.get(trace)).status_code == 200
    (error,) = re.findall(rf'href="({href}\?tab=errors#error-[0-9a-f]{{32}})"', page)
    assert f'id="{error.partition("#")[2]}"' in (await server.web.get(error)).text


async def test_the_page_of_an_event_links_to_its_trace(demo_replay):
    """Every event of the demo has a trace, which opens."""
    server, href = demo_replay
    page = (await server.web.get(href)).text
    for issue in set(re.findall(r'href="([^"]*/issues/\w+/events/\w+)"', page)):
        event = (await server.web.get(html.unescape(issue))).text
        (trace,) = re.findall(r'<dt>Trace</dt><dd><a href="(/traces/[0-9a-f]{32})">', event)
        assert (await server.web.get(trace)).status_code == 200
