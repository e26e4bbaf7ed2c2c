"""Paints one control after the other onto a bitmap of twice the video's size."""

from functools import lru_cache
from typing import Final, assert_never

from PIL import Image, ImageDraw, ImageFilter

from app.demo import fonts, icons, plants
from app.demo.fonts import SCALE
from app.demo.hierarchy import Box, Control, Icon, Photo, Rect, Text

_SHADOW_ALPHA: Final = 46
Canvas = Image.Image
Corner = tuple[int, int]
"""Where the top left of a canvas lies on the screen, in video pixels."""


def scaled(rect: Rect, corner: Corner) -> tuple[int, int, int, int]:
    """Turn a rect of the screen into left, top, right, bottom on the canvas."""
    left, top = (rect.left - corner[0]) * SCALE, (rect.top - corner[1]) * SCALE
    return left, top, left + rect.width * SCALE, top + rect.height * SCALE


@lru_cache(maxsize=256)
def rounded(width: int, height: int, radius: int) -> Image.Image:
    """Return the stencil of a rectangle with round corners, with smooth edges."""
    size = (width, height)
    if radius <= 0:
        return Image.new("L", size, 255)
    big = Image.new("L", (width * 2, height * 2), 0)
    box = (0, 0, width * 2 - 1, height * 2 - 1)
    ImageDraw.Draw(big).rounded_rectangle(box, radius * 2, fill=255)
    return big.reduce(2)


def paint(canvas: Canvas, control: Control, corner: Corner) -> None:
    """Paint one control, without the controls that lie on it."""
    match control:
        case Box():
            _paint_box(canvas, control, corner)
        case Text():
            _paint_text(canvas, control, corner)
        case Icon():
            _paint_icon(canvas, control, corner)
        case Photo():
            _paint_photo(canvas, control, corner)
        case _:
            assert_never(control)


def fill(canvas: Canvas, rect: Rect, corner: Corner, *, colour: str, radius_px: int = 0) -> None:
    """Fill a rect with round corners; the colour may be translucent (`#RRGGBBAA`)."""
    left, top, right, bottom = scaled(rect, corner)
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return
    red, green, blue, alpha = _channels(colour)
    if not radius_px and alpha == 255:  # noqa: PLR2004 - the largest value of a channel
        canvas.paste((red, green, blue), (left, top, right, bottom))
        return
    stencil = rounded(width, height, min(radius_px * SCALE, width // 2, height // 2))
    if alpha < 255:  # noqa: PLR2004 - the largest value of a channel
        stencil = stencil.point(lambda value: value * alpha // 255)
    canvas.paste((red, green, blue), (left, top), stencil)


@lru_cache(maxsize=128)
def _channels(colour: str) -> tuple[int, int, int, int]:
    digits = colour.removeprefix("#").ljust(8, "f")
    red, green, blue, alpha = (int(digits[at : at + 2], 16) for at in (0, 2, 4, 6))
    return red, green, blue, alpha


def _paint_box(canvas: Canvas, box: Box, corner: Corner) -> None:
    if box.shadow_px:
        _paint_shadow(canvas, box, corner)
    if box.border is not None:
        fill(canvas, box.rect, corner, colour=box.border, radius_px=box.radius_px)
        inside = box.rect.inset(1)
        if box.fill is not None:
            fill(canvas, inside, corner, colour=box.fill, radius_px=box.radius_px - 1)
    elif box.fill is not None:
        fill(canvas, box.rect, corner, colour=box.fill, radius_px=box.radius_px)


@lru_cache(maxsize=64)
def _shadow(width: int, height: int, radius: int, blur: int) -> Image.Image:
    stencil = Image.new("L", (width + 4 * blur, height + 4 * blur), 0)
    box = (2 * blur, 2 * blur, 2 * blur + width, 2 * blur + height)
    ImageDraw.Draw(stencil).rounded_rectangle(box, radius, fill=_SHADOW_ALPHA)
    return stencil.filter(ImageFilter.GaussianBlur(blur))


def _paint_shadow(canvas: Canvas, box: Box, corner: Corner) -> None:
    left, top, right, bottom = scaled(box.rect, corner)
    blur = box.shadow_px * SCALE
    stencil = _shadow(right - left, bottom - top, box.radius_px * SCALE, blur)
    canvas.paste((20, 32, 26), (left - 2 * blur, top - 2 * blur + blur // 2), stencil)


def _paint_text(canvas: Canvas, text: Text, corner: Corner) -> None:
    left, top, _, _ = scaled(text.rect, corner)
    stroke = fonts.stroke_px(text.size_px, bold=text.bold)
    ImageDraw.Draw(canvas, "RGBA").text(
        (left + stroke, top + stroke - fonts.ink_top(text.size_px)),
        text.words,
        font=fonts.face(text.size_px),
        fill=text.colour,
        stroke_width=stroke,
    )


def _paint_photo(canvas: Canvas, photo: Photo, corner: Corner) -> None:
    left, top, right, bottom = scaled(photo.rect, corner)
    size = (right - left, bottom - top)
    if photo.tint is None:
        picture = canvas.crop((left, top, right, bottom))
        plants.draw_on(picture, photo.plant)
    else:
        picture = plants.picture(photo.plant, *size, photo.tint)
    canvas.paste(picture, (left, top), rounded(*size, photo.radius_px * SCALE))


@lru_cache(maxsize=128)
def _icon(name: str, side: int, turn: int) -> Image.Image:
    """Return an icon's stencil: drawn at twice its canvas size, then halved."""
    image = Image.new("L", (side * 2, side * 2), 0)
    draw = ImageDraw.Draw(image)
    unit = side * 2 / icons.GRID
    for stroke in icons.ICONS[name]:
        _draw_stroke(draw, stroke, unit)
    return image.rotate(-turn, Image.Resampling.BICUBIC).reduce(2)


def _paint_icon(canvas: Canvas, icon: Icon, corner: Corner) -> None:
    left, top, right, _ = scaled(icon.rect, corner)
    red, green, blue, _ = _channels(icon.colour)
    canvas.paste((red, green, blue), (left, top), _icon(icon.name, right - left, icon.turn))


def _draw_stroke(draw: ImageDraw.ImageDraw, stroke: icons.Stroke, unit: float) -> None:
    width = round(icons.STROKE * unit)
    match stroke:
        case icons.Line(points):
            scaled_points = [(x * unit, y * unit) for x, y in points]
            draw.line(scaled_points, fill=255, width=width, joint="curve")
            for x, y in (scaled_points[0], scaled_points[-1]):
                draw.circle((x, y), width / 2, fill=255)
        case icons.Shape(points):
            draw.polygon([(x * unit, y * unit) for x, y in points], fill=255)
        case icons.Ring((x, y), radius, start, end):
            outer = radius * unit + width / 2
            box = (x * unit - outer, y * unit - outer, x * unit + outer, y * unit + outer)
            draw.arc(box, start, end, fill=255, width=width)
        case icons.Disc((x, y), radius):
            draw.circle((x * unit, y * unit), radius * unit, fill=255)
        case _:
            assert_never(stroke)
