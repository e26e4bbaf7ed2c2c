"""The controls that a screen of the made-up app consists of, before anything is drawn.

A control lies in a rectangle of the screen, in video pixels (one for each dp). Screens place their
controls relative to the surface below: `card.pin(-46, 16, 30, 30)` is 30 pixels wide and high,
begins 46 pixels left of the card's right edge and 16 below its top. What comes later lies on top.

Text, icons and photos carry `unmask`, which is what an app says with an SDK tag about labels that
are the same for everybody; everything else that can show a person's data is covered by the mask.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, Literal, NamedTuple

from PIL import ImageFont

SCALE: Final = 2
"""Everything is drawn at twice its size and halved at the end, which smooths the edges."""
INK: Final = "#22302A"
INK_SOFT: Final = "#7C8983"
SURFACE: Final = "#FFFFFF"
LINE: Final = "#E4E6DF"
PAPER: Final = "#F7F6F1"
GREEN: Final = "#1F6B4F"
GREEN_SOFT: Final = "#E2EFE6"
IMAGE_BUTTON: Final = "androidx.appcompat.widget.AppCompatImageButton"
_BUTTON: Final = "com.google.android.material.button.MaterialButton"
_BOLD_STROKE: Final = 0.022
"""There is no bold face in Pillow's bundled font; a stroke of this share of the size makes one."""


class Rect(NamedTuple):
    """A rectangle in video pixels; right and bottom are the first pixels outside."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.left + self.width

    @property
    def bottom(self) -> int:
        return self.top + self.height

    def pin(self, left: int, top: int, width: int = 0, height: int = 0) -> "Rect":
        """Return a rectangle on this one.

        Args:
            left: Distance from the left edge; from the right edge if negative.
            top: Distance from the top edge; from the bottom edge if negative.
            width: Width; zero or less reaches to the right edge and leaves this much free there.
            height: Height; zero or less reaches to the bottom edge likewise.
        """
        x = self.left + left + (self.width if left < 0 else 0)
        y = self.top + top + (self.height if top < 0 else 0)
        right = x if width > 0 else self.right
        bottom = y if height > 0 else self.bottom
        return Rect(x, y, right + width - x, bottom + height - y)

    def middle(self, width: int, height: int) -> "Rect":
        """Return a rectangle of a size in the middle of this one."""
        left = self.left + (self.width - width) // 2
        return Rect(left, self.top + (self.height - height) // 2, width, height)

    def outset(self, by_px: int) -> "Rect":
        """Grow on all four sides; a negative number shrinks."""
        size = (self.width + 2 * by_px, self.height + 2 * by_px)
        return Rect(self.left - by_px, self.top - by_px, *size)

    def columns(self, count: int, gap: int = 0) -> list["Rect"]:
        """Share this rectangle among columns of one width."""
        width = (self.width - (count - 1) * gap) // count
        return [self.pin(at * (width + gap), 0, width) for at in range(count)]


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words; `rect` is the ink, not the column it stands in."""

    rect: Rect
    words: str
    size_px: int
    colour: str
    bold: bool = False
    unmask: bool = False


@dataclass(frozen=True, slots=True)
class Icon:
    """A vector drawing of `shop.ICONS`, stretched to a square; `turn` is in degrees, clockwise."""

    rect: Rect
    name: str
    colour: str
    unmask: bool = True
    turn: int = 0


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
    """A surface with controls on it; `clips` cuts them at its edge, as a scrolling list does."""

    rect: Rect
    children: tuple["Control", ...] = ()
    fill: str | None = None
    radius_px: int = 0
    border: str | None = None
    shadow_px: int = 0
    clips: bool = False
    view_id: str = ""
    view_class: str = "android.view.View"
    view_tag: str = ""


Control = Box | Text | Icon | Photo


def walk(control: Control) -> Iterator[Control]:
    """Go through a control and all that lies on it, in the order of painting."""
    yield control
    if isinstance(control, Box):
        for child in control.children:
            yield from walk(child)


def find_box(screen: Box, view_id: str, view_tag: str = "") -> Box:
    """Find the topmost box with a view id, and with a tag where several share the id.

    Raises:
        LookupError: There is none on this screen: the story does not fit the screens.
    """
    for control in reversed(list(walk(screen))):
        if (
            isinstance(control, Box)
            and control.view_id == view_id
            and view_tag in ("", control.view_tag)
        ):
            return control
    raise LookupError(f"no control with id {view_id!r} and tag {view_tag!r} on this screen")


@lru_cache(maxsize=64)
def load_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return the one typeface of the app at a size, scaled for drawing."""
    font = ImageFont.load_default(size_px * SCALE)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType: the demo cannot draw text")
    return font


def stroke_px(size_px: int, *, bold: bool) -> float:
    """Return the outline that makes a word bold, scaled for drawing; 0 for regular."""
    return size_px * SCALE * _BOLD_STROKE if bold else 0.0


@lru_cache(maxsize=2048)
def _measure(words: str, size_px: int, *, bold: bool) -> tuple[int, int]:
    _, top, _, bottom = load_font(size_px).getbbox("Hgjy")
    stroke = 2 * stroke_px(size_px, bold=bold)
    width = load_font(size_px).getlength(words) + stroke
    return -int(-width // SCALE), -int(-(bottom - top + stroke) // SCALE)


def text(
    area: Rect, words: str, size_px: int, colour: str = INK, *, bold: bool = False,
    align: Literal["left", "right", "centre"] = "left", unmask: bool = False,
) -> Text:  # fmt: skip
    """Place words at the top left or top right of an area, or in its middle."""
    width, height = _measure(words, size_px, bold=bold)
    spare = area.width - width
    left = area.left + {"left": 0, "centre": spare // 2, "right": spare}[align]
    top = area.top + ((area.height - height + 3) // 2 if align == "centre" else 0)
    return Text(Rect(left, top, width, height), words, size_px, colour, bold, unmask)


label: Final = partial(text, unmask=True)
"""Places words that are the same for everybody, and says so to the mask."""


def icon(area: Rect, name: str, size_px: int, colour: str = INK, *, turn: int = 0) -> Icon:
    """Place an icon in the middle of an area."""
    return Icon(area.middle(size_px, size_px), name, colour, turn=turn)


def icon_box(
    rect: Rect, name: str, size_px: int, colour: str = INK, *, fill: str | None = None,
    radius_px: int = 0, view_id: str = "", view_tag: str = "",
) -> Box:  # fmt: skip
    """Place a surface that shows only an icon."""
    return Box(rect, (icon(rect, name, size_px, colour),), fill, radius_px, view_id=view_id,
               view_class=IMAGE_BUTTON, view_tag=view_tag)  # fmt: skip


def label_box(
    rect: Rect, words: str, size_px: int, colour: str, fill: str, *,
    radius_px: int, bold: bool = True, border: str | None = None,
) -> Box:  # fmt: skip
    """Place a surface that shows only a label."""
    shown = label(rect, words, size_px, colour, bold=bold, align="centre")
    return Box(rect, (shown,), fill, radius_px, border)


def button(
    rect: Rect, words: str, view_id: str, *, icon_name: str = "", is_quiet: bool = False
) -> Box:
    """Place a wide button; a quiet one has an outline only."""
    ink, fill, border = (GREEN, SURFACE, LINE) if is_quiet else (SURFACE, GREEN, None)
    area = rect.pin(13, 0) if icon_name else rect
    shown = label(area, words, 16, ink, bold=True, align="centre")
    spot = Rect(shown.rect.left - 28, rect.top, 20, rect.height)
    children = (icon(spot, icon_name, 20, ink), shown) if icon_name else (shown,)
    return Box(rect, children, fill, 16, border, view_id=view_id, view_class=_BUTTON)
