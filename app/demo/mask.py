"""Turns a screen into the picture that leaves the phone: painted, and masked on the way.

Every text, icon and photo that the app has not unmasked is covered, in its turn, by a block in its
most predominant colour. So a dialog that comes later lies over the blocks, and what a block hides
is never on the picture.
"""

from dataclasses import replace
from typing import Final

from PIL import Image, ImageChops

from app.demo import paint
from app.demo.ui import SCALE, Box, Control, Photo, Rect

_COARSE: Final = 0xF8
"""Colours are compared by their upper five bits, so that a gradient counts as one colour."""
_RADIUS_PX: Final = 3
"""A block one pixel larger than its control may have round corners and still cover all of it:
the arc stays outside as long as the outset is at least 0.3 radius."""
_PRESSED: Final = "#0B2A1E26"


def render(screen: Box, *, pressed: Box | None = None, masked: bool = True) -> Image.Image:
    """Paint a screen at the size of the video.

    Args:
        screen: What to paint.
        pressed: The control under a finger.
        masked: False shows what the person saw; only for looking at the app while working on it.
    """
    canvas = Image.new("RGB", (screen.rect.width * SCALE, screen.rect.height * SCALE))
    _render_control(canvas, screen, pressed=pressed, masked=masked)
    return canvas.reduce(SCALE)


def _render_control(
    canvas: Image.Image, control: Control, *, pressed: Box | None, masked: bool
) -> None:
    if not isinstance(control, Box):
        if masked and not control.unmask:
            _cover(canvas, control)
        else:
            paint.paint_control(canvas, control)
        return
    paint.paint_control(canvas, control)
    inside = canvas.copy() if control.clips else canvas
    for child in control.children:
        _render_control(inside, child, pressed=pressed, masked=masked)
    if control.clips:
        area = paint.scale_rect(control.rect)
        canvas.paste(inside.crop(area), area)
    if control == pressed:
        paint.fill_rect(canvas, control.rect, _PRESSED, control.radius_px)


def _cover(canvas: Image.Image, control: Control) -> None:
    """Paint a control aside to learn its colour, and put only the block on the canvas."""
    around = control.rect.outset(1)
    before = canvas.crop(paint.scale_rect(around))
    after = before.copy()
    paint.paint_control(after, replace(control, rect=Rect(1, 1, *control.rect[2:])))
    colour = _find_predominant_colour(before, after)
    if colour is None:
        return
    if isinstance(control, Photo):
        paint.fill_rect(canvas, control.rect, colour, control.radius_px)
    else:
        paint.fill_rect(canvas, around, colour, _RADIUS_PX)


def _find_predominant_colour(before: Image.Image, after: Image.Image) -> str | None:
    """Find the colour that a control brought in most often; None if it changed nothing.

    Comparing with what was there before tells a word's colour from the paper it stands on: by
    plain counting, every block would have the colour of its background and nobody could see it.
    """
    changed = ImageChops.difference(before, after).convert("L").point(lambda v: 255 if v else 0)
    coarse = after.point(lambda value: value & _COARSE)
    coarse.putalpha(changed)
    colours = coarse.getcolors(coarse.width * coarse.height) or []
    counts = [(count, pixel) for count, pixel in colours if isinstance(pixel, tuple) and pixel[3]]
    if not counts:
        return None
    red, green, blue = (value | value >> 5 for value in max(counts)[1][:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
