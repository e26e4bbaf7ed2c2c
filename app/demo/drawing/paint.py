"""Turns a placed screen into the picture that leaves the phone: painted, and masked on the way.

Every text, icon and photo that the app has not unmasked is covered, in its turn, by a block in its
most predominant colour. So a dialog that comes later lies over the blocks, and what a block hides
is never on the picture.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final, assert_never

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

from app.demo.drawing import plants, ui
from app.demo.drawing.ui import SCALE, Box, Control, Icon, Photo, Rect, Text
from app.demo.shop import ICONS

_ICON_STROKE: Final = 1.9
"""Width of a line of an icon, in units of its grid of 24 by 24."""
_SHADOW_ALPHA: Final = 46
_PRESSED: Final = "#0B2A1E26"
_COARSE: Final = 0xF8
"""Colours are compared by their upper five bits, so that a gradient counts as one colour."""
_BLOCK_RADIUS_PX: Final = 3
"""A block one pixel larger than its control may have round corners and still cover all of it:
the arc stays outside as long as the outset is at least 0.3 radius."""


def paint_screen(
    screen: Control, *, pressed: Box | None = None, masked: bool = True
) -> Image.Image:
    """Paint a screen at the size of the video.

    Args:
        screen: The elements to paint, already placed.
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
        (_cover if masked and not control.unmask else _paint_control)(canvas, control)
        return
    _paint_control(canvas, control)
    inside = canvas.copy() if control.clips else canvas
    for child in control.children:
        _render_control(inside, child, pressed=pressed, masked=masked)
    if control.clips:
        canvas.paste(inside.crop(_scale(control.rect)), _scale(control.rect))
    if control == pressed:
        _fill_rect(canvas, control.rect, _PRESSED, control.radius_px)


def _cover(canvas: Image.Image, control: Control) -> None:
    """Paint a control aside to learn its colour, and put only the block on the canvas."""
    around = control.rect.outset(1)
    before = canvas.crop(_scale(around))
    after = before.copy()
    _paint_control(after, replace(control, rect=Rect(1, 1, *control.rect[2:])))
    colour = _find_predominant_colour(before, after)
    if colour and isinstance(control, Photo):
        _fill_rect(canvas, control.rect, colour, control.radius_px)
    elif colour:
        _fill_rect(canvas, around, colour, _BLOCK_RADIUS_PX)


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


def _scale(rect: Rect) -> tuple[int, int, int, int]:
    """Turn a rectangle of the screen into left, top, right, bottom on the bitmap."""
    return rect.left * SCALE, rect.top * SCALE, rect.right * SCALE, rect.bottom * SCALE


def _paint_control(canvas: Image.Image, control: Control) -> None:
    """Paint one control, without the controls that lie on it."""
    left, top, right, bottom = _scale(control.rect)
    size = (right - left, bottom - top)
    match control:
        case Box():
            _paint_box(canvas, control)
        case Text(size_px=size_px):
            stroke, font = ui.stroke_px(size_px, bold=control.bold), ui.load_font(size_px)
            origin = (left + stroke, top + stroke - round(font.getbbox(ui.INK_SAMPLE)[1]))
            draw = ImageDraw.Draw(canvas)
            draw.text(origin, control.words, control.colour, font, stroke_width=stroke)
        case Icon():
            stencil = _draw_icon(control.name, size[0], control.turn)
            canvas.paste(control.colour, (left, top), stencil)
        case Photo(tint=tint):
            ground = canvas.crop((left, top, right, bottom))
            picture = Image.new("RGB", size, tint) if tint else ground
            plants.draw_plant(picture, control.plant, has_halo=tint is not None)
            canvas.paste(picture, (left, top), _round_corners(*size, control.radius_px * SCALE))
        case _:
            assert_never(control)


def _paint_box(canvas: Image.Image, box: Box) -> None:
    rect, radius_px = box.rect, box.radius_px
    if box.shadow_px:
        blur = box.shadow_px * SCALE
        shadow = _draw_shadow(rect.width * SCALE, rect.height * SCALE, radius_px * SCALE, blur)
        corner = (rect.left * SCALE - 2 * blur, rect.top * SCALE - 3 * blur // 2)
        canvas.paste((20, 32, 26), corner, shadow)
    if box.border is not None:
        _fill_rect(canvas, rect, box.border, radius_px)
        rect, radius_px = rect.outset(-1), radius_px - 1
    if box.fill is not None:
        _fill_rect(canvas, rect, box.fill, radius_px)


def _fill_rect(canvas: Image.Image, rect: Rect, colour: str, radius_px: int) -> None:
    """Fill a rectangle with round corners; the colour may be translucent (`#RRGGBBAA`)."""
    *rgb, alpha = (*ImageColor.getrgb(colour), 255)[:4]
    width, height = rect.width * SCALE, rect.height * SCALE
    radius = min(radius_px * SCALE, width // 2, height // 2)
    # Without a stencil, Pillow fills a large rectangle many times as fast.
    stencil = _round_corners(width, height, radius, alpha) if radius or alpha < 255 else None  # noqa: PLR2004 - opaque
    canvas.paste(tuple(rgb), _scale(rect), stencil)


@lru_cache(maxsize=256)
def _round_corners(width: int, height: int, radius: int, alpha: int = 255) -> Image.Image:
    """Draw the stencil of a rectangle with round corners at twice its size, then halve it."""
    stencil = Image.new("L", (width * 2, height * 2))
    box = (0, 0, width * 2 - 1, height * 2 - 1)
    ImageDraw.Draw(stencil).rounded_rectangle(box, radius * 2, fill=alpha)
    return stencil.reduce(2)


@lru_cache(maxsize=64)
def _draw_shadow(width: int, height: int, radius: int, blur: int) -> Image.Image:
    stencil = Image.new("L", (width + 4 * blur, height + 4 * blur))
    box = (2 * blur, 2 * blur, 2 * blur + width, 2 * blur + height)
    ImageDraw.Draw(stencil).rounded_rectangle(box, radius, fill=_SHADOW_ALPHA)
    return stencil.filter(ImageFilter.GaussianBlur(blur))


@lru_cache(maxsize=128)
def _draw_icon(name: str, side: int, turn: int) -> Image.Image:
    """Draw an icon's stencil from its path, which `shop.toml` explains."""
    image = Image.new("L", (side * 2, side * 2))
    draw = ImageDraw.Draw(image)
    unit = side * 2 / 24
    width = round(_ICON_STROKE * unit)
    for command, path in re.findall(r"([A-Z])([^A-Z]+)", ICONS[name]):
        numbers = [float(number) * unit for number in path.split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=False))
        match command:
            case "L":
                draw.line(points, 255, width, joint="curve")
                for tip in (points[0], points[-1]):
                    draw.circle(tip, width / 2, fill=255)
            case "F":
                draw.polygon(points, fill=255)
            case "D":
                draw.circle(points[0], numbers[2], fill=255)
            case _:
                x, y, radius = numbers[0], numbers[1], numbers[2] + width / 2
                begin, end = (number / unit for number in numbers[3:] or (0, 360 * unit))
                draw.arc((x - radius, y - radius, x + radius, y + radius), begin, end, 255, width)
    return image.rotate(-turn, Image.Resampling.BICUBIC).reduce(2)
