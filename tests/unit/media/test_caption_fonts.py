"""Captions in scripts that the fonts of the pages do not have, and what they leave out."""

from pathlib import Path

import pytest

from app.core import shipped
from app.media.clip import fonts, overlay
from app.media.clip.fonts import SystemFont

LATIN, EXTENDED = (shipped.STATIC / "fonts" / name for name in overlay._FONTS)


@pytest.fixture(autouse=True)
def forgotten_faces():
    """Let each test open its own fonts, and none after it find them."""

    def forget() -> None:
        overlay._font_bytes.clear()
        overlay._open_font.cache_clear()
        overlay._open_system_face.cache_clear()
        overlay._find_face.cache_clear()

    forget()
    yield
    overlay._system_fonts.clear()
    forget()


def load_fonts(monkeypatch: pytest.MonkeyPatch, *system: Path) -> overlay.Font:
    """Load the first font of the pages, and some fonts as those of the machine."""
    found = tuple(SystemFont(path, ("Greek",)) for path in system)
    monkeypatch.setattr(overlay, "_FONTS", (LATIN.name,))
    monkeypatch.setattr(fonts, "find_system_fonts", lambda: found)
    overlay.load_fonts(has_caption=True)
    return overlay._open_font(12)


def test_a_font_of_the_machine_draws_what_the_pages_lack(monkeypatch: pytest.MonkeyPatch):
    """Its file is opened before the sandbox is closed; letters of the pages' font stay with it."""
    font = load_fonts(monkeypatch, EXTENDED)
    assert overlay._find_face("a", font) == (font[0], "a")
    face, drawn = overlay._find_face("ł", font)
    assert drawn == "ł"
    assert face is not font[0]
    assert overlay._leave_unknown_out("Zapłać 日本 teraz", font) == "Zapłać … teraz"


def test_what_no_font_has_is_one_ellipsis(monkeypatch: pytest.MonkeyPatch):
    """A run of letters is left out at once; a question mark that was there stays."""
    font = load_fonts(monkeypatch)
    for text, drawn in {
        "Tap: Оплатить": "Tap: …",
        "Оплатить сейчас?": "… …?",
        "عربى": "…",
        "Pay now?": "Pay now?",
        "": "",
    }.items():
        assert overlay._leave_unknown_out(text, font) == drawn


def test_letters_that_join_or_turn_are_not_drawn_singly():
    """A font may have them, and their words would be wrong all the same."""
    assert all(map(fonts.is_drawn_singly, "aßΩЖ漢かカ한…→€1🎉"))
    assert not any(map(fonts.is_drawn_singly, "عשक١"))


def test_the_preferred_fonts_of_each_group_come_first(tmp_path: Path):
    """Those of European scripts and those of East Asian ones; a huge file is left out."""
    assert fonts.find_system_fonts((tmp_path / "missing",)) == ()
    for name in ("b/FreeSans.ttf", "a/DejaVuSans.ttf", "wqy-zenhei.ttc", "Other.ttf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"font")
    with (tmp_path / "NotoSansCJK-Regular.ttc").open("wb") as huge:
        huge.truncate(fonts._MOST_BYTES + 1)
    european, other, asian = fonts.find_system_fonts((tmp_path,))
    assert (european.path.name, european.scripts) == ("DejaVuSans.ttf", ("Greek", "Cyrillic"))
    assert (other.path.name, asian.path.name) == ("FreeSans.ttf", "wqy-zenhei.ttc")


def test_a_font_that_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A link to nowhere and a file that is no font end no clip: the next one stands in."""
    (tmp_path / "NotoSans-Regular.ttf").symlink_to(tmp_path / "gone.ttf")
    (tmp_path / "DejaVuSans.ttf").write_bytes(b"no font")
    (tmp_path / "FreeSans.ttf").write_bytes(EXTENDED.read_bytes())
    names = [font.path.name for font in fonts.find_system_fonts((tmp_path,))]
    assert names == ["DejaVuSans.ttf", "FreeSans.ttf"]
    font = load_fonts(monkeypatch, *(tmp_path / name for name in ("gone.ttf", *names)))
    assert overlay._find_face("ł", font)[1] == "ł"
    assert len(overlay._system_fonts) == 1
