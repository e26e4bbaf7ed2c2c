"""A page with today's SDK for browsers and Session Replay sends from another origin."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.sdk import sending, shop
from tests.support import chromium, html_reader
from tests.support.servers.server import Server
from tests.support.waiting import until_asked

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUIETLY = (
    *chromium.ARGUMENTS, "--headless", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
EXPECTED = {
    ("event", "kept", ""),
    ("log", "kept", ""),
    ("feedback", "kept", ""),
    ("attachment", "kept", ""),
    ("session", "kept", ""),
    ("span", "kept", ""),
    ("replay_event", "kept", ""),
}


@asynccontextmanager
async def open_in_chromium(address: str, folder: Path) -> AsyncIterator[None]:
    """Open a page in a browser of its own until the block ends."""
    browser = await asyncio.create_subprocess_exec(
        chromium.PROGRAM,
        *QUIETLY,
        f"--user-data-dir={folder}",
        address,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        browser.terminate()
        await browser.wait()


async def test_a_browser_records_a_replay_and_reports_errors(tenant: Server, tmp_path: Path):
    """A browser's replay opens with its events; its error, log, feedback and file are kept."""

    async def has_arrived() -> bool:
        return set(await tenant.outcomes()) >= EXPECTED

    dsn = sending.make_dsn(tenant, tenant.app)
    with shop.run_shop() as address:
        async with open_in_chromium(f"{address}/?dsn={quote(dsn)}", tmp_path / "profile"):
            await until_asked(has_arrived, deadline_s=90)
    await tenant.settled()
    outcomes = await tenant.outcomes()
    assert [key for key in outcomes if key[1] == "refused"] == []
    (link,) = html_reader.parse_page((await tenant.web.get("/replays")).text).all(
        "a", class_="replay-link"
    )
    page = html_reader.parse_page((await tenant.web.get(link["href"])).text)
    (error,) = page.all("article", class_="error")
    assert "payment failed: HTTP 500" in error.text
    categories = {
        row.one("span", class_="row-category").text for row in page.all("li", class_="row")
    }
    assert "ui.click" in categories
    network = page.one("section", id="network").all("tr", "data-at-ms")
    assert any("/package.json" in row.text for row in network)
    (segment,) = page.one("section", id="segments").all("tr", "data-video")
    assert segment["data-video"] == "none"
    assert "staging" in page.text
