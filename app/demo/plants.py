"""The plants that the made-up shop sells, as leaves around a pot; drawn, not photographed.

A plant is data: a pot and its leaves. A leaf starts at the pot's rim and points somewhere
(degrees from straight up, clockwise); lengths are shares of the picture's height.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

_LEAF_STEPS: Final = 16
_RIM: Final = 0.66
"""Where the pot begins, as a share of the picture's height."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: direction, length, width as a share of its length, colour; `stem` is bare."""

    turn: float
    length: float
    width: float
    colour: str
    stem: float = 0.0


@dataclass(frozen=True, slots=True)
class Plant:
    """What a picture shows: a pot (its width is a share of the height), leaves back to front."""

    pot: str
    pot_width: float
    leaves: tuple[Leaf, ...]


def _fan(
    turns: tuple[int, ...], length: float, width: float, colours: tuple[str, ...], stem: float = 0.0
) -> tuple[Leaf, ...]:
    return tuple(
        Leaf(turn, length * (1 - abs(turn) / 260), width, colours[at % len(colours)], stem)
        for at, turn in enumerate(turns)
    )


_DEEP: Final = ("#2F6B4F", "#3B8262")
_FRESH: Final = ("#5C9E5A", "#76B36A")
_BLUE: Final = ("#6F9E94", "#88B3A8")
_PURPLE: Final = ("#7A5A78", "#9A7592")

PLANTS: Final[dict[str, Plant]] = {
    "monstera": Plant("#C9714A", 0.3, _fan((-70, 62, -38, 34, 0), 0.5, 0.72, _DEEP, 0.42)),
    "snake": Plant("#F4EFE6", 0.26, _fan((-16, 15, -7, 8, 0), 0.56, 0.17, ("#4D8A5B", "#A9B85C"))),
    "fern": Plant(
        "#7C8C97", 0.28, _fan((-92, 90, -70, 66, -48, 44, -24, 22, 0), 0.44, 0.26, _FRESH)
    ),
    "aloe": Plant("#E3B778", 0.3, _fan((-58, 56, -32, 30, -12, 12, 0), 0.36, 0.22, _BLUE)),
    "rubber": Plant("#3D4A52", 0.27, _fan((-66, 58, -30, 36, 4), 0.46, 0.5, _PURPLE, 0.18)),
    "palm": Plant("#D8A08A", 0.26, _fan((-84, 80, -56, 52, -26, 24, 0), 0.52, 0.15, _FRESH, 0.25)),
}


@lru_cache(maxsize=64)
def picture(name: str, width: int, height: int, tint: str) -> Image.Image:
    """Draw a plant in the middle of a tinted ground."""
    image = Image.new("RGB", (width, height), tint)
    unit = min(width, height)
    centre, low = width / 2, (height + unit) / 2
    halo = (centre - unit * 0.4, low - unit * 0.88, centre + unit * 0.4, low - unit * 0.08)
    ImageDraw.Draw(image, "RGBA").ellipse(halo, fill="#FFFFFF38")
    draw_on(image, name)
    return image


def draw_on(image: Image.Image, name: str) -> None:
    """Draw a plant in the middle of what an RGB image already shows."""
    draw = ImageDraw.Draw(image, "RGBA")
    plant = PLANTS[name]
    unit = min(image.size)
    centre, top = image.width / 2, (image.height - unit) / 2
    shadow = (centre - unit * 0.24, top + unit * 0.88, centre + unit * 0.24, top + unit * 0.95)
    draw.ellipse(shadow, fill="#1B242026")
    for leaf in plant.leaves:
        _draw_leaf(draw, leaf, (centre, top + unit * (_RIM + 0.02)), unit)
    _draw_pot(draw, plant, centre, top, unit)


def _draw_leaf(
    draw: ImageDraw.ImageDraw, leaf: Leaf, root: tuple[float, float], unit: float
) -> None:
    angle = math.radians(leaf.turn)
    along = (math.sin(angle), -math.cos(angle))
    length = leaf.length * unit
    bare = length * leaf.stem
    start = (root[0] + along[0] * bare, root[1] + along[1] * bare)
    tip = (root[0] + along[0] * length, root[1] + along[1] * length)
    line_px = max(2, round(unit * 0.012))
    draw.line((root, start), fill=leaf.colour, width=line_px)
    half = (length - bare) * leaf.width / 2
    sides: list[list[tuple[float, float]]] = [[], []]
    for step in range(_LEAF_STEPS + 1):
        share = step / _LEAF_STEPS
        swell = half * math.sin(math.pi * share**0.8)
        x = start[0] + (tip[0] - start[0]) * share
        y = start[1] + (tip[1] - start[1]) * share
        sides[0].append((x - along[1] * swell, y + along[0] * swell))
        sides[1].append((x + along[1] * swell, y - along[0] * swell))
    draw.polygon(sides[0] + sides[1][::-1], fill=leaf.colour)
    draw.polygon([*sides[0], start], fill="#00000014")
    draw.line((start, tip), fill="#FFFFFF40", width=max(1, line_px // 2))


def _draw_pot(
    draw: ImageDraw.ImageDraw, plant: Plant, centre: float, top: float, unit: float
) -> None:
    half = plant.pot_width * unit / 2
    rim, foot = top + unit * _RIM, top + unit * 0.92
    body = [
        (centre - half * 0.92, rim),
        (centre + half * 0.92, rim),
        (centre + half * 0.68, foot),
        (centre - half * 0.68, foot),
    ]
    draw.polygon(body, fill=plant.pot)
    shade = [(centre + half * 0.3, rim), body[1], body[2], (centre + half * 0.22, foot)]
    draw.polygon(shade, fill="#00000018")
    lip = (centre - half, rim - unit * 0.02, centre + half, rim + unit * 0.045)
    draw.rounded_rectangle(lip, radius=unit * 0.015, fill=plant.pot)
    draw.line(
        (centre - half, rim + unit * 0.045, centre + half, rim + unit * 0.045),
        fill="#00000022",
        width=max(1, round(unit * 0.008)),
    )
