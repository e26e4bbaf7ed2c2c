"""Tests of the demo: one button sends a replay with errors of an app and of a backend."""

import asyncio
import re

from app.projects import queries as projects
from tests.support.servers.server import Server
from tests.support.waiting import PATIENCE_S


async def test_the_demo_plays_into_its_own_projects(server: Server):
    """The demo creates the missing backend project, and its replay has video."""
    empty_list = (await server.web.get("/replays")).text
    assert "Play the demo app" in empty_list
    started = await server.web.post("/demo")
    waiting_href = started.headers["location"]
    assert started.status_code == 303
    waiting = (await server.web.get(waiting_href)).text
    assert "The demo app is playing." in waiting
    (awaited,) = re.findall(r'data-awaited="[^"]+" data-href="([^"]+)"', waiting)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*server.service.page_services.tasks)
    await server.settled()
    list_html = (await server.web.get("/replays")).text
    (href,) = re.findall(r'class="replay-link" href="([^"]+)"', list_html)
    assert href == awaited
    assert (
        f'The demo replay is here. <a href="{href}">' in (await server.web.get(waiting_href)).text
    )
    page = (await server.web.get(href)).text
    assert 'data-source="app"' in page
    assert 'data-source="backend"' in page
    index = await server.web.get(f"{href}/index")
    assert len(index.content) > 1_000
    async with server.database.reading() as connection:
        names = [project.name for project in await projects.list_all_projects(connection)]
    assert "Demo backend" in names
