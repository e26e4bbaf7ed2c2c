"""A6: two releases side by side, each of which answers for the static files of the other."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from app.core.shipped import STATIC
from app.db import migrate
from app.db.engine import Database
from tests.support.builders import traffic
from tests.support.servers import process, proxies
from tests.support.servers.installed import ROOT
from tests.support.servers.next_release import NEXT_REVISION, make_next_release
from tests.support.servers.postgres import as_app
from tests.support.servers.process import ForkServer, LaunchOptions
from tests.support.servers.server import keyed

VISITORS: Final = [f"127.0.2.{number}" for number in range(1, 25)]
"""Addresses of people, whom the proxy divides among both servers; that all come to one is unlikely
(one in eight million)."""
_LINK: Final = re.compile(r"(?:href|src)=\"(/static/[^\"]+)\"")
_NEW_RULE: Final = b"\n.of-the-next-release { color: red }\n"


@pytest.fixture
def next_release(tmp_path: Path) -> Iterator[LaunchOptions]:
    """Options of a server that has a migration and static files of its own."""
    static = tmp_path / "static"
    shutil.copytree(STATIC, static)
    with (static / "css" / "base.css").open("ab") as sheet:
        sheet.write(_NEW_RULE)
    checkout = make_next_release(tmp_path / "next")
    fork_server = ForkServer({"PYTHONPATH": f"{checkout}:{ROOT}", "PLAYHEAD_BUNDLED": str(static)})
    yield LaunchOptions(fork_server=fork_server)
    fork_server.close()


async def test_pages_of_both_releases_get_their_static_files(
    database_url: str, database: Database, tmp_path: Path, next_release: LaunchOptions
):
    """Whichever process the proxy asks, a browser gets the very files that its page names."""
    await keyed(database, "App")
    folder, owner = tmp_path / "data", SecretStr(database_url)
    with ExitStack() as stack:
        upstreams = []
        for options in (process.PLAIN, next_release):
            launching = process.launch_and_wait(
                as_app(database_url), folder, options, database_owner_url=owner
            )
            server = await asyncio.to_thread(stack.enter_context, launching)
            upstreams.append(server.base_url.removeprefix("http://"))
        assert await migrate.current_revision(database_url) == NEXT_REVISION
        async with proxies.in_front_of(
            *upstreams, folder=tmp_path / "proxy", kind="nginx"
        ) as proxy:
            links = {visitor: await list_static_links(proxy, visitor) for visitor in VISITORS}
            pages = sorted({tuple(each) for each in links.values()})
            assert len(pages) == 2, "the pages of both releases must be among them"
            assert not set(pages[0]) & set(pages[1])
            assert all(pages)
            contents = [
                await fetch_all(proxy, visitor, [*pages[0], *pages[1]])
                for visitor in (find_visitor(links, page) for page in pages)
            ]
    assert contents[0] == contents[1]
    sheets = [content for path, content in contents[0].items() if "css/bundle.css" in path]
    assert {_NEW_RULE in sheet for sheet in sheets} == {True, False}


async def list_static_links(proxy: str, visitor: str) -> list[str]:
    """Return the addresses of all static files that the page for signing in names."""
    async with traffic.client(proxy, source=visitor) as client:
        page = await client.get("/sign-in")
    assert page.status_code == 200
    return [link.replace("&amp;", "&") for link in _LINK.findall(page.text)]


def find_visitor(links: dict[str, list[str]], page: tuple[str, ...]) -> str:
    """Return somebody whom the proxy leads to the server of a page."""
    return next(visitor for visitor, each in links.items() if tuple(each) == page)


async def fetch_all(proxy: str, visitor: str, links: list[str]) -> dict[str, bytes]:
    """Return what somebody gets for each address."""
    async with traffic.client(proxy, source=visitor) as client:
        answers = await asyncio.gather(*(client.get(link) for link in links))
    assert {answer.status_code for answer in answers} == {200}
    return {link: answer.content for link, answer in zip(links, answers, strict=True)}
