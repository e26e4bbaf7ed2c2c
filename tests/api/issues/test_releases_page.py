"""Tests of the page of a project's releases."""

import pytest

from app.core import clock
from tests.support import html_reader
from tests.support.builders import envelopes
from tests.support.servers.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_sessions_are_shown_by_release(tenant: Server):
    """Releases stand latest first with their crash-free share, and can be of one environment."""
    for release, environment, crashed in (
        ("shop@1.9.0", "production", 0),
        ("shop@1.10.0", "production", 1),
        ("shop@1.9.0", "beta", 0),
    ):
        group = {"started": clock.now().isoformat(), "exited": 9, "crashed": crashed}
        attrs = {"release": release, "environment": environment}
        item = envelopes.item("sessions", {"aggregates": [group], "attrs": attrs})
        await tenant.take(envelopes.envelope({}, item))
    path = f"/projects/{tenant.app.id}/releases"

    async def read_table(query: str = "") -> list[tuple[str, ...]]:
        page = html_reader.parse_page((await tenant.web.get(f"{path}{query}")).text)
        rows = page.one("table", class_="releases").one("tbody").all("tr")
        return [
            (row.one("bdi").text, *(cell.text for cell in row.all("td", "data-label")[:3]))
            for row in rows
        ]

    assert await read_table() == [
        ("shop@1.10.0", "10", "90.00 %", "1"), ("shop@1.9.0", "18", "100 %", "0"),
    ]  # fmt: skip
    assert await read_table("?environment=beta") == [("shop@1.9.0", "9", "100 %", "0")]
    empty_page = await tenant.web.get(f"/projects/{tenant.backend.id}/releases")
    assert "No releases in these days" in empty_page.text
