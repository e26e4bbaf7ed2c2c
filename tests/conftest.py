"""Fixtures that every test may use."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings

if TYPE_CHECKING:
    from tests.support.servers.server import Server

# One commit, one result: property tests draw the same examples every time.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")

# By default structlog prints the local variables of a traceback, which takes minutes for those of a
# server and blocks its event loop meanwhile.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

pytest_plugins = [
    "tests.support.servers.bundled",
    "tests.support.servers.installed",
    "tests.support.servers.postgres",
    "tests.support.report",
]


@pytest.fixture
async def server(database_url: str, tmp_path: Path) -> AsyncIterator["Server"]:
    """A real server with a database and folders of its own."""
    from tests.support.servers import server  # noqa: PLC0415 - heavy; unit tests do without

    async with server.running(database_url, tmp_path) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_server(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Server"]:
    """One server for the tests of a file that are a `tenant`.

    One for the whole run would grow slower: the same trace and replay ids come from project after
    project, and after a thousand tests a small one took 1.5 s of a core instead of 0.05.
    """
    from tests.support.servers import postgres, server  # noqa: PLC0415 - as above

    async for url in postgres._fresh_database(postgres_url, template=template_database):
        async with server.running(url, tmp_path_factory.mktemp("shared")) as started:
            yield started


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(shared_server: "Server") -> AsyncIterator["Server"]:
    """The shared server, with projects and a person of this test's own.

    Tests that use it bear `pytest.mark.asyncio(loop_scope="session")`.
    """
    from tests.support.servers import server  # noqa: PLC0415 - as above

    async with server.tenant(shared_server) as own:
        yield own
