"""Tests of how static files are served."""

import gzip

import brotli  # type: ignore[import-untyped]  # the package carries no types
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from app.core.shipped import STATIC
from app.web.frame.rendering import assets
from app.web.frame.rendering.assets import Assets
from app.web.frame.rendering.renderer import Renderer

SCRIPT = "player/player.js"


@pytest.fixture
def client() -> httpx2.AsyncClient:
    """A client of an application that serves static files alone."""
    app = Starlette(routes=[Mount("/s", Assets())])
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://here")


async def raw(client: httpx2.AsyncClient, path: str, coding: str) -> tuple[httpx2.Headers, bytes]:
    """Fetch a file without decompressing it."""
    async with client.stream("GET", f"/s/{path}", headers={"accept-encoding": coding}) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join([part async for part in answer.aiter_raw()])


async def test_text_is_packed_as_the_browser_takes_it(client):
    """Brotli is preferred to gzip; a browser that accepts neither gets the file as it is."""
    source = (STATIC / SCRIPT).read_bytes()
    headers, packed = await raw(client, SCRIPT, "gzip, br")
    assert headers["content-encoding"] == "br"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["content-type"].startswith("text/javascript")
    _, gzipped = await raw(client, SCRIPT, "gzip")
    assert gzip.decompress(gzipped) == brotli.decompress(packed)
    headers, plain = await raw(client, SCRIPT, "identity")
    assert plain == source
    assert "content-encoding" not in headers


async def test_style_sheets_come_together(client):
    """Style sheets are joined in the order of the request; a missing one is answered with 404."""
    (_, packed) = await raw(client, "css/bundle.css?tokens,pages/replay/stage", "br")
    tokens, stage = (STATIC / "css" / name for name in ("tokens.css", "pages/replay/stage.css"))
    assert brotli.decompress(packed) == tokens.read_bytes() + b"\n" + stage.read_bytes()
    for odd in (
        "css/bundle.css?tokens,none",
        "css/bundle.css?../secret",
        "css/bundle.css",
        "no.js",
    ):
        assert (await client.get(f"/s/{odd}")).status_code == 404


def test_nothing_outside_is_read():
    """A path that leaves the folder is answered with 404."""
    assert assets.read_asset("../pyproject.toml") is None
    assert assets.read_asset("css/../../app/main.py") is None


async def test_other_files_are_sent_as_they_are(client):
    """A font is compressed already."""
    (font, *_) = (STATIC / "fonts").glob("*.woff2")
    headers, data = await raw(client, f"fonts/{font.name}", "br, gzip")
    assert data == font.read_bytes()
    assert "content-encoding" not in headers


def test_what_is_prepared_is_packed_when_a_browser_asks():
    """All scripts are compressed with the encoding that browsers prefer."""
    assets.prepare_assets()
    misses = assets._compress.cache_info().misses
    assert assets._compress(assets._read_file, "js/replay/main.js", "", "br")
    assert assets._compress.cache_info().misses == misses


def test_templates_are_read_before_they_are_asked_for():
    """All files can be read."""
    renderer = Renderer()
    renderer.prepare()
    assert set(renderer._environment.list_templates()) == {
        name for _, name in renderer._environment.cache or {}
    }
