"""Draws what lies over and around the pictures of a clip: gestures, captions, the device.

Marks look as in the player (`static/js/replay/stage/gestures.js`): a line in the shade of the
finger with a light one under it, so that it is seen on any screen. Shapes are drawn four times as
large as masks and made smaller, which gives them smooth edges. Runs inside the clip child.
"""

import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from app.core import shipped
from app.media.clip import fonts
from app.media.clip.planes import PlanarPicture, PlaneColour, make_colour
from app.media.clip.wire import ClipBox, ClipCaption, ClipMark

_FONTS: Final = ("next-latin.woff2", "next-latin-ext.woff2")
"""The fonts of the pages, the first of which has nearly all characters."""
_NO_CHARACTER: Final = "\uffff"
_UNKNOWN: Final = "?"
"""Stands for a character that no font has, where there is no run of words to shorten."""
_LEFT_OUT: Final = "…"
"""Stands for a run of characters of captions that no font has."""
_LARGER: Final = 4
"""Masks are drawn so many times as large."""
_MOST_MASK_PX: Final = 2_048
"""The longest side of a mask; a mark at the edge of a hostile picture could be endless."""
_OPAQUE: Final = 255
_HALO: Final = make_colour(255, 255, 255)
_HALO_OPACITY: Final = 0.85
_INK_OPACITY: Final = 0.16
_PRESS_OPACITY: Final = 0.55
_FINGERS: Final = (
    make_colour(216, 68, 151),
    make_colour(71, 119, 240),
    make_colour(229, 118, 0),
    make_colour(32, 160, 78),
)
"""The shades of fingers, as in the style sheet of the player."""
_BADGE: Final = make_colour(28, 30, 34)
_WHITE: Final = make_colour(255, 255, 255)
_QUIET: Final = make_colour(176, 180, 188)
_FAILED: Final = make_colour(255, 128, 118)
_BODY: Final = make_colour(12, 12, 14)
_BAR: Final = make_colour(24, 25, 28)
_HALO_PX: Final = 7
_INK_PX: Final = 4
_TRAIL_EDGE_PX: Final = 2
_BADGE_FONT_PX: Final = 13
_BADGE_HEIGHT_PX: Final = 20
_CORNER_SHARE: Final = 0.06
"""The radius of the corners of a drawn device's screen, as a share of its shorter side."""

Font = tuple[ImageFont.FreeTypeFont, ...]

_font_bytes: dict[str, bytes] = {}
_system_fonts: list[bytes] = []


def load_fonts(*, has_caption: bool) -> None:
    """Read the fonts into memory: no file can be opened once the sandbox is closed.

    Args:
        has_caption: False for a clip without captions, which needs no font of the machine.
    """
    for name in _FONTS:
        _font_bytes[name] = (shipped.STATIC / "fonts" / name).read_bytes()
    _system_fonts[:] = _read_system_fonts() if has_caption else ()


def _read_system_fonts() -> Iterable[bytes]:
    """Read the preferred font of each group of scripts; the next one stands in for a broken one."""
    chosen: dict[tuple[str, ...], bytes] = {}
    for font in fonts.find_system_fonts():
        if font.scripts not in chosen:
            # A broken file of the machine must not end every clip.
            with suppress(OSError):
                data = font.path.read_bytes()
                _open_face(data, _BADGE_FONT_PX).getmask(_NO_CHARACTER)
                chosen[font.scripts] = data
    return chosen.values()


@lru_cache(maxsize=16)
def _open_font(size_px: int) -> Font:
    faces = [_open_face(data, size_px) for data in _font_bytes.values()]
    for face in faces:
        face.set_variation_by_axes([600])
    return tuple(faces)


def _open_face(data: bytes, size_px: float) -> ImageFont.FreeTypeFont:
    # Raqm, the other engine, is loaded as a library of its own, and may be missing.
    return ImageFont.truetype(io.BytesIO(data), size_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=6)
def _open_system_face(number: int, size_px: float) -> ImageFont.FreeTypeFont:
    """Open a font of the machine, which is a copy of it in memory: only where a character asks."""
    return _open_face(_system_fonts[number], size_px)


def draw_mark(picture: PlanarPicture, mark: ClipMark, shown: ClipBox) -> None:
    """Draw the mark of a gesture over a picture.

    Args:
        picture: The canvas.
        mark: The mark, in pixels of its own picture.
        shown: The box of the picture on the canvas.
    """
    scale_x, scale_y = shown.width / mark.size[0], shown.height / mark.size[1]
    points = [(shown.x + x * scale_x, shown.y + y * scale_y) for x, y in mark.points]
    shade = _FINGERS[mark.finger % len(_FINGERS)]
    if mark.kind == "badge":
        _draw_badge(picture, mark.text, *points[0], scale_x)
    elif mark.kind == "trail":
        _draw_trail(picture, points, mark.finger, scale_x)
    else:
        halo, ink = _make_ring(round(mark.radius * scale_x * 2), round(scale_x * 64))
        x, y = (round(at) - halo.width // 2 for at in points[0])
        picture.stamp(_HALO, halo, x, y)
        picture.stamp(shade, ink, x, y)
        if mark.kind == "press" and mark.filled > 0:
            disc = _make_disc(round(mark.filled * scale_x * 2))
            x, y = (round(at) - disc.width // 2 for at in points[0])
            picture.stamp(shade, disc, x, y)


@lru_cache(maxsize=64)
def _make_ring(radius_halves: int, scale_parts: int) -> tuple[Image.Image, Image.Image]:
    """Make the masks of a ring's light edge and of its line: each size is drawn once."""
    radius, scale = radius_halves / 2, scale_parts / 64
    side = min(_MOST_MASK_PX, 2 * round(radius + _HALO_PX * scale) + 4)
    halo = _draw_circle(side, radius, _HALO_PX * scale, fill=0, line=_HALO_OPACITY)
    ink = _draw_circle(side, radius, _INK_PX * scale, fill=_INK_OPACITY, line=1)
    return halo, ink


@lru_cache(maxsize=64)
def _make_disc(radius_halves: int) -> Image.Image:
    radius = radius_halves / 2
    side = min(_MOST_MASK_PX, 2 * round(radius) + 4)
    return _draw_circle(side, radius, 0, fill=_PRESS_OPACITY, line=0)


def _draw_circle(
    side: int, radius: float, line_px: float, *, fill: float, line: float
) -> Image.Image:
    mask = Image.new("L", (side * _LARGER, side * _LARGER))
    middle, half = side * _LARGER / 2, line_px * _LARGER / 2
    draw = ImageDraw.Draw(mask)
    draw.circle((middle, middle), radius * _LARGER + half, fill=round(_OPAQUE * (line or fill)))
    inner = radius * _LARGER - half
    if line and inner > 0:
        draw.circle((middle, middle), inner, fill=round(_OPAQUE * fill))
    return mask.reduce(_LARGER)


def _draw_trail(
    picture: PlanarPicture, points: Sequence[tuple[float, float]], finger: int, scale: float
) -> None:
    edge = _TRAIL_EDGE_PX * scale
    left = round(min(x for x, _ in points) - edge) - 1
    top = round(min(y for _, y in points) - edge) - 1
    width = round(max(x for x, _ in points) + edge) + 2 - left
    height = round(max(y for _, y in points) + edge) + 2 - top
    if not 0 < width <= _MOST_MASK_PX or not 0 < height <= _MOST_MASK_PX:
        return
    corners = [((x - left) * _LARGER, (y - top) * _LARGER) for x, y in points]
    size = (width * _LARGER, height * _LARGER)
    halo, ink = Image.new("L", size), Image.new("L", size)
    line = [*corners, corners[0]]
    ImageDraw.Draw(halo).line(
        line, fill=round(_OPAQUE * _HALO_OPACITY), width=round(2 * edge * _LARGER), joint="curve"
    )
    ImageDraw.Draw(ink).polygon(corners, fill=_OPAQUE)
    picture.stamp(_HALO, halo.reduce(_LARGER), left, top)
    picture.stamp(_FINGERS[finger % len(_FINGERS)], ink.reduce(_LARGER), left, top)


def _draw_badge(picture: PlanarPicture, text: str, x: float, y: float, scale: float) -> None:
    font = _open_font(max(9, round(_BADGE_FONT_PX * scale)))
    height = round(max(_BADGE_HEIGHT_PX * scale, font[0].size * 1.4))
    width = round(_measure(text, font)) + height
    # A badge at the edge of the screen is moved inside: its words matter, not its place.
    left = round(min(max(x, 0), max(0, picture.y.width - width)))
    top = round(max(y, 0))
    picture.stamp(_BADGE, _make_pill(width, height), left, top)
    _write_line(picture, text, font, (left + height // 2, top + height // 2))


@lru_cache(maxsize=16)
def _make_pill(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width * _LARGER, height * _LARGER))
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, width * _LARGER - 1, height * _LARGER - 1), height * _LARGER / 2, fill=_OPAQUE
    )
    return mask.reduce(_LARGER)


def draw_notice(picture: PlanarPicture, text: str, shown: ClipBox, font_px: int) -> None:
    """Dim the picture, and write in its middle what was cut out."""
    picture.dim(shown)
    font = _open_font(font_px)
    text = _shorten_line(text, font, shown.width - 2 * font_px)
    width, height = round(_measure(text, font)) + 2 * font_px, 2 * font_px
    left = shown.x + (shown.width - width) // 2
    top = shown.y + (shown.height - height) // 2
    picture.stamp(_BADGE, _make_pill(width, height), left, top)
    _write_line(picture, text, font, (left + font_px, top + font_px))


def draw_caption(picture: PlanarPicture, caption: ClipCaption, bar: ClipBox, font_px: int) -> None:
    """Write two lines under the picture: screen and time, then the last tap or failure."""
    picture.fill(_BAR, bar)
    font = _open_font(font_px)
    edge = font_px // 2 + 2
    room = bar.width - 2 * edge
    first, second = bar.y + round(bar.height * 0.31), bar.y + round(bar.height * 0.71)
    clock_px = _measure(caption.clock, font)
    _write_line(picture, caption.clock, font, (round(bar.width - edge - clock_px), first), _QUIET)
    screen = _leave_unknown_out(caption.screen, font)
    screen = _shorten_line(screen, font, room - clock_px - font_px)
    _write_line(picture, screen, font, (edge, first), _QUIET)
    colour = _FAILED if caption.is_failure else _WHITE
    event = _shorten_line(_leave_unknown_out(caption.event, font), font, room)
    _write_line(picture, event, font, (edge, second), colour)


def draw_body(picture: PlanarPicture, shown: ClipBox, body_px: int) -> None:
    """Draw the body of a device, into which the picture is put."""
    box = ClipBox(
        shown.x - body_px, shown.y - body_px, shown.width + 2 * body_px, shown.height + 2 * body_px
    )
    radius = round(min(shown.width, shown.height) * _CORNER_SHARE) + body_px
    picture.stamp(
        _BODY, _make_rounded(box.width, box.height, radius, is_outside=False), box.x, box.y
    )


def round_corners(picture: PlanarPicture, shown: ClipBox) -> None:
    """Round the corners of a picture that has been put into the body of a device."""
    radius = round(min(shown.width, shown.height) * _CORNER_SHARE)
    picture.stamp(
        _BODY, _make_rounded(shown.width, shown.height, radius, is_outside=True), shown.x, shown.y
    )


@lru_cache(maxsize=8)
def _make_rounded(width: int, height: int, radius: int, *, is_outside: bool) -> Image.Image:
    """Make the mask of a rectangle with round corners, or of its corners alone."""
    outside, inside = (_OPAQUE, 0) if is_outside else (0, _OPAQUE)
    mask = Image.new("L", (width * 2, height * 2), outside)
    ImageDraw.Draw(mask).rounded_rectangle(
        (0, 0, width * 2 - 1, height * 2 - 1), radius * 2, fill=inside
    )
    return mask.reduce(2)


def _write_line(
    picture: PlanarPicture,
    text: str,
    font: Font,
    start: tuple[int, int],
    colour: PlaneColour = _WHITE,
) -> None:
    """Write one line that starts at a place: its left edge, and the middle of its height."""
    if not text:
        return
    size_px = round(font[0].size)
    height = 2 * size_px
    mask = Image.new("L", (round(_measure(text, font)) + size_px, height))
    draw, at = ImageDraw.Draw(mask), 0.0
    for character in text:
        face, drawn = _find_face(character, font)
        draw.text((at, height / 2), drawn, fill=_OPAQUE, font=face, anchor="lm")
        at += face.getlength(drawn)
    picture.stamp(colour, mask, start[0], start[1] - height // 2)


def _measure(text: str, font: Font) -> float:
    """Return the width of a line, in pixels."""
    faces = (_find_face(character, font) for character in text)
    return sum(face.getlength(character) for face, character in faces)


def _shorten_line(text: str, font: Font, room_px: float) -> str:
    """Cut a line that is too long at its end."""
    if _measure(text, font) <= room_px:
        return text
    while text and _measure(text + "…", font) > room_px:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""


@lru_cache(maxsize=4_096)
def _find_face(character: str, font: Font) -> tuple[ImageFont.FreeTypeFont, str]:
    """Return the first font that has a character, or a question mark where none has it."""
    for face in font:
        if _has_character(face, character):
            return face, character
        if character.isspace():
            return face, " "
    if fonts.is_drawn_singly(character):
        for number in range(len(_system_fonts)):
            # FreeType finds a damaged letter only when it draws it.
            with suppress(OSError):
                face = _open_system_face(number, font[0].size)
                if _has_character(face, character):
                    return face, character
    return font[0], _UNKNOWN


def _has_character(face: ImageFont.FreeTypeFont, character: str) -> bool:
    # A font draws the same empty box for all characters that it does not have.
    return bytes(face.getmask(character)) != bytes(face.getmask(_NO_CHARACTER))


def _leave_unknown_out(text: str, font: Font) -> str:
    """Put one ellipsis in the place of each run of characters that no font has."""
    words: list[str] = []
    for character in text:
        is_unknown = _find_face(character, font)[1] == _UNKNOWN != character
        if not is_unknown:
            words.append(character)
        elif not words or words[-1] != _LEFT_OUT:
            words.append(_LEFT_OUT)
    return "".join(words)
