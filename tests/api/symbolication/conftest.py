"""Fixtures of the tests of events that become clear."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.clear_events import stopped_worker
from tests.support.renaming_family import RenamingFamily
from tests.support.servers.server import Server


@pytest_asyncio.fixture(loop_scope="session")
async def family(tenant: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RenamingFamily]:
    """Install a family whose files rename functions, and stop the worker of the server."""
    family = RenamingFamily()
    async with stopped_worker(tenant):
        monkeypatch.setattr(
            tenant.service.shared.symbolication.symbolicator, "_families", (family,)
        )
        yield family
