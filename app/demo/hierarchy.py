"""The view hierarchy of the made-up app: what a screen consists of, before anything is drawn.

A screen is a list of controls in paint order. Text, icons and photos carry `unmask`, which is what
an app says with an SDK tag about labels that are the same for everybody; everything else that can
show a person's data is covered by the masker.

    Box    a surface: fill, border, shadow, and the controls on it
    Text   one line of words
    Icon   a vector drawing from `icons`
    Photo  a plant from `plants`

Positions are absolute and in video pixels, one for each dp.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


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

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    def within(self, width: int, height: int) -> "Rect":
        """Return the part that lies on a screen of a size."""
        left, top = max(0, self.left), max(0, self.top)
        return Rect(left, top, min(width, self.right) - left, min(height, self.bottom) - top)

    def inset(self, by_px: int) -> "Rect":
        """Shrink on all four sides; a negative number grows."""
        return Rect(
            self.left + by_px, self.top + by_px, self.width - 2 * by_px, self.height - 2 * by_px
        )


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
    """A vector drawing, stretched to a square rect; `turn` is in degrees, clockwise."""

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
    border: str | None = None
    radius_px: int = 0
    shadow_px: int = 0
    clips: bool = False
    view_id: str = ""
    view_class: str = "android.view.View"
    view_tag: str = ""


Control = Box | Text | Icon | Photo


@dataclass(frozen=True, slots=True)
class Screen:
    """One screenful, in paint order: what comes later lies on top."""

    width: int
    height: int
    background: str
    controls: tuple[Control, ...]


def walk(controls: Sequence[Control]) -> Iterator[Control]:
    """Go through all controls, a box before what lies on it."""
    for control in controls:
        yield control
        if isinstance(control, Box):
            yield from walk(control.children)


def is_masked(control: Control) -> bool:
    """Say whether the recorder must cover this control."""
    return not isinstance(control, Box) and not control.unmask


def find(screen: Screen, view_id: str, view_tag: str = "") -> Box:
    """Find the topmost box with a view id, and with a tag where several share the id.

    Raises:
        LookupError: There is none on this screen: the story does not fit the screens.
    """
    for control in reversed(list(walk(screen.controls))):
        if not isinstance(control, Box) or control.view_id != view_id:
            continue
        if not view_tag or control.view_tag == view_tag:
            return control
    raise LookupError(f"no control with id {view_id!r} and tag {view_tag!r} on this screen")
