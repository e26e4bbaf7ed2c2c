"""Chooses the pictures of a replay that show something new, and draws them on sheets.

    picture ─ unlike the last one kept? ─► kept ─ too many? the shortest shown go ─► tiles
    tiles ─► sheets of 24, a preview of 8 in a row            poster: one picture, larger

Runs inside the media child; Pillow only.
"""

import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops

from app.media.wire import MOST_TILES, DrawnStrip, StripTile

TILE_SIDE_PX: Final = 240
"""The longer side of a tile, for 120 px in a tooltip on a screen of double density."""
POSTER_SIDE_PX: Final = 360
_COLUMNS: Final = 8
_TILES_A_SHEET: Final = 24
_PREVIEW_TILES: Final = 8
_CELL_PX: Final = 5
"""The width of the squares by whose grey pictures are compared."""
_NOTICEABLE: Final = 12
"""The change of grey, of 255, that counts; a keyframe changes a still picture less than that."""
_CHANGED_SHARE: Final = 0.02
"""The share of squares that must change in a new picture: a dialog changes more, a letter less."""
_GREY: Final = (110, 112, 114)
"""The background of pictures, as in the player, so that black and white screens have an edge."""
_QUALITY: Final = 70
_METHOD: Final = 2


@dataclass(frozen=True, slots=True)
class _Picture:
    at_ms: int
    picture: Image.Image


def fit_size(width: int, height: int, side_px: int) -> tuple[int, int]:
    """Return the size of a picture scaled down so that its longer side fits."""
    scale = min(1.0, side_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class PictureStrip:
    """The pictures of one replay in the order of their time, limited however long it is."""

    def __init__(self) -> None:
        self._shots: list[_Picture] = []
        self._last: Image.Image | None = None
        self._poster: Image.Image | None = None

    def add(self, picture: Image.Image, at_ms: int) -> None:
        """Keep a picture of tile size if it is later than the last one and shows a change."""
        if self._shots and at_ms <= self._shots[-1].at_ms:
            return
        traits = picture.convert("L").reduce(_CELL_PX)
        if self._last is not None and not _shows_change(self._last, traits):
            return
        self._last = traits
        self._shots.append(_Picture(at_ms, picture))
        if len(self._shots) > 2 * MOST_TILES:
            self._shots = _thin_out(self._shots)

    def set_poster(self, picture: Image.Image) -> None:
        """Set the picture that represents the replay in lists."""
        self._poster = picture

    def draw(self) -> DrawnStrip:
        """Draw the pictures that were kept.

        Raises:
            ValueError: No picture was kept.
        """
        shots = _thin_out(self._shots)
        if not shots:
            raise ValueError("no picture was kept")
        poster = self._poster or shots[0].picture
        cell = (
            max(shot.picture.width for shot in shots),
            max(shot.picture.height for shot in shots),
        )
        preview = _choose_preview(shots)
        return DrawnStrip(
            poster=_encode_webp(poster),
            poster_width=poster.width,
            poster_height=poster.height,
            cell_width=cell[0],
            cell_height=cell[1],
            columns=_COLUMNS,
            tiles_a_sheet=_TILES_A_SHEET,
            tiles=tuple(
                StripTile(shot.at_ms, shot.picture.width, shot.picture.height) for shot in shots
            ),
            preview=_encode_webp(_draw_preview(preview, cell)),
            preview_tiles=len(preview),
            sheets=tuple(
                _encode_webp(_draw_sheet(shots[at : at + _TILES_A_SHEET], cell))
                for at in range(0, len(shots), _TILES_A_SHEET)
            ),
        )


def _shows_change(before: Image.Image, after: Image.Image) -> bool:
    if before.size != after.size:
        return True
    changes = ImageChops.difference(before, after).histogram()
    return sum(changes[_NOTICEABLE + 1 :]) > _CHANGED_SHARE * after.width * after.height


def _thin_out(shots: list[_Picture]) -> list[_Picture]:
    """Drop the pictures that were shown for the shortest time, so that the strip is least wrong."""
    kept = list(shots)
    while len(kept) > MOST_TILES:
        durations_ms = [after.at_ms - before.at_ms for before, after in itertools.pairwise(kept)]
        del kept[durations_ms.index(min(durations_ms))]
    return kept


def _choose_preview(shots: Sequence[_Picture]) -> list[_Picture]:
    """Choose up to eight pictures, spread evenly."""
    count = min(_PREVIEW_TILES, len(shots))
    return [shots[(2 * number + 1) * len(shots) // (2 * count)] for number in range(count)]


def _draw_sheet(shots: Sequence[_Picture], cell: tuple[int, int]) -> Image.Image:
    """Draw tiles in rows, each in the top left corner of its cell."""
    rows = -(-len(shots) // _COLUMNS)
    sheet = Image.new("RGB", (min(_COLUMNS, len(shots)) * cell[0], rows * cell[1]))
    for number, shot in enumerate(shots):
        sheet.paste(shot.picture, (number % _COLUMNS * cell[0], number // _COLUMNS * cell[1]))
    return sheet


def _draw_preview(shots: Sequence[_Picture], cell: tuple[int, int]) -> Image.Image:
    """Draw tiles in one row, each in the middle of its cell."""
    row = Image.new("RGB", (len(shots) * cell[0], cell[1]), _GREY)
    for number, shot in enumerate(shots):
        aside = (cell[0] - shot.picture.width) // 2
        down = (cell[1] - shot.picture.height) // 2
        row.paste(shot.picture, (number * cell[0] + aside, down))
    return row


def _encode_webp(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=_QUALITY, method=_METHOD)
    return target.getvalue()
