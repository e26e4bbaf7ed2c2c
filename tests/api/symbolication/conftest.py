"""Fixtures of the tests of events that become clear."""

import pytest

from tests.support.renaming_family import RenamingFamily
from tests.support.servers.server import Server


@pytest.fixture
def family(tenant: Server, monkeypatch: pytest.MonkeyPatch) -> RenamingFamily:
    """Install a family whose files rename functions, and keep the worker from doing anything."""
    family = RenamingFamily()
    monkeypatch.setattr(tenant.service.shared.symbolication.symbolicator, "_families", (family,))
    monkeypatch.setattr(tenant.service.work.symbolication, "is_busy", lambda: True)
    return family
