"""Tests of replays that have more errors, logs and spans than a page shows, through the pages."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support import crowds, envelopes
from tests.support.server import Server, tenant as tenant_of
from tests.support.wire import REPLAY_ID

pytestmark = pytest.mark.asyncio(loop_scope="session")

APP_ERRORS = 2_100


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def storm(shared_server: Server) -> AsyncIterator[Server]:
    """A replay with thousands of handled errors, then a hang, a backend error and a crash."""
    async with tenant_of(shared_server) as own:
        await own.take(
            envelopes.replay_video_envelope(0),
            *crowds.handled_errors(APP_ERRORS),
            crowds.hang(),
            crowds.crash(),
        )
        await own.take(crowds.backend_error(), project=own.backend)
        yield own


def shown_errors(html: str) -> list[str]:
    """Return the ids of the errors that a page describes, in its order."""
    return re.findall(r'<article class="error" id="error-([0-9a-f]{32})"', html)


def next_part(html: str, panel: str) -> str | None:
    """Return where the link to the next part of a list leads."""
    found = re.search(rf'href="([^"]+)" data-next-part="{panel}"', html)
    return found[1].replace("&amp;", "&") if found else None


async def test_list_and_page_count_every_error(storm: Server):
    """The list, the page's chips and tab, and the question before deleting tell one number."""
    listed = (await storm.web.get("/replays")).text
    page = (await storm.web.get(storm.page(REPLAY_ID))).text
    for html in (listed, page):
        assert "2,102 app" in html
        assert "1 backend" in html
    assert re.search(r'data-count="errors">2,103<', page)
    question = (await storm.web.get(storm.page(REPLAY_ID, "/delete"))).text
    for html in (page, question):
        assert "2,103 linked errors stay" in html


async def test_the_page_knows_a_crash_behind_thousands_of_errors(storm: Server):
    """The crash decides how the replay ended, as it does in the list."""
    listed = (await storm.web.get("/replays")).text
    page = (await storm.web.get(storm.page(REPLAY_ID))).text
    assert "crashed" in listed
    assert "Ended: crashed" in page


async def test_what_matters_most_is_always_shown(storm: Server):
    """Crash, hang and backend error are among the first 1,000, though they came last."""
    page = (await storm.web.get(storm.page(REPLAY_ID))).text
    shown = shown_errors(page)
    assert len(shown) == 1_000
    assert {crowds.CRASH_ID, crowds.HANG_ID, crowds.BACKEND_ID} <= set(shown)
    assert "Showing the first 1,000 of 2,103 errors" in page


async def test_every_error_can_be_read(storm: Server):
    """Links lead from part to part; together the parts hold every error once."""
    html = (await storm.web.get(storm.page(REPLAY_ID))).text
    found = shown_errors(html)
    parts = []
    while href := next_part(html, "errors"):
        answer = await storm.web.get(href)
        assert answer.status_code == 200, answer.text
        html = answer.text
        parts.append(len(shown_errors(html)))
        found += shown_errors(html)
    assert parts == [1_000, 103]
    assert len(found) == len(set(found)) == APP_ERRORS + 3
    assert "Showing errors 2,001 to 2,103 of 2,103" in html


async def test_a_part_belongs_to_a_replay_one_may_see(storm: Server, tenant: Server):
    """A made-up place is refused; an unknown replay, or somebody else's, is not found."""
    part = storm.page(REPLAY_ID, "/errors")
    assert (await storm.web.get(f"{part}?after=x")).status_code == 400
    assert (await storm.web.get(storm.page("e" * 32, "/errors"))).status_code == 404
    assert (await tenant.web.get(part)).status_code == 404
