"""Tests of the script and the style sheet that stand in the page of a replay."""

import base64
import hashlib
import re
import subprocess
from dataclasses import replace

from app.core.shipped import STATIC
from app.web import guard, inside
from app.web.render import Renderer
from tests.unit.web.samples import OPENING, REPLAY_PAGE, SAMPLES

BASE = "/static/3f2a"
INSIDE = inside.of_replay(BASE)


def allowed(directive: str) -> set[str]:
    """Return what the policy names after a directive."""
    (values,) = re.findall(rf"{directive} ([^;]*)", INSIDE.policy)
    return set(values.split())


def hash_of(tag: str) -> str:
    """Hash what a browser finds between the tags of an element."""
    (text,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", INSIDE.html, re.DOTALL)
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def test_the_policy_names_what_stands_in_the_page_and_nothing_else():
    """A changed byte would not run; every other page allows neither."""
    assert allowed("script-src") == {"'self'", hash_of("script")}
    assert allowed("style-src") == {"'self'", hash_of("style")}
    assert re.sub(r" 'sha256-[^']+'", "", INSIDE.policy) == guard.policy()


def test_what_it_names_is_found():
    """It has no address of its own that others could be relative to."""
    names = re.findall(r'\bimport\("([^"]+)"\)', INSIDE.script)
    names += re.findall(r'url\("([^"]+)"\)', INSIDE.styles)
    assert f"{BASE}/joined/js/replay/main.js" in names
    for name in names:
        place = name.removeprefix(f"{BASE}/").removeprefix("joined/")
        assert name.startswith(BASE)
        assert (STATIC / place).is_file()


def test_the_script_is_one(tmp_path):
    """Nothing is left that a script without an address cannot do."""
    script = tmp_path / "inside.mjs"
    script.write_text(INSIDE.script, encoding="utf-8")
    checked = subprocess.run(["node", "--check", script], check=False, capture_output=True)
    assert checked.stderr == b""
    assert not re.search(r"^import ", INSIDE.script, re.MULTILINE)


def test_who_needs_neither_is_sent_neither():
    """A script that looks for news has both; where nothing plays yet, nothing is begun."""
    sample = SAMPLES["replay"]
    renderer = Renderer(static_base=BASE)

    def rendered(*, is_bare: bool = False, is_awaited: bool = False) -> str:
        opening = replace(OPENING, is_bare=is_bare, is_awaited=is_awaited)
        page = replace(REPLAY_PAGE, opening=opening)
        return renderer.page(sample.template, page, chrome=sample.chrome)

    assert INSIDE.html in rendered()
    assert "<style" not in rendered(is_bare=True)
    assert INSIDE.styles in rendered(is_awaited=True)
    assert INSIDE.script not in rendered(is_awaited=True)
