"""Tests of how the files of the web app are served."""

import gzip

import brotli  # type: ignore[import-untyped]  # the package carries no types
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from app.web import assets
from app.web.assets import Assets
from app.web.modules import STATIC, modules

SCRIPT = "player/player.js"


@pytest.fixture
def client() -> httpx.AsyncClient:
    """A client of nothing but the files."""
    app = Starlette(routes=[Mount("/s", Assets())])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


async def raw(client: httpx.AsyncClient, path: str, coding: str) -> tuple[httpx.Headers, bytes]:
    """Fetch a file without unpacking it."""
    async with client.stream("GET", f"/s/{path}", headers={"accept-encoding": coding}) as answer:
        assert answer.status_code == 200
        return answer.headers, b"".join([part async for part in answer.aiter_raw()])


async def test_text_is_packed_as_the_browser_takes_it(client):
    """Brotli before gzip; a browser that takes neither gets the file as it is."""
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


async def test_scripts_lose_their_comments_and_keep_their_lines(client):
    """What a browser tells of an error is true of the source."""
    source = (STATIC / SCRIPT).read_bytes()
    sent = brotli.decompress((await raw(client, SCRIPT, "br"))[1])
    assert not [line for line in sent.splitlines() if line.lstrip().startswith(b"/*")]
    assert sent.count(b"\n") == source.count(b"\n")
    line = b"export function createPlayer("
    number = next(n for n, text in enumerate(source.splitlines()) if text.startswith(line))
    assert sent.splitlines()[number].startswith(line)


async def test_style_sheets_come_together(client):
    """In the order in which they are named; one that is not there is told."""
    (_, packed) = await raw(client, "css/bundle.css?tokens,pages/stage", "br")
    tokens, stage = (STATIC / "css" / name for name in ("tokens.css", "pages/stage.css"))
    assert brotli.decompress(packed) == tokens.read_bytes() + b"\n" + stage.read_bytes()
    for odd in (
        "css/bundle.css?tokens,none",
        "css/bundle.css?../secret",
        "css/bundle.css",
        "no.js",
    ):
        assert (await client.get(f"/s/{odd}")).status_code == 404


def test_nothing_outside_is_read():
    """A path that climbs leads nowhere."""
    assert assets.read("../pyproject.toml") is None
    assert assets.read("css/../../app/main.py") is None


async def test_other_files_are_sent_as_they_are(client):
    """A font is packed already."""
    (font, *_) = (STATIC / "fonts").glob("*.woff2")
    headers, data = await raw(client, f"fonts/{font.name}", "br, gzip")
    assert data == font.read_bytes()
    assert "content-encoding" not in headers


def test_a_page_names_all_that_its_scripts_import():
    """What is imported later, when it is wanted, is not among it."""
    first = modules("js/replay/begin.js")
    assert "player/engines/webcodecs.js" in first
    assert not {"js/replay/main.js", "player/engines/element.js"} & set(first)
    assert "js/replay/lanes.js" in modules("js/replay/main.js")


def test_the_scripts_of_the_replay_page_are_small():
    """At most 60 KB over the wire, as gzip, the larger of the two."""
    names = {*modules("js/replay/begin.js"), *modules("js/replay/main.js")}
    assert sum(len(assets._packed(name, "", "gzip") or b"") for name in names) <= 60 * 1024
