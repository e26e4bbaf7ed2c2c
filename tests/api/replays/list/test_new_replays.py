"""An open list asks for new replays, and an empty list says where to send them."""

import html
import re
from urllib.parse import urlencode

import pytest

from app.demo import names
from tests.support.browsers import signed_in
from tests.support.builders import envelopes
from tests.support.builders.people import make_person, make_project
from tests.support.servers.server import Server

FIRST, SECOND = "1" * 32, "2" * 32


async def ask_for_new_replays(server: Server, page: str) -> list[str]:
    """Ask for new replays as the script of an open page does."""
    link = re.search(r'data-news="([^"]+)"', page)
    assert link
    answer = await server.web.get(html.unescape(link[1]))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store")
    replays: list[str] = answer.json()["replays"]
    return replays


@pytest.mark.parametrize("sort", ["", "oldest", "longest"])
async def test_an_open_list_learns_of_a_replay_that_came_later(server: Server, sort: str):
    """The answer names the newest replay first, whatever the order of the list."""
    await server.take(envelopes.replay_video_envelope(replay_id=FIRST))
    page = (await server.web.get(f"/replays?sort={sort}")).text
    await server.take(envelopes.replay_video_envelope(replay_id=SECOND))
    assert await ask_for_new_replays(server, page) == [
        f"{server.app.id}/{SECOND}",
        f"{server.app.id}/{FIRST}",
    ]


async def test_an_open_list_learns_only_of_replays_that_it_would_show(server: Server):
    """All conditions of the query count; an invalid query has no news."""
    query = {"query": "environment:staging count_errors:0", "project": str(server.app.id)}
    page = (await server.web.get(f"/replays?{urlencode(query)}")).text
    await server.take(
        envelopes.replay_video_envelope(replay_id=FIRST),
        envelopes.replay_video_envelope(replay_id=SECOND, environment="staging"),
    )
    assert await ask_for_new_replays(server, page) == [f"{server.app.id}/{SECOND}"]
    refused = await server.web.get("/replays?query=(")
    assert "data-news" not in refused.text
    assert (await server.web.get("/replays/new?query=(")).status_code == 400
    assert (await server.web.get("/replays/new?since=never")).status_code == 400


async def test_nobody_learns_of_replays_that_they_may_not_see(server: Server):
    """A person without projects gets no news, and 404 for a project of others."""
    await server.take(envelopes.replay_video_envelope(replay_id=FIRST))
    person = await make_person(server.database, "stranger@example.org")
    async with signed_in(server, person) as browser:
        assert (await browser.get("/replays/new")).json()["replays"] == []
        refused = await browser.get(f"/replays/new?project={server.app.id}")
        awaited = await browser.get(f"/replays?awaited={server.app.id}/{FIRST}")
    assert refused.status_code == 404
    assert "Watch it" not in awaited.text


async def test_an_empty_list_shows_the_dsn_of_the_app_after_a_demo(server: Server):
    """The DSN is that of the project an app will send to, and the page names the project."""
    for name in (names.APP, names.BACKEND):
        await make_project(server.database, name)
    page = (await server.web.get("/replays")).text
    assert "Waiting for the first replay" in page
    dsns = re.findall(r'data-copy="(http[^"]+)"', page)
    assert [dsn.rpartition("/")[2] for dsn in dsns] == [str(server.app.id)]
    assert re.search(r"DSN of <bdi>\w+", page)


@pytest.mark.parametrize("awaited", ["", "x", "1/x", "999999/" + FIRST, "/" + FIRST])
async def test_an_address_that_awaits_nothing_is_an_ordinary_list(server: Server, awaited: str):
    """The list ignores an awaited replay that cannot exist."""
    page = await server.web.get(f"/replays?awaited={awaited}")
    assert page.status_code == 200
    assert "demo app is playing" not in page.text
