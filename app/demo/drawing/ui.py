"""The controls that a screen of the made-up app consists of, and where they lie.

A screen is first declared: each control says where it lies on the surface below it. At
`(-46, 16, 30, 30)`, a control begins 46 pixels left of the surface's right edge and 16 below its
top, and is 30 pixels wide and high; a width or height of zero or less reaches to the far edge and
leaves so much free there. `place` then turns this into rectangles of the screen, in video pixels
(one for each dp). What comes later lies on top.

Text, icons and photos carry `unmask`, which is what an app says with an SDK tag about labels that
are the same for everybody; everything else that can show a person's data is covered by the mask.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple, assert_never

from PIL import ImageFont

SCALE: Final = 2
"""Everything is drawn at twice its size and halved at the end, which smooths the edges."""
INK_SAMPLE: Final = "Hgjy"


class Rect(NamedTuple):
    """A rectangle in video pixels; right and bottom are the first pixels outside."""

    left: int
    top: int
    width: int = 0
    height: int = 0

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def outset(self, by_px: int) -> "Rect":
        """Grow on all four sides; a negative number shrinks."""
        size = (self.width + 2 * by_px, self.height + 2 * by_px)
        return Rect(self.left - by_px, self.top - by_px, *size)


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words; once placed, `rect` is the ink, not the area it stands in."""

    rect: Rect
    words: str
    size_px: int
    colour: str
    bold: bool = False
    unmask: bool = False
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Icon:
    """A drawing of `shop.ICONS` in the middle of an area; `turn` is in degrees, clockwise."""

    rect: Rect
    name: str
    colour: str
    size_px: int = 16
    turn: int = 0
    unmask: bool = True


@dataclass(frozen=True, slots=True)
class Photo:
    """The picture of a plant on a tinted backdrop; without a tint, only the plant."""

    rect: Rect
    plant: str
    tint: str | None
    radius_px: int = 0
    unmask: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A surface with controls on it, which are pushed up by `scroll_px` and cut if it `clips`."""

    rect: Rect
    children: tuple["Control", ...] = ()
    fill: str | None = None
    radius_px: int = 0
    border: str | None = None
    shadow_px: int = 0
    scroll_px: int = 0
    clips: bool = False
    view_id: str = ""
    view_class: str = ""
    view_tag: str = ""


Control = Box | Text | Icon | Photo


def place_controls[C: Control](control: C, surface: Rect) -> C:
    """Turn where a control lies on a surface into where it lies on the screen."""
    left, top, width, height = control.rect
    x = (surface.left if left >= 0 else surface.right) + left
    y = (surface.top if top >= 0 else surface.bottom) + top
    width += 0 if width > 0 else surface.right - x
    height += 0 if height > 0 else surface.bottom - y
    match control:
        case Box(children=children):
            below = Rect(x, y - control.scroll_px, width, height)
            children = tuple(place_controls(child, below) for child in children)
            return replace(control, rect=Rect(x, y, width, height), children=children)
        case Text():
            ink = measure_text(control.words, control.size_px, bold=control.bold)
            spare = width - ink[0]
            x += {"left": 0, "centre": spare // 2, "right": spare}[control.align]
            y += (height - ink[1] + 3) // 2 if control.align == "centre" else 0
            return replace(control, rect=Rect(x, y, *ink))
        case Icon(size_px=side):
            corner = (x + (width - side) // 2, y + (height - side) // 2)
            return replace(control, rect=Rect(*corner, side, side))
        case Photo():
            return replace(control, rect=Rect(x, y, width, height))
        case _:
            assert_never(control)


def walk(control: Control) -> Iterator[Control]:
    """Go through a control and all that lies on it, in the order of painting."""
    yield control
    if isinstance(control, Box):
        for child in control.children:
            yield from walk(child)


def find_box(screen: Control, view_id: str, view_tag: str = "") -> Box:
    """Find the topmost box with a view id, and with a tag where several share the id.

    Raises:
        LookupError: There is none on this screen: the story does not fit the screens.
    """
    boxes = [control for control in walk(screen) if isinstance(control, Box)]
    for box in reversed(boxes):
        if box.view_id == view_id and view_tag in ("", box.view_tag):
            return box
    raise LookupError(f"no control with id {view_id!r} and tag {view_tag!r} on this screen")


@lru_cache(maxsize=64)
def load_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return the one typeface of the app at a size, scaled for drawing."""
    font = ImageFont.load_default(size_px * SCALE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: the demo cannot draw text")
    return font


def stroke_px(size_px: int, *, bold: bool) -> float:
    """Return the outline that makes a word bold, as Pillow's bundled font has no bold face."""
    return size_px * SCALE * 0.022 if bold else 0.0


@lru_cache(maxsize=2048)
def measure_text(words: str, size_px: int, *, bold: bool = False) -> tuple[int, int]:
    """Return width and height of the ink of one line, in video pixels, rounded up."""
    _, top, _, bottom = load_font(size_px).getbbox(INK_SAMPLE)
    stroke = 2 * stroke_px(size_px, bold=bold)
    width = load_font(size_px).getlength(words) + stroke
    return -int(-width // SCALE), -int(-(bottom - top + stroke) // SCALE)
