"""Tests of how the files of the web app are served."""

import gzip
import re
import subprocess

import brotli  # type: ignore[import-untyped]  # the package carries no types
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from app.core.shipped import STATIC
from app.web import assets, modules
from app.web.assets import Assets
from app.web.render import Renderer

SCRIPT = "player/player.js"
ENTRIES = sorted(
    {
        name
        for template in (STATIC.parent / "templates").rglob("*.html")
        for name in re.findall(r"/joined/(js/\S+\.js)", template.read_text(encoding="utf-8"))
    }
    | {"player/engines/file.js", "js/replay/begin.js"}
)


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


def test_a_joined_script_holds_all_that_it_imports():
    """What is imported later, when it is wanted, is not among it."""
    first = modules.modules("js/replay/begin.js")
    assert "player/engines/webcodecs.js" in first
    assert not {"js/replay/main.js", "player/engines/file.js"} & set(first)
    joined = modules.joined("js/replay/begin.js")
    assert [line for line in joined.splitlines() if line.startswith("import ")] == []
    assert 'import("./main.js")' in joined
    assert 'import("../../player/engines/file.js")' in joined


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_joined_script_is_one(entry, tmp_path):
    """Whatever form its imports and exports take, no word of them is left where none may be."""
    script = tmp_path / "joined.mjs"
    script.write_text(modules.joined(entry), encoding="utf-8")
    checked = subprocess.run(
        ["node", "--check", script], check=False, capture_output=True, text=True
    )
    assert checked.stderr == ""
    inner = modules.joined(entry).partition(f"// {entry}\n")[0]
    assert re.findall(r"^(?:export|import) .*", inner, re.MULTILINE) == []


def test_a_joined_script_says_what_its_modules_said(monkeypatch, tmp_path):
    """Names that two modules share stay apart, and an import may be renamed."""
    monkeypatch.setattr(modules, "STATIC", tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/one.js").write_text("const own = 1;\nexport const one = own;\n")
    (tmp_path / "in/two.js").write_text(
        'import { one } from "./one.js";\nconst own = 2;\n'
        "export function two() { return one + own; }\n"
    )
    (tmp_path / "main.js").write_text(
        'import {\n  one as first,\n} from "./in/one.js";\nimport { two } from "./in/two.js";\n'
        "const own = 0;\nconsole.log(own, first, two());\n"
    )
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", modules.joined("main.js")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "0 1 3\n"


def test_modules_in_a_circle_are_refused(monkeypatch, tmp_path):
    """A module that needs its own result cannot be joined; the message says how it goes round."""
    monkeypatch.setattr(modules, "STATIC", tmp_path)
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(ValueError, match=r"a\.js imports b\.js imports a\.js"):
        modules.modules("a.js")


def test_what_two_scripts_of_a_page_both_hold_has_no_state():
    """Each has its own copy of it."""
    shared = set(modules.modules("js/replay/begin.js")) & set(modules.modules("js/replay/main.js"))
    for name in shared:
        source = (STATIC / name).read_text(encoding="utf-8")
        assert (
            re.findall(r"^(?:export )?(?:let|var|const \w+ = new) .*", source, re.MULTILINE) == []
        )


def test_the_scripts_of_the_replay_page_are_small():
    """At most 60 KB over the wire, as gzip, the larger of the two."""
    names = ("joined/js/replay/begin.js", "joined/js/replay/main.js", "joined/js/page.js")
    assert sum(len(assets._packed(name, "", "gzip") or b"") for name in names) <= 60 * 1024


async def test_only_scripts_are_joined(client):
    """Neither a style sheet nor what is not there."""
    for odd in ("joined/css/base.css", "joined/js/none.js", "joined/../main.py", "joined/"):
        assert (await client.get(f"/s/{odd}")).status_code == 404


def test_what_is_prepared_is_packed_when_a_browser_asks():
    """The scripts that templates name, in the coding that browsers take first."""
    assets.prepare(STATIC.parent / "templates")
    misses = assets._packed.cache_info().misses
    assert assets._packed("joined/js/replay/main.js", "", "br")
    assert assets._packed.cache_info().misses == misses


def test_templates_are_read_before_they_are_asked_for():
    """All of them can be read."""
    renderer = Renderer()
    renderer.prepare()
    assert set(renderer._environment.list_templates()) == {
        name for _, name in renderer._environment.cache or {}
    }
