"""Draws the plants that the made-up shop sells, as leaves around a pot."""

import math

from PIL import Image, ImageDraw

from app.demo.shop import PLANTS

Point = tuple[float, float]


def draw_plant(image: Image.Image, name: str, *, has_halo: bool) -> None:
    """Draw a plant in the middle of what an RGB image already shows."""
    pot_colour, pot_width, length, width, stem, colours, turns = PLANTS[name]
    draw = ImageDraw.Draw(image, "RGBA")
    unit = min(image.size)
    x0, y0 = image.width / 2, (image.height - unit) / 2

    def scale(*points: Point) -> list[Point]:
        """Turn shares of the picture's largest square, from its middle and top, into points."""
        return [(x0 + x * unit, y0 + y * unit) for x, y in points]

    if has_halo:
        draw.ellipse(scale((-0.4, 0.12), (0.4, 0.92)), "#FFFFFF38")
    draw.ellipse(scale((-0.24, 0.88), (0.24, 0.95)), "#1B242026")
    vein_px = max(2, round(unit * 0.012))
    for at, turn in enumerate(turns):
        blade = length * (1 - abs(turn) / 260)
        right, left = (_outline_leaf(turn, blade, side * width, stem) for side in (1, -1))
        draw.line(scale((0, 0.68), right[0]), colours[at % len(colours)], vein_px)
        draw.polygon(scale(*right, *left[::-1]), colours[at % len(colours)])
        draw.polygon(scale(*right), "#00000014")
        draw.line(scale(right[0], right[-1]), "#FFFFFF40", max(1, vein_px // 2))
    half = pot_width / 2
    body = [(-0.92, 0.66), (0.92, 0.66), (0.68, 0.92), (-0.68, 0.92)]
    shade = [(0.3, 0.66), *body[1:3], (0.22, 0.92)]
    for outline, colour in ((body, pot_colour), (shade, "#00000018")):
        draw.polygon(scale(*((half * x, y) for x, y in outline)), colour)
    draw.rounded_rectangle(scale((-half, 0.64), (half, 0.705)), unit * 0.015, pot_colour)
    edge_px = max(1, round(unit * 0.008))
    draw.line(scale((-half, 0.705), (half, 0.705)), "#00000022", edge_px)


def _outline_leaf(turn: float, length: float, width: float, stem: float) -> list[Point]:
    """Return one side of a leaf from the end of its bare stem to its tip."""
    sin, cos = math.sin(math.radians(turn)), math.cos(math.radians(turn))
    bare, blade = length * stem, length * (1 - stem)
    points = []
    for step in range(17):
        along = bare + blade * step / 16
        across = blade * width / 2 * math.sin(math.pi * (step / 16) ** 0.8)
        points.append((sin * along + cos * across, 0.68 - cos * along + sin * across))
    return points
