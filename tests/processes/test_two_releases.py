"""A6: two releases side by side, each of which answers for the static files of the other."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx2
import pytest

from app.core.shipped import STATIC
from app.db.engine import Database
from tests.support.servers import process
from tests.support.servers.postgres import as_app
from tests.support.servers.process import ForkServer, LaunchOptions, ServerProcess
from tests.support.servers.server import keyed
from tests.support.waiting import PATIENCE_S

_LINK: Final = re.compile(r"(?:href|src)=\"(/static/[^\"]+)\"")
_NEW_RULE: Final = b"\n.of-the-next-release { color: red }\n"


@pytest.fixture
def next_release(tmp_path: Path) -> Iterator[LaunchOptions]:
    """Options of a server whose static files differ from those here."""
    static = tmp_path / "static"
    shutil.copytree(STATIC, static)
    with (static / "css" / "base.css").open("ab") as sheet:
        sheet.write(_NEW_RULE)
    fork_server = ForkServer({"PLAYHEAD_BUNDLED": str(static)})
    yield LaunchOptions(fork_server=fork_server)
    fork_server.close()


async def test_each_release_has_the_static_files_of_both(
    database_url: str, database: Database, tmp_path: Path, next_release: LaunchOptions
):
    """Whichever process a browser reaches, it gets the very files that its page names."""
    await keyed(database, "App")
    url, folder = as_app(database_url), tmp_path / "data"
    with ExitStack() as stack:
        servers = [
            stack.enter_context(process.launch_and_wait(url, folder, options))
            for options in (process.PLAIN, next_release)
        ]
        links = [await list_static_links(server) for server in servers]
        assert not set(links[0]) & set(links[1])
        assert all(links)
        contents = [await fetch_all(server, [*links[0], *links[1]]) for server in servers]
    assert contents[0] == contents[1]
    sheets = [content for path, content in contents[0].items() if "css/bundle.css" in path]
    assert {_NEW_RULE in sheet for sheet in sheets} == {True, False}


async def list_static_links(server: ServerProcess) -> list[str]:
    """Return the addresses of all static files that the page for signing in names."""
    async with httpx2.AsyncClient(
        base_url=server.base_url, trust_env=False, timeout=PATIENCE_S
    ) as client:
        page = await client.get("/sign-in")
    assert page.status_code == 200
    return [link.replace("&amp;", "&") for link in _LINK.findall(page.text)]


async def fetch_all(server: ServerProcess, links: list[str]) -> dict[str, bytes]:
    """Return what a server answers for each address."""
    async with httpx2.AsyncClient(
        base_url=server.base_url, trust_env=False, timeout=PATIENCE_S
    ) as client:
        answers = await asyncio.gather(*(client.get(link) for link in links))
    assert {answer.status_code for answer in answers} == {200}
    return {link: answer.content for link, answer in zip(links, answers, strict=True)}
