"""The icons of the made-up app as strokes on a grid of 24 by 24.

Each icon is a tuple of strokes, painted one over the other in one colour.
"""

from dataclasses import dataclass
from typing import Final

GRID: Final = 24
STROKE: Final = 1.9
"""Width of a line, in units of the grid."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A stroke through points, with round ends."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon."""

    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle's outline, or the part from `start` to `end`, in degrees from three o'clock."""

    centre: Point
    radius: float
    start: int = 0
    end: int = 360


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle."""

    centre: Point
    radius: float


Stroke = Line | Shape | Ring | Disc


def _line(*points: Point) -> Line:
    return Line(points)


def _leaf(tip: Point, root: Point, bulge: float) -> tuple[Point, ...]:
    """Draw a leaf's outline between two points, as many short sides."""
    (x1, y1), (x0, y0) = tip, root
    across = (-(y1 - y0), x1 - x0)
    steps = [step / 8 for step in range(9)]

    def side(sign: float) -> list[Point]:
        swell = [sign * bulge * 4 * s * (1 - s) for s in steps]
        return [
            (x0 + (x1 - x0) * s + across[0] * w, y0 + (y1 - y0) * s + across[1] * w)
            for s, w in zip(steps, swell, strict=True)
        ]

    return tuple(side(1) + side(-1)[::-1])


ICONS: Final[dict[str, tuple[Stroke, ...]]] = {
    "back": (_line((20, 12), (5, 12)), _line((11, 5.5), (4.5, 12), (11, 18.5))),
    "close": (_line((6, 6), (18, 18)), _line((18, 6), (6, 18))),
    "search": (Ring((10.5, 10.5), 6), _line((15, 15), (20, 20))),
    "bag": (
        _line((5.5, 8), (18.5, 8), (19.5, 20), (4.5, 20), (5.5, 8)),
        Ring((12, 8.5), 3.4, 180, 360),
        _line((8.6, 8.5), (8.6, 10.5)),
        _line((15.4, 8.5), (15.4, 10.5)),
    ),
    "heart": (
        _line((12, 19.5), (4.9, 12.3)),
        _line((12, 19.5), (19.1, 12.3)),
        Ring((8.2, 9), 4.6, 135, 330),
        Ring((15.8, 9), 4.6, 210, 405),
    ),
    "home": (
        _line((3.5, 11.5), (12, 4), (20.5, 11.5)),
        _line((6, 10), (6, 20), (18, 20), (18, 10)),
        _line((10, 20), (10, 14.5), (14, 14.5), (14, 20)),
    ),
    "person": (Ring((12, 8.2), 3.8), Ring((12, 21), 7.6, 190, 350)),
    "tune": (
        _line((4, 8), (20, 8)),
        _line((4, 16), (20, 16)),
        Disc((9, 8), 2.6),
        Disc((15, 16), 2.6),
    ),
    "plus": (_line((12, 5.5), (12, 18.5)), _line((5.5, 12), (18.5, 12))),
    "minus": (_line((5.5, 12), (18.5, 12)),),
    "check": (_line((5, 12.5), (10, 17.5), (19, 7.5)),),
    "star": (
        Shape(
            (
                (12, 3),
                (14.6, 8.9),
                (21, 9.6),
                (16.2, 13.9),
                (17.6, 20.2),
                (12, 16.9),
                (6.4, 20.2),
                (7.8, 13.9),
                (3, 9.6),
                (9.4, 8.9),
            )
        ),
    ),
    "share": (
        Disc((18, 5.5), 2.6),
        Disc((6, 12), 2.6),
        Disc((18, 18.5), 2.6),
        _line((6, 12), (18, 5.5)),
        _line((6, 12), (18, 18.5)),
    ),
    "sun": (
        Ring((12, 12), 4),
        *(
            _line((12 + 7 * x, 12 + 7 * y), (12 + 9 * x, 12 + 9 * y))
            for x, y in (
                (1.0, 0.0),
                (-1.0, 0.0),
                (0.0, 1.0),
                (0.0, -1.0),
                (0.7, 0.7),
                (-0.7, 0.7),
                (0.7, -0.7),
                (-0.7, -0.7),
            )
        ),
    ),
    "drop": (
        _line((12, 3.5), (7, 10.8)),
        _line((12, 3.5), (17, 10.8)),
        Ring((12, 14), 6.2, -30, 210),
    ),
    "ruler": (
        _line((12, 3.5), (12, 20.5)),
        _line((8.5, 7), (12, 3.5), (15.5, 7)),
        _line((8.5, 17), (12, 20.5), (15.5, 17)),
    ),
    "truck": (
        _line((2.5, 6), (14, 6), (14, 17), (2.5, 17), (2.5, 6)),
        _line((14, 10), (18.5, 10), (21.5, 13.5), (21.5, 17), (14, 17)),
        Disc((7, 18), 2.4),
        Disc((17.5, 18), 2.4),
    ),
    "lock": (
        Shape(((5, 10.5), (19, 10.5), (19, 20.5), (5, 20.5))),
        Ring((12, 9), 4.2, 180, 360),
        _line((7.8, 9), (7.8, 11)),
        _line((16.2, 9), (16.2, 11)),
    ),
    "card": (
        _line((3, 6), (21, 6), (21, 18.5), (3, 18.5), (3, 6)),
        Shape(((3, 9), (21, 9), (21, 12), (3, 12))),
    ),
    "trash": (
        _line((4.5, 7), (19.5, 7)),
        _line((6.5, 7), (7.5, 20), (16.5, 20), (17.5, 7)),
        _line((9.5, 7), (9.5, 4), (14.5, 4), (14.5, 7)),
    ),
    "alert": (Ring((12, 12), 9), _line((12, 7), (12, 13)), Disc((12, 16.7), 1.3)),
    "next": (_line((9, 5.5), (15.5, 12), (9, 18.5)),),
    "spinner": (Ring((12, 12), 9, 0, 250),),
    "leaf": (
        Shape(_leaf((20.5, 3.5), (5.5, 18.5), 0.36)),
        _line((3, 21), (7, 17)),
    ),
    "wifi": (
        Ring((12, 18), 11.5, 225, 315),
        Ring((12, 18), 6.6, 225, 315),
        Disc((12, 17.5), 2),
    ),
    "signal": (Shape(((21, 3.5), (21, 20.5), (3.5, 20.5))),),
    "battery": (
        Shape(((7, 5), (10, 5), (10, 2.8), (14, 2.8), (14, 5), (17, 5), (17, 21.5), (7, 21.5))),
    ),
    "shift": (
        _line(
            (12, 4.5),
            (4.5, 12.5),
            (9, 12.5),
            (9, 19),
            (15, 19),
            (15, 12.5),
            (19.5, 12.5),
            (12, 4.5),
        ),
    ),
    "erase": (
        _line((8, 5.5), (21, 5.5), (21, 18.5), (8, 18.5), (2.5, 12), (8, 5.5)),
        _line((11.5, 9.5), (16.5, 14.5)),
        _line((16.5, 9.5), (11.5, 14.5)),
    ),
}
