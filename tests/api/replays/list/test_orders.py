"""Tests of the orders of the list of replays where replays have the same values."""

import re

import pytest

from app.playback import replay_list
from app.replays.search.orders import ORDERS
from tests.support.builders import envelopes
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ROW = r'class="replay-link" href="([^"]+)"'


@pytest.mark.parametrize("sort", ORDERS)
async def test_a_replay_in_two_projects_is_listed_once_for_each(
    tenant: Server, monkeypatch: pytest.MonkeyPatch, sort: str
):
    """On pages of one row, links lead through both copies of a replay, forward and back."""
    await tenant.take(envelopes.replay_video_envelope(0))
    await tenant.take(envelopes.replay_video_envelope(0), project=tenant.backend)
    monkeypatch.setattr(replay_list, "PAGE_ROWS", 1)
    href, rows = f"/replays?sort={sort}", []
    for relation in ("next", "prev", None):
        html = (await tenant.web.get(href)).text
        rows += re.findall(_ROW, html)
        if relation:
            link = re.search(rf'href="([^"]+)" rel="{relation}"', html)
            assert link, (relation, rows)
            href = link[1].replace("&amp;", "&")
    first, second, again = rows
    assert {first.split("/")[2], second.split("/")[2]} == {
        str(tenant.app.id),
        str(tenant.backend.id),
    }
    assert again == first
