"""Tests of the script and the style sheet inside the page of a replay."""

import base64
import hashlib
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.shipped import STATIC
from app.web.frame.middleware import guard
from app.web.frame.rendering import assets, inlined_assets
from app.web.frame.rendering.inlined_assets import InlinedAssets
from app.web.frame.rendering.renderer import Renderer
from tests.unit.web.samples.pages import OPENING, REPLAY_PAGE, SAMPLES

BASE = "/static/3f2a"


@pytest.fixture(params=["checkout", "wheel"])
def static(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The static files of the checkout, and those of the wheel."""
    if request.param == "checkout":
        return STATIC
    bundled: Path = request.getfixturevalue("bundled_static")
    monkeypatch.setattr(assets, "STATIC", bundled)
    return bundled


@pytest.fixture
def inner(static: Path) -> InlinedAssets:
    """The assets inside the page of a replay."""
    return inlined_assets.inline_replay_assets(BASE)


def allowed(inner: InlinedAssets, directive: str) -> set[str]:
    """Return the sources that the policy allows for a directive."""
    (values,) = re.findall(rf"{directive} ([^;]*)", inner.policy)
    return set(values.split())


def hashes_of(inner: InlinedAssets, tag: str) -> set[str]:
    """Hash the text between the tags of each element, unless it is empty."""
    (text,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", inner.html, re.DOTALL)
    digest = hashlib.sha256(text.encode()).digest()
    return {f"'sha256-{base64.b64encode(digest).decode()}'"} if text else set()


def test_the_policy_names_what_stands_in_the_page_and_nothing_else(inner: InlinedAssets):
    """A changed byte would not run; other pages allow no inline script or style."""
    assert allowed(inner, "script-src") == {"'self'"} | hashes_of(inner, "script")
    assert allowed(inner, "style-src") == {"'self'"} | hashes_of(inner, "style")
    assert re.sub(r" 'sha256-[^']+'", "", inner.policy) == guard.write_policy()


def test_what_it_names_is_found(inner: InlinedAssets, static: Path):
    """Addresses in the inlined script, styles and HTML are complete, and lead to files."""
    names = re.findall(r'\bimport\("([^"]+)"\)', inner.script)
    names += re.findall(r'(?:src|href)="([^"]+)"', inner.html)
    assert f"{BASE}/js/replay/{'main' if inner.script else 'begin'}.js" in names
    names += re.findall(r'url\("?([^")]+)"?\)', inner.styles)
    for name in names:
        assert name.startswith(f"{BASE}/")
        assert (static / name.removeprefix(f"{BASE}/")).is_file()


def test_a_checkout_names_all_modules_in_the_head():
    """No module has to be found by reading another one first."""
    html = inlined_assets.inline_replay_assets(BASE).html
    for name in ("js/replay/begin.js", "player/player.js", "player/engines/webcodecs.js"):
        assert f'<link rel="modulepreload" href="{BASE}/{name}">' in html


def test_the_wheel_has_the_script_in_the_page(bundled_static, monkeypatch, tmp_path):
    """The bundled script that is inlined does nothing that needs an address of its own."""
    monkeypatch.setattr(assets, "STATIC", bundled_static)
    script = tmp_path / "inside.mjs"
    script.write_text(inlined_assets.inline_replay_assets(BASE).script, encoding="utf-8")
    checked = subprocess.run(["node", "--check", script], check=False, capture_output=True)
    assert checked.stderr == b""
    text = script.read_text(encoding="utf-8")
    assert len(text) > 10_000
    assert re.findall(r'\bimport\b(?!\("/static/3f2a/)', text) == []


def test_who_needs_neither_is_sent_neither(inner: InlinedAssets):
    """A script that looks for news has both; where nothing plays yet, nothing is begun."""
    sample = SAMPLES["replay"]
    renderer = Renderer(static_base=BASE)

    def rendered(*, is_bare: bool = False, is_awaited: bool = False) -> str:
        opening = replace(OPENING, is_bare=is_bare, is_awaited=is_awaited)
        page = replace(REPLAY_PAGE, opening=opening)
        return renderer.render_page(sample.template, page, chrome=sample.chrome)

    assert inner.html in rendered()
    assert "<style" not in rendered(is_bare=True)
    assert inner.styles in rendered(is_awaited=True)
    assert "begin.js" not in rendered(is_awaited=True)
    assert not inner.script or inner.script not in rendered(is_awaited=True)
