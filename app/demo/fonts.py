"""Measures and holds the one typeface of the made-up app, in any size."""

from functools import lru_cache
from typing import Final

from PIL import ImageFont

SCALE: Final = 2
"""Everything is drawn at twice its size and halved at the end, which smooths the edges."""

_BOLD_STROKE: Final = 0.022
"""There is no bold face in Pillow's bundled font; a stroke of this share of the size makes one."""
_INK_SAMPLE: Final = "Hgjy"


@lru_cache(maxsize=64)
def face(size_px: int) -> ImageFont.FreeTypeFont:
    """Return the typeface at `size_px`, scaled for drawing."""
    font = ImageFont.load_default(size_px * SCALE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: the demo cannot draw text")
    return font


def stroke_px(size_px: int, *, bold: bool) -> float:
    """Return the outline that makes a word bold, scaled for drawing; 0 for regular."""
    return size_px * SCALE * _BOLD_STROKE if bold else 0.0


@lru_cache(maxsize=64)
def ink_top(size_px: int) -> int:
    """Return how far the ink starts below the origin of a line, scaled for drawing."""
    return round(face(size_px).getbbox(_INK_SAMPLE)[1])


@lru_cache(maxsize=2048)
def measure(words: str, size_px: int, *, bold: bool = False) -> tuple[int, int]:
    """Return width and height of the ink of one line, in video pixels, rounded up."""
    _, top, _, bottom = face(size_px).getbbox(_INK_SAMPLE)
    extra = 2 * stroke_px(size_px, bold=bold)
    width = face(size_px).getlength(words) + extra
    return -int(-width // SCALE), -int(-(bottom - top + extra) // SCALE)
