"""Colours and sizes of the made-up app, and the parts that every screen is built from."""

from dataclasses import dataclass
from typing import Final

from app.demo import fonts
from app.demo.hierarchy import Box, Control, Icon, Rect, Text

PAPER: Final = "#F7F6F1"
SURFACE: Final = "#FFFFFF"
INK: Final = "#22302A"
INK_SOFT: Final = "#7C8983"
LINE: Final = "#E4E6DF"
GREEN: Final = "#1F6B4F"
GREEN_SOFT: Final = "#E2EFE6"
GREEN_DARK: Final = "#123B2E"
CLAY: Final = "#D4724A"
SUN: Final = "#E8B04A"
RED: Final = "#B93A32"
NIGHT: Final = "#111614"

MARGIN_PX: Final = 20
STATUS_PX: Final = 32
BAR_PX: Final = 56
NAV_PX: Final = 72
HANDLE_PX: Final = 20

BUTTON: Final = "com.google.android.material.button.MaterialButton"
IMAGE_BUTTON: Final = "androidx.appcompat.widget.AppCompatImageButton"
CARD: Final = "com.google.android.material.card.MaterialCardView"
CHIP: Final = "com.google.android.material.chip.Chip"
FIELD: Final = "com.google.android.material.textfield.TextInputEditText"
LIST: Final = "androidx.recyclerview.widget.RecyclerView"
TAB: Final = "com.google.android.material.bottomnavigation.BottomNavigationItemView"
IMAGE: Final = "android.widget.ImageView"


@dataclass(frozen=True, slots=True)
class Phone:
    """What the system draws around the app: size and status bar."""

    width: int
    height: int
    clock: str
    battery_percent: int
    network: str


def text(
    left: int, top: int, words: str, size_px: int, colour: str = INK, *,
    bold: bool = False, unmask: bool = False,
) -> Text:  # fmt: skip
    """Place a line of words by the top left of its ink."""
    width, height = fonts.measure(words, size_px, bold=bold)
    return Text(Rect(left, top, width, height), words, size_px, colour, bold, unmask)


def text_right(
    right: int, top: int, words: str, size_px: int, colour: str = INK, *,
    bold: bool = False, unmask: bool = False,
) -> Text:  # fmt: skip
    """Place a line of words by the top right of its ink."""
    width, _ = fonts.measure(words, size_px, bold=bold)
    return text(right - width, top, words, size_px, colour, bold=bold, unmask=unmask)


def text_in(
    rect: Rect, words: str, size_px: int, colour: str = INK, *,
    bold: bool = False, unmask: bool = False,
) -> Text:  # fmt: skip
    """Place a line of words in the middle of a rect."""
    width, height = fonts.measure(words, size_px, bold=bold)
    left = rect.left + (rect.width - width) // 2
    top = rect.top + (rect.height - height + 1) // 2 + 1
    return text(left, top, words, size_px, colour, bold=bold, unmask=unmask)


def label(left: int, top: int, words: str, size_px: int, colour: str = INK, **kind: bool) -> Text:
    """Place words that are the same for everybody, and say so to the masker."""
    return text(left, top, words, size_px, colour, bold=kind.get("bold", False), unmask=True)


def icon_in(rect: Rect, name: str, size_px: int, colour: str = INK, *, turn: int = 0) -> Icon:
    """Place an icon in the middle of a rect."""
    left = rect.left + (rect.width - size_px) // 2
    top = rect.top + (rect.height - size_px) // 2
    return Icon(Rect(left, top, size_px, size_px), name, colour, turn=turn)


def icon_button(
    left: int, top: int, name: str, view_id: str, *,
    colour: str = INK, fill: str | None = None, side_px: int = 40,
) -> Box:  # fmt: skip
    """Place a round button that shows only an icon."""
    rect = Rect(left, top, side_px, side_px)
    return Box(
        rect, (icon_in(rect, name, side_px * 11 // 20, colour),), fill=fill,
        radius_px=side_px // 2, view_id=view_id, view_class=IMAGE_BUTTON,
    )  # fmt: skip


def button(rect: Rect, words: str, view_id: str, *, icon: str = "", quiet: bool = False) -> Box:
    """Place a wide button; a quiet one has an outline only."""
    ink = GREEN if quiet else SURFACE
    width, _ = fonts.measure(words, 16, bold=True)
    line = rect if not icon else Rect(rect.left + 13, rect.top, rect.width - 13, rect.height)
    shown = text_in(line, words, 16, ink, bold=True, unmask=True)
    children: tuple[Control, ...] = (shown,)
    if icon:
        spot = Rect(shown.rect.left - 28, rect.top, 20, rect.height)
        children = (icon_in(spot, icon, 20, ink), *children)
    return Box(
        rect, children, fill=SURFACE if quiet else GREEN, border=LINE if quiet else None,
        radius_px=min(16, width), view_id=view_id, view_class=BUTTON,
    )  # fmt: skip


def status_bar(phone: Phone, colour: str = INK) -> Box:
    """Place the system's bar: time at the left, network and battery at the right."""
    right = phone.width - MARGIN_PX
    network = "wifi" if phone.network == "wifi" else "signal"
    return Box(
        Rect(0, 0, phone.width, STATUS_PX),
        (
            label(MARGIN_PX, 12, phone.clock, 13, colour, bold=True),
            Icon(Rect(right - 64, 9, 16, 16), network, colour),
            Icon(Rect(right - 46, 9, 16, 16), "battery", colour),
            text_right(right, 12, f"{phone.battery_percent}%", 12, colour, unmask=True),
        ),
    )


def handle(phone: Phone, colour: str = INK) -> Box:
    """Place the system's gesture handle at the bottom edge."""
    left = (phone.width - 120) // 2
    return Box(Rect(left, phone.height - 10, 120, 4), fill=colour, radius_px=2)


def app_bar(phone: Phone, title: str, *, fill: str = PAPER) -> Box:
    """Place the bar with a back button and the title of the screen."""
    rect = Rect(0, 0, phone.width, STATUS_PX + BAR_PX)
    return Box(
        rect,
        (
            status_bar(phone),
            icon_button(MARGIN_PX - 10, STATUS_PX + 8, "back", "navigate_up"),
            label(MARGIN_PX + 40, STATUS_PX + 20, title, 20, bold=True),
        ),
        fill=fill,
    )


def toast(phone: Phone, words: str, *, bottom: int) -> Box:
    """Place a short note above what lies at the bottom."""
    rect = Rect(MARGIN_PX - 4, bottom - 56, phone.width - 2 * MARGIN_PX + 8, 48)
    return Box(
        rect,
        (
            icon_in(Rect(rect.left + 14, rect.top, 22, 48), "check", 20, "#9FD8B8"),
            label(rect.left + 48, rect.top + 17, words, 15, SURFACE),
            text_right(rect.right - 18, rect.top + 17, "View", 15, "#9FD8B8", bold=True,
                       unmask=True),
        ),
        fill="#23332C", radius_px=14, shadow_px=8, view_id="snackbar",
    )  # fmt: skip
