"""Lays out the canvas of a clip: the room for pictures, the device around it, the caption below.

    ┌─────────────┐
    │ ┌─────────┐ │   body   the edge of the device, if one is drawn
    │ │  stage  │ │   stage  the largest picture of the range; others are fitted into its middle
    │ └─────────┘ │
    │   caption   │   two lines
    └─────────────┘

Encoders need even sides, so all numbers are even.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.replay.clip_format import ClipFormat
from app.media.clip.wire import ClipBox

_LONGEST_SIDE_PX: Final = {
    ClipFormat.MP4: 1_280,
    # Pictures that move are looked at inside messages and tickets, and their files are large.
    ClipFormat.GIF: 640,
    ClipFormat.WEBP: 720,
}
"""The longest side of the stage. Phones send pictures of 800 to 1,200 px."""
_LEAST_SIDE_PX: Final = 16
_BODY_SHARE: Final = 0.045
"""The width of the edge of a device, as a share of the shorter side of the stage."""
_MARGIN_SHARE: Final = 0.03
"""The free room around a device."""
_FONT_SHARE: Final = 0.042
_SMALLEST_FONT_PX: Final = 11
_LARGEST_FONT_PX: Final = 26
_LEAST_CAPTION_WIDTH_PX: Final = 240
"""A caption needs room for words, so a clip of a small picture becomes wider."""


@dataclass(frozen=True, slots=True)
class ClipLayout:
    """The canvas of a clip and what lies where on it."""

    width: int
    height: int
    stage: ClipBox
    body_px: int
    caption: ClipBox | None
    font_px: int


def lay_out_clip(
    sizes: Sequence[tuple[int, int]],
    clip_format: ClipFormat,
    *,
    has_body: bool,
    has_caption: bool,
) -> ClipLayout:
    """Lay out the canvas of a clip.

    Args:
        sizes: The widths and heights of the pictures in the clip, as they are seen, in pixels. A
            phone that is turned has two.
        clip_format: The format, which limits the size.
        has_body: True if a device is drawn around the picture.
        has_caption: True if there is a caption below.
    """
    wide = max(width for width, _ in sizes)
    high = max(height for _, height in sizes)
    scale = min(1.0, _LONGEST_SIDE_PX[clip_format] / max(wide, high))
    stage_width = max(_LEAST_SIDE_PX, _even(wide * scale))
    stage_height = max(_LEAST_SIDE_PX, _even(high * scale))
    shorter = min(stage_width, stage_height)
    body_px = max(6, _even(shorter * _BODY_SHARE)) if has_body else 0
    margin = body_px + (max(4, _even(shorter * _MARGIN_SHARE)) if has_body else 0)
    font_px = round(min(max(shorter * _FONT_SHARE, _SMALLEST_FONT_PX), _LARGEST_FONT_PX))
    width = stage_width + 2 * margin
    if has_caption:
        width = max(width, _LEAST_CAPTION_WIDTH_PX)
    stage = ClipBox((width - stage_width) // 2 & ~1, margin, stage_width, stage_height)
    height = stage_height + 2 * margin
    caption = None
    if has_caption:
        caption = ClipBox(0, height, width, _even(font_px * 3.6))
        height += caption.height
    return ClipLayout(width, height, stage, body_px, caption, font_px)


def fit_picture(width: int, height: int, stage: ClipBox) -> ClipBox:
    """Return where on the canvas a picture is shown: as large as the stage allows, in its middle.

    A picture that has an odd side by which it would just fit loses one row or column instead of
    being scaled, which would blur it.
    """
    if width & ~1 == stage.width and height & ~1 == stage.height:
        return stage
    scale = min(stage.width / width, stage.height / height)
    shown_width = min(stage.width, _even(width * scale))
    shown_height = min(stage.height, _even(height * scale))
    return ClipBox(
        stage.x + ((stage.width - shown_width) // 2 & ~1),
        stage.y + ((stage.height - shown_height) // 2 & ~1),
        shown_width,
        shown_height,
    )


def _even(length: float) -> int:
    """Round down to an even number, at least 2."""
    return max(2, int(length) & ~1)
