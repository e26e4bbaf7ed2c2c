"""Paints single controls, icons and plants onto a bitmap of twice the video's size."""

import math
import re
from functools import lru_cache
from typing import Final, assert_never

from PIL import Image, ImageColor, ImageDraw, ImageFilter

from app.demo import ui
from app.demo.shop import ICONS, PLANTS, Plant
from app.demo.ui import SCALE, Box, Control, Icon, Photo, Rect, Text

_ICON_GRID: Final = 24
_ICON_STROKE: Final = 1.9
"""Width of a line, in units of the grid."""
_SHADOW_ALPHA: Final = 46
_POT_RIM: Final = 0.66
"""Where a pot begins, as a share of the picture's height."""

Point = tuple[float, float]


def scale_rect(rect: Rect) -> tuple[int, int, int, int]:
    """Turn a rectangle of the screen into left, top, right, bottom on the bitmap."""
    return rect.left * SCALE, rect.top * SCALE, rect.right * SCALE, rect.bottom * SCALE


def paint_control(canvas: Image.Image, control: Control) -> None:
    """Paint one control, without the controls that lie on it."""
    left, top, right, _ = scale_rect(control.rect)
    match control:
        case Box():
            _paint_box(canvas, control)
        case Text():
            stroke = ui.stroke_px(control.size_px, bold=control.bold)
            font = ui.load_font(control.size_px)
            origin = (left + stroke, top + stroke - round(font.getbbox("Hgjy")[1]))
            ImageDraw.Draw(canvas).text(
                origin, control.words, control.colour, font, stroke_width=stroke
            )
        case Icon():
            stencil = _draw_icon(control.name, right - left, control.turn)
            canvas.paste(control.colour, (left, top), stencil)
        case Photo():
            _paint_photo(canvas, control)
        case _:
            assert_never(control)


def fill_rect(canvas: Image.Image, rect: Rect, colour: str, radius_px: int) -> None:
    """Fill a rectangle with round corners; the colour may be translucent (`#RRGGBBAA`)."""
    *rgb, alpha = (*ImageColor.getrgb(colour), 255)[:4]
    width, height = rect.width * SCALE, rect.height * SCALE
    radius = min(radius_px * SCALE, width // 2, height // 2)
    canvas.paste(tuple(rgb), scale_rect(rect)[:2], _round_corners(width, height, radius, alpha))


@lru_cache(maxsize=256)
def _round_corners(width: int, height: int, radius: int, alpha: int = 255) -> Image.Image:
    """Draw the stencil of a rectangle with round corners, with smooth edges."""
    stencil = Image.new("L", (width * 2, height * 2))
    box = (0, 0, width * 2 - 1, height * 2 - 1)
    ImageDraw.Draw(stencil).rounded_rectangle(box, radius * 2, fill=alpha)
    return stencil.reduce(2)


def _paint_box(canvas: Image.Image, box: Box) -> None:
    if box.shadow_px:
        left, top, right, bottom = scale_rect(box.rect)
        blur = box.shadow_px * SCALE
        shadow = _draw_shadow(right - left, bottom - top, box.radius_px * SCALE, blur)
        canvas.paste((20, 32, 26), (left - 2 * blur, top - 2 * blur + blur // 2), shadow)
    inside, radius_px = box.rect, box.radius_px
    if box.border is not None:
        fill_rect(canvas, box.rect, box.border, box.radius_px)
        inside, radius_px = box.rect.outset(-1), box.radius_px - 1
    if box.fill is not None:
        fill_rect(canvas, inside, box.fill, radius_px)


@lru_cache(maxsize=64)
def _draw_shadow(width: int, height: int, radius: int, blur: int) -> Image.Image:
    stencil = Image.new("L", (width + 4 * blur, height + 4 * blur))
    box = (2 * blur, 2 * blur, 2 * blur + width, 2 * blur + height)
    ImageDraw.Draw(stencil).rounded_rectangle(box, radius, fill=_SHADOW_ALPHA)
    return stencil.filter(ImageFilter.GaussianBlur(blur))


@lru_cache(maxsize=128)
def _draw_icon(name: str, side: int, turn: int) -> Image.Image:
    """Draw an icon's stencil at twice its size, then halve it."""
    image = Image.new("L", (side * 2, side * 2))
    unit = side * 2 / _ICON_GRID
    for command, numbers in re.findall(r"([A-Z])([^A-Z]+)", ICONS[name]):
        _draw_path(ImageDraw.Draw(image), command, [float(n) for n in numbers.split()], unit)
    return image.rotate(-turn, Image.Resampling.BICUBIC).reduce(2)


def _draw_path(draw: ImageDraw.ImageDraw, command: str, numbers: list[float], unit: float) -> None:
    """Draw one command of an icon's path; `shop.toml` explains them."""
    points = [(x * unit, y * unit) for x, y in zip(numbers[::2], numbers[1::2], strict=False)]
    width = round(_ICON_STROKE * unit)
    match command:
        case "L":
            draw.line(points, 255, width, joint="curve")
            for tip in (points[0], points[-1]):
                draw.circle(tip, width / 2, fill=255)
        case "F":
            draw.polygon(points, fill=255)
        case "D":
            draw.circle(points[0], numbers[2] * unit, fill=255)
        case "R":
            (x, y), radius = points[0], numbers[2] * unit + width / 2
            begin, end = numbers[3:] or (0, 360)
            box = (x - radius, y - radius, x + radius, y + radius)
            draw.arc(box, begin, end, fill=255, width=width)
        case _:
            raise ValueError(f"an icon's path has no command {command!r}")


def _paint_photo(canvas: Image.Image, photo: Photo) -> None:
    area = scale_rect(photo.rect)
    width, height = area[2] - area[0], area[3] - area[1]
    if photo.tint is None:
        picture = canvas.crop(area)
        draw_plant(picture, photo.plant)
    else:
        picture = _draw_backdrop(photo.plant, width, height, photo.tint)
    canvas.paste(picture, area[:2], _round_corners(width, height, photo.radius_px * SCALE))


@lru_cache(maxsize=64)
def _draw_backdrop(name: str, width: int, height: int, tint: str) -> Image.Image:
    """Draw a plant in the middle of a tinted ground, with a lighter halo."""
    image = Image.new("RGB", (width, height), tint)
    unit = min(width, height)
    x, foot, radius = width / 2, (height + unit) / 2, unit * 0.4
    halo = (x - radius, foot - unit * 0.88, x + radius, foot - unit * 0.08)
    ImageDraw.Draw(image, "RGBA").ellipse(halo, fill="#FFFFFF38")
    draw_plant(image, name)
    return image


def draw_plant(image: Image.Image, name: str) -> None:
    """Draw a plant in the middle of what an RGB image already shows."""
    draw = ImageDraw.Draw(image, "RGBA")
    plant = PLANTS[name]
    unit = min(image.size)
    x, top = image.width / 2, (image.height - unit) / 2
    shadow = (x - unit * 0.24, top + unit * 0.88, x + unit * 0.24, top + unit * 0.95)
    draw.ellipse(shadow, fill="#1B242026")
    root = (x, top + unit * (_POT_RIM + 0.02))
    for leaf in range(len(plant.turns)):
        _draw_leaf(draw, plant, leaf, root, unit)
    _draw_pot(draw, plant.pot_colour, (x, top + unit * _POT_RIM), unit, plant.pot_width / 2)


def _draw_leaf(
    draw: ImageDraw.ImageDraw, plant: Plant, leaf: int, root: Point, unit: float
) -> None:
    angle = math.radians(plant.turns[leaf])
    length = plant.leaf_length * unit * (1 - abs(plant.turns[leaf]) / 260)
    bare, blade = length * plant.stem, length * (1 - plant.stem)
    colour = plant.colours[leaf % len(plant.colours)]

    def place(along: float, across: float) -> Point:
        """Turn distances along and across the leaf into a point of the picture."""
        return (
            root[0] + math.sin(angle) * along + math.cos(angle) * across,
            root[1] - math.cos(angle) * along + math.sin(angle) * across,
        )

    shares = [step / 16 for step in range(17)]
    swells = [blade * plant.leaf_width / 2 * math.sin(math.pi * share**0.8) for share in shares]
    right = [place(bare + blade * s, swell) for s, swell in zip(shares, swells, strict=True)]
    left = [place(bare + blade * s, -swell) for s, swell in zip(shares, swells, strict=True)]
    vein_px = max(2, round(unit * 0.012))
    draw.line((root, place(bare, 0)), colour, vein_px)
    draw.polygon(right + left[::-1], colour)
    draw.polygon([*right, place(bare, 0)], "#00000014")
    draw.line((place(bare, 0), place(length, 0)), "#FFFFFF40", max(1, vein_px // 2))


def _draw_pot(
    draw: ImageDraw.ImageDraw, colour: str, rim: Point, unit: float, half_width: float
) -> None:
    """Draw a pot below the middle of its rim."""

    def place(across: float, down: float) -> Point:
        """Turn shares of half the pot's width and of the picture into a point."""
        return rim[0] + across * half_width * unit, rim[1] + down * unit

    body = [place(-0.92, 0), place(0.92, 0), place(0.68, 0.26), place(-0.68, 0.26)]
    draw.polygon(body, colour)
    draw.polygon([place(0.3, 0), body[1], body[2], place(0.22, 0.26)], "#00000018")
    draw.rounded_rectangle((place(-1, -0.02), place(1, 0.045)), unit * 0.015, colour)
    edge = (place(-1, 0.045), place(1, 0.045))
    draw.line(edge, "#00000022", max(1, round(unit * 0.008)))
