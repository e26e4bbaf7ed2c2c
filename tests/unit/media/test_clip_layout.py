"""Tests of the canvas of a clip."""

import pytest
from hypothesis import given, strategies as st

from app.core.replay.clip_format import ClipFormat
from app.media.clip.layout import fit_picture, lay_out_clip
from app.media.clip.wire import LONGEST_SIDE_PX, ClipBox

SIDES = st.integers(min_value=1, max_value=4_096)
SIZES = st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("sizes", "clip_format", "stage"),
    [
        ([(448, 960)], ClipFormat.MP4, (448, 960)),
        ([(375, 811)], ClipFormat.MP4, (374, 810)),  # an odd side loses a column, and stays sharp
        ([(1_170, 2_532)], ClipFormat.MP4, (590, 1_280)),
        ([(448, 960)], ClipFormat.GIF, (298, 640)),
        ([(448, 960), (960, 448)], ClipFormat.MP4, (960, 960)),  # the phone was turned
        ([(1, 1)], ClipFormat.WEBP, (16, 16)),
    ],
)
def test_the_stage_has_room_for_every_picture(sizes, clip_format, stage):
    """The stage is as large as the pictures, within a limit, and its sides are even."""
    laid_out = lay_out_clip(sizes, clip_format, has_body=False, has_caption=False)
    assert (laid_out.stage.width, laid_out.stage.height) == stage
    assert (laid_out.width, laid_out.height) == stage


@given(SIZES, st.sampled_from(ClipFormat), st.booleans(), st.booleans())
def test_everything_lies_on_the_canvas(sizes, clip_format, has_body, has_caption):
    """Sides and places are even, nothing overlaps, and the canvas is not too large."""
    laid_out = lay_out_clip(sizes, clip_format, has_body=has_body, has_caption=has_caption)
    numbers = [laid_out.width, laid_out.height, laid_out.body_px, *_edges(laid_out.stage)]
    if laid_out.caption is not None:
        numbers += _edges(laid_out.caption)
        assert laid_out.caption.y + laid_out.caption.height == laid_out.height
    assert all(number >= 0 and number % 2 == 0 for number in numbers)
    assert max(laid_out.width, laid_out.height) <= LONGEST_SIDE_PX
    for width, height in sizes:
        shown = fit_picture(width, height, laid_out.stage)
        assert all(number % 2 == 0 for number in _edges(shown))
        assert laid_out.stage.x <= shown.x
        assert laid_out.stage.y <= shown.y
        assert shown.x + shown.width <= laid_out.stage.x + laid_out.stage.width
        assert shown.y + shown.height <= laid_out.stage.y + laid_out.stage.height
        assert shown.y + shown.height + laid_out.body_px <= (
            laid_out.caption.y if laid_out.caption else laid_out.height
        )


def _edges(box: ClipBox) -> list[int]:
    return [box.x, box.y, box.width, box.height]
