"""The scripts of the wheel do what the modules of the checkout do, in fewer requests."""

import gzip
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from app.core.shipped import STATIC, TEMPLATES
from app.web.frame.rendering import assets
from app.web.frame.rendering.module_imports import list_modules

BEGIN: Final = "js/replay/begin.js"
INLINE: Final = "js/replay/begin.inline.js"
# Not in braces, where a comment names a type.
_LATER_IMPORT: Final = re.compile(r'(?:await |\[|, )import\("(\.[^"]+)"\)')
LATER: Final = {
    str((script.parent / address).resolve().relative_to(STATIC.resolve()))
    for script in STATIC.rglob("*.js")
    for address in _LATER_IMPORT.findall(script.read_text(encoding="utf-8"))
}
NAMED: Final = {
    name
    for template in TEMPLATES.rglob("*.html")
    for name in re.findall(r"/(js/\S+\.js)", template.read_text(encoding="utf-8"))
}


def test_each_script_of_a_page_is_bundled(bundled_static: Path):
    """The wheel has the scripts that templates name or import later, and no other module."""
    scripts = {str(path.relative_to(bundled_static)) for path in bundled_static.rglob("*.js")}
    assert scripts == NAMED | LATER | {INLINE}
    assert {"js/page.js", "js/replay/main.js"} <= NAMED


@pytest.mark.parametrize("name", sorted(NAMED | LATER | {INLINE}))
def test_a_bundled_script_is_one(bundled_static: Path, tmp_path: Path, name: str):
    """A bundled script imports nothing at the start, and what it imports later exists."""
    text = (bundled_static / name).read_text(encoding="utf-8")
    script = tmp_path / "script.mjs"
    script.write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["node", "--check", script], check=False, capture_output=True, text=True
    )
    assert checked.stderr == ""
    imports = re.findall(r"\bimport\b(.{0,40})", text)
    later = [match[1] for each in imports if (match := re.match(r'\("([^"]+)"\)', each))]
    assert len(later) == len(imports)
    for address in later:
        if name == INLINE:
            assert (bundled_static / address.removeprefix("/@static/")).is_file()
        else:
            assert (bundled_static / name).parent.joinpath(address).resolve().is_file()


def test_other_files_are_all_there(bundled_static: Path):
    """Style sheets, fonts and icons keep their names."""
    for folder in ("css", "fonts", "icons"):
        names = {path.relative_to(STATIC) for path in (STATIC / folder).rglob("*.*")}
        assert names
        assert {path for path in names if not (bundled_static / path).is_file()} == set()


def test_what_two_scripts_of_a_page_both_hold_has_no_state():
    """Each bundle has its own copy of the module."""
    first, second = set(list_modules(BEGIN)), set(list_modules("js/replay/main.js"))
    assert "player/engines/webcodecs.js" in first
    assert not LATER & first
    for name in first & second:
        source = (STATIC / name).read_text(encoding="utf-8")
        assert (
            re.findall(r"^(?:export )?(?:let|var|const \w+ = new) .*", source, re.MULTILINE) == []
        )


def test_the_scripts_of_the_replay_page_are_small(bundled_static: Path, monkeypatch):
    """All three are at most 40 KB together, compressed with gzip."""
    monkeypatch.setattr(assets, "STATIC", bundled_static)
    scripts = [assets.read_asset(name) for name in (INLINE, "js/replay/main.js", "js/page.js")]
    assert sum(len(gzip.compress(script or b"", 9)) for script in scripts) <= 40 * 1024
