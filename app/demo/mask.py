"""Turns a screen into the picture that leaves the phone: painted, and masked on the way.

Every text, icon and photo that the app has not unmasked is covered, as soon as it is painted, by a
block in its most predominant colour. So a dialog that comes later lies over the blocks, and what
the block hides is in no picture, not even for a moment longer than the walk over the tree takes.
"""

from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageChops

from app.demo import draw, fonts
from app.demo.draw import Canvas, Corner
from app.demo.hierarchy import Box, Control, Icon, Photo, Screen, Text, is_masked

_COARSE: Final = 0xF8
"""Colours are compared by their upper five bits, so that a gradient counts as one colour."""
_OUTSET_PX: Final = 1
_RADIUS_PX: Final = 3
"""A block this much larger than its control may have round corners and still cover all of it:
the arc stays outside as long as outset ≥ 0.3 radius."""
_PRESSED: Final = "#0B2A1E26"


def render(screen: Screen, *, pressed: Box | None = None, masked: bool = True) -> Image.Image:
    """Paint a screen at the size of the video.

    Args:
        screen: What to paint.
        pressed: The control under a finger.
        masked: False shows what the person saw; only for looking at the app while working on it.
    """
    size = (screen.width * fonts.SCALE, screen.height * fonts.SCALE)
    canvas = Image.new("RGB", size, screen.background)
    _paint_all(canvas, screen.controls, (0, 0), pressed=pressed, masked=masked)
    return canvas.reduce(fonts.SCALE)


def _paint_all(
    canvas: Canvas,
    controls: Sequence[Control],
    corner: Corner,
    *,
    pressed: Box | None,
    masked: bool,
) -> None:
    for control in controls:
        if masked and is_masked(control):
            cover(canvas, control, corner)
            continue
        draw.paint(canvas, control, corner)
        if isinstance(control, Box):
            _paint_children(canvas, control, corner, pressed=pressed, masked=masked)


def _paint_children(
    canvas: Canvas, box: Box, corner: Corner, *, pressed: Box | None, masked: bool
) -> None:
    if box.clips:
        area = draw.scaled(box.rect, corner)
        inside = canvas.crop(area)
        where = (box.rect.left, box.rect.top)
        _paint_all(inside, box.children, where, pressed=pressed, masked=masked)
        canvas.paste(inside, area[:2])
    else:
        _paint_all(canvas, box.children, corner, pressed=pressed, masked=masked)
    if box == pressed:
        draw.fill(canvas, box.rect, corner, colour=_PRESSED, radius_px=box.radius_px)


def cover(canvas: Canvas, control: Control, corner: Corner) -> None:
    """Paint a control aside to learn its colour, and put only the block on the canvas."""
    around = control.rect.inset(-_OUTSET_PX)
    area = draw.scaled(around, corner)
    before = canvas.crop(area)
    aside = before.copy()
    draw.paint(aside, control, (around.left, around.top))
    colour = predominant_colour(before, aside)
    if colour is None:
        return
    match control:
        case Text() | Icon():
            draw.fill(canvas, around, corner, colour=colour, radius_px=_RADIUS_PX)
        case Photo() | Box():
            draw.fill(canvas, control.rect, corner, colour=colour, radius_px=control.radius_px)


def predominant_colour(before: Image.Image, after: Image.Image) -> str | None:
    """Find the colour that a control brought in most often; None if it changed nothing.

    Comparing with what was there before tells a word's colour from the paper it stands on: by
    plain counting, every block would have the colour of its background and nobody could see it.
    """
    changed = ImageChops.difference(before, after).convert("L").point(lambda v: 255 if v else 0)
    coarse = after.point(lambda value: value & _COARSE)
    coarse.putalpha(changed)
    found = coarse.getcolors(coarse.width * coarse.height) or []
    counts = [(count, pixel) for count, pixel in found if isinstance(pixel, tuple) and pixel[3]]
    if not counts:
        return None
    red, green, blue = (value | value >> 5 for value in max(counts)[1][:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
