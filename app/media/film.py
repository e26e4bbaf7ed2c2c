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

from app.media.wire import MOST_TILES, Strip, Tile

TILE_SIDE_PX: Final = 240
"""The longer side of a tile: 120 px high in a tooltip on a screen of double density."""
POSTER_SIDE_PX: Final = 360
_COLUMNS: Final = 8
_TILES_A_SHEET: Final = 24
_PREVIEW_TILES: Final = 8
_CELL_PX: Final = 5
"""Pictures are compared by the grey of squares this wide."""
_NOTICEABLE: Final = 12
"""Of 255: what a keyframe changes in a still picture stays below."""
_CHANGED_SHARE: Final = 0.02
"""A picture is new when more of its squares changed: a typed letter is not, a dialog is."""
_GREY: Final = (110, 112, 114)
"""Behind pictures, as on the stage: black and white screens both have an edge."""
_QUALITY: Final = 70
_METHOD: Final = 2


@dataclass(frozen=True, slots=True)
class _Shot:
    at_ms: int
    picture: Image.Image


def fitted(width: int, height: int, side_px: int) -> tuple[int, int]:
    """Return the size of a picture scaled down so that its longer side fits."""
    scale = min(1.0, side_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


class Film:
    """The pictures of one replay, in the order of their time; bounded, however long it is."""

    def __init__(self) -> None:
        self._shots: list[_Shot] = []
        self._last: Image.Image | None = None
        self._poster: Image.Image | None = None

    def add(self, picture: Image.Image, at_ms: int) -> None:
        """Keep a picture of the size of a tile if it is later than the last and shows more."""
        if self._shots and at_ms <= self._shots[-1].at_ms:
            return
        traits = picture.convert("L").reduce(_CELL_PX)
        if self._last is not None and not _is_new(self._last, traits):
            return
        self._last = traits
        self._shots.append(_Shot(at_ms, picture))
        if len(self._shots) > 2 * MOST_TILES:
            self._shots = _thinned(self._shots)

    def set_poster(self, picture: Image.Image) -> None:
        """Keep the picture that stands for the replay."""
        self._poster = picture

    def draw(self) -> Strip:
        """Draw what was kept.

        Raises:
            ValueError: Nothing was.
        """
        shots = _thinned(self._shots)
        if not shots:
            raise ValueError("no picture was kept")
        poster = self._poster or shots[0].picture
        cell = (max(one.picture.width for one in shots), max(one.picture.height for one in shots))
        preview = _spread(shots)
        return Strip(
            poster=_encoded(poster),
            poster_width=poster.width,
            poster_height=poster.height,
            cell_width=cell[0],
            cell_height=cell[1],
            columns=_COLUMNS,
            tiles_a_sheet=_TILES_A_SHEET,
            tiles=tuple(Tile(one.at_ms, one.picture.width, one.picture.height) for one in shots),
            preview=_encoded(_preview(preview, cell)),
            preview_tiles=len(preview),
            sheets=tuple(
                _encoded(_sheet(shots[at : at + _TILES_A_SHEET], cell))
                for at in range(0, len(shots), _TILES_A_SHEET)
            ),
        )


def _is_new(before: Image.Image, after: Image.Image) -> bool:
    if before.size != after.size:
        return True
    changes = ImageChops.difference(before, after).histogram()
    return sum(changes[_NOTICEABLE + 1 :]) > _CHANGED_SHARE * after.width * after.height


def _thinned(shots: list[_Shot]) -> list[_Shot]:
    """Drop those that were shown the shortest: what is wrong then is wrong for the least time."""
    kept = list(shots)
    while len(kept) > MOST_TILES:
        reigns = [after.at_ms - here.at_ms for here, after in itertools.pairwise(kept)]
        del kept[reigns.index(min(reigns))]
    return kept


def _spread(shots: Sequence[_Shot]) -> list[_Shot]:
    """Choose up to eight, spread evenly."""
    count = min(_PREVIEW_TILES, len(shots))
    return [shots[(2 * number + 1) * len(shots) // (2 * count)] for number in range(count)]


def _sheet(shots: Sequence[_Shot], cell: tuple[int, int]) -> Image.Image:
    """Put tiles into rows, each at the top left of its cell."""
    rows = -(-len(shots) // _COLUMNS)
    sheet = Image.new("RGB", (min(_COLUMNS, len(shots)) * cell[0], rows * cell[1]))
    for number, one in enumerate(shots):
        sheet.paste(one.picture, (number % _COLUMNS * cell[0], number // _COLUMNS * cell[1]))
    return sheet


def _preview(shots: Sequence[_Shot], cell: tuple[int, int]) -> Image.Image:
    """Put tiles into one row, each in the middle of its cell, as people see it."""
    row = Image.new("RGB", (len(shots) * cell[0], cell[1]), _GREY)
    for number, one in enumerate(shots):
        aside = (cell[0] - one.picture.width) // 2
        down = (cell[1] - one.picture.height) // 2
        row.paste(one.picture, (number * cell[0] + aside, down))
    return row


def _encoded(picture: Image.Image) -> bytes:
    target = io.BytesIO()
    picture.save(target, "WEBP", quality=_QUALITY, method=_METHOD)
    return target.getvalue()
