"""Finds fonts of the machine for captions in scripts that the fonts of the pages do not have.

The pages' own fonts have Latin letters. Fonts for all others take tens of megabytes, so none is
shipped: a clip uses those that are installed where it is rendered. Letters are drawn one after
another, from left to right. Scripts whose letters join or run the other way, as in Arabic, Hebrew
and Hindi, would be wrong that way, and are left out.
"""

import itertools
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_MOST_BYTES: Final = 32 * 1024 * 1024
"""A larger font is left out: each size of it that a clip uses is a copy in memory."""
_EUROPEAN: Final = ("Greek", "Cyrillic")
_EAST_ASIAN: Final = ("Chinese", "Japanese", "Korean")
_NAMES: Final = {
    "NotoSans-Regular.ttf": _EUROPEAN,
    "DejaVuSans.ttf": _EUROPEAN,
    "LiberationSans-Regular.ttf": _EUROPEAN,
    "FreeSans.ttf": _EUROPEAN,
    "NotoSansCJK-Regular.ttc": _EAST_ASIAN,
    "DroidSansFallbackFull.ttf": _EAST_ASIAN,
    "DroidSansFallback.ttf": _EAST_ASIAN,
    "wqy-microhei.ttc": _EAST_ASIAN,
    "wqy-zenhei.ttc": _EAST_ASIAN,
}
"""The files of fonts that are used, those first that are preferred, with the scripts they add."""
_DRAWN_SINGLY: Final = frozenset(
    {
        "LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "CJK", "HIRAGANA", "KATAKANA",
        "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH",
    }
)  # fmt: skip
"""The scripts whose letters stand side by side, as Unicode begins the names of letters."""


@dataclass(frozen=True, slots=True)
class SystemFont:
    """A font of the machine, and the scripts that captions can have by it."""

    path: Path
    scripts: tuple[str, ...]


def find_system_fonts(folders: Iterable[Path] = FOLDERS) -> tuple[SystemFont, ...]:
    """Find the fonts of each group of scripts, those first that are preferred.

    Args:
        folders: The folders in which fonts are installed; absent ones are skipped, as are files
            that cannot be read, such as links to nowhere.
    """
    paths: dict[str, Path] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                if name in _NAMES:
                    paths.setdefault(name, Path(place) / name)
    return tuple(
        SystemFont(paths[name], scripts)
        for name, scripts in _NAMES.items()
        if name in paths and _is_usable(paths[name])
    )


def _is_usable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK) and path.stat().st_size <= _MOST_BYTES
    except OSError:
        return False


@cache
def list_caption_scripts() -> tuple[str, ...]:
    """Return the names of the scripts that captions have when they are rendered on this machine."""
    groups = dict.fromkeys(font.scripts for font in find_system_fonts())
    return ("Latin", *itertools.chain.from_iterable(groups))


def is_drawn_singly(character: str) -> bool:
    """Tell whether a character can be drawn beside others without joining or turning them."""
    if unicodedata.category(character)[0] != "L":
        return unicodedata.bidirectional(character) not in {"R", "AL", "AN", "NSM"}
    return unicodedata.name(character, "").split(" ")[0] in _DRAWN_SINGLY
