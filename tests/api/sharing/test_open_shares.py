"""The page that lists what a project has handed out, and takes one link or all of them back."""

import re

import pytest
from sqlalchemy import text

from app.core.ids import ReplayId
from app.core.replay.replay_range import ReplayRange
from app.replays.model import ReplayKey
from app.replays.sharing.model import ShareKind, SharePanel, ShareTerms
from app.replays.sharing.tokens import new_share_token
from app.sharing import project_shares
from tests.support.builders import envelopes
from tests.support.builders.shares import make_share
from tests.support.builders.wire import REPLAY_ID
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def hand_out(
    tenant: Server, note: str, *, kind: ShareKind = ShareKind.LINK, replay_id: str = REPLAY_ID
) -> str:
    """Hand a part of a replay out; returns the token."""
    token = new_share_token()
    terms = ShareTerms(ReplayRange(1_000, 3_000), panels=frozenset({SharePanel.ERRORS}), note=note)
    key = ReplayKey(tenant.app.id, ReplayId(replay_id))
    await make_share(tenant.database, key, terms, token=token, kind=kind)
    return token


def find_page(tenant: Server) -> str:
    """Return the path of the page."""
    return f"/projects/{tenant.app.id}/open-shares"


async def test_links_are_listed_until_they_are_taken_back(tenant: Server):
    """One link goes by its own button, the others together; the log names each of them."""
    await tenant.take(envelopes.replay_video_envelope(0))
    tokens = {note: await hand_out(tenant, note) for note in ("for Ada", "for Eve", "for <Bob>")}
    page = await tenant.web.get(find_page(tenant))
    assert page.status_code == 200
    assert re.findall(r"for (?:Ada|Eve|&lt;Bob&gt;)", page.text) == [
        "for &lt;Bob&gt;", "for Eve", "for Ada",
    ]  # fmt: skip
    assert page.text.count("0:01 to 0:03, with Errors") == 3
    assert not [token for token in tokens.values() if token in page.text]

    (eve,) = re.findall(r'for Eve.*?action="([^"]+/revoke)"', page.text, re.DOTALL)[:1]
    answer = await tenant.web.post(eve, data={"back": "project"})
    assert answer.headers["location"].startswith(find_page(tenant))
    page = await tenant.web.get(find_page(tenant))
    assert "for Eve" not in page.text
    assert (await tenant.sender.get(f"/s/{tokens['for Eve']}")).status_code == 410
    assert (await tenant.sender.get(f"/s/{tokens['for Ada']}")).status_code == 200

    answer = await tenant.web.post(f"{find_page(tenant)}/revoke", data={"kind": "link"})
    assert answer.headers["location"].endswith("?done=links-revoked&count=2")
    for note in ("for Ada", "for <Bob>"):
        assert (await tenant.sender.get(f"/s/{tokens[note]}")).status_code == 410
    assert "No share link is open" in (await tenant.web.get(find_page(tenant))).text
    log = await tenant.web.get(f"/projects/{tenant.app.id}/log?kind=download")
    assert len(re.findall(r"what: link, number of the link: \d+", log.text)) == 3
    async with tenant.database.reading() as connection:
        kept = await connection.scalar(
            text(
                "select count(*) from share_visits v join replay_shares s on s.id = v.share_id"
                " where s.project_id = :id"
            ),
            {"id": tenant.app.id},
        )
    assert kept == 0


async def test_pictures_are_taken_back_apart_from_links(tenant: Server):
    """The page counts pictures in messages; taking them back leaves links alone."""
    await tenant.take(envelopes.replay_video_envelope(0))
    await hand_out(tenant, "a message", kind=ShareKind.PICTURE)
    link = await hand_out(tenant, "for Ada")
    assert "1 picture of replays opens" in (await tenant.web.get(find_page(tenant))).text
    await tenant.web.post(f"{find_page(tenant)}/revoke", data={"kind": "picture"})
    page = await tenant.web.get(find_page(tenant))
    assert "Pictures in messages" not in page.text
    assert (await tenant.sender.get(f"/s/{link}")).status_code == 200
    refused = await tenant.web.post(f"{find_page(tenant)}/revoke", data={"kind": "clip"})
    assert refused.status_code == 400


async def test_many_links_are_read_page_by_page(tenant: Server, monkeypatch: pytest.MonkeyPatch):
    """Each link is on one page; links lead forward and back."""
    monkeypatch.setattr(project_shares, "PAGE_SHARES", 2)
    await tenant.take(envelopes.replay_video_envelope(0))
    for number in range(5):
        await hand_out(tenant, f"person {number}")
    href, page, seen = find_page(tenant), "", list[str]()
    while href:
        page = (await tenant.web.get(href)).text
        seen += re.findall(r"person (\d)", page)
        match = re.search(r'href="([^"]+)" rel="next"', page)
        href = match[1].replace("&amp;", "&") if match else ""
    assert seen == ["4", "3", "2", "1", "0"]
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back
    before = (await tenant.web.get(back[1].replace("&amp;", "&"))).text
    assert re.findall(r"person (\d)", before) == ["2", "1"]
