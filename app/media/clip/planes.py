"""A picture in the planes that video encoders take: brightness, and two colours of half the size.

Everything is drawn into these planes. A clip of an hour has thousands of pictures; turning each of
them into red, green and blue and back would cost more than encoding them. Runs inside the clip
child; Pillow and libav only.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from av.video.frame import VideoFrame
from PIL import Image

from app.media.clip.wire import ClipBox

_PIXEL_FORMAT: Final = "yuv420p"
_FULL_RANGE: Final = 2
_VIDEO_RANGE: Final = 1
"""Values of `VideoFrame.color_range`: brightness from 0 to 255, or from 16 to 235."""
_TURNED: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""Pillow rotates to the left."""
_BLACK: Final = 16
_NEUTRAL: Final = 128
"""The value of both planes of colour that is grey."""


class PlaneColour(NamedTuple):
    """A colour as brightness and two differences, each from 0 to 255."""

    y: int
    u: int
    v: int


def make_colour(red: int, green: int, blue: int) -> PlaneColour:
    """Return red, green and blue, from 0 to 255, as brightness and differences.

    Source: ITU-R BT.601, in the range of video.
    """
    y = 16 + (65.738 * red + 129.057 * green + 25.064 * blue) / 256
    u = 128 + (-37.945 * red - 74.494 * green + 112.439 * blue) / 256
    v = 128 + (112.439 * red - 94.154 * green - 18.285 * blue) / 256
    return PlaneColour(round(y), round(u), round(v))


@dataclass(slots=True)
class PlanarPicture:
    """A picture of even sides; `u` and `v` have half its width and height."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    @property
    def planes(self) -> tuple[Image.Image, Image.Image, Image.Image]:
        """The planes in the order in which encoders take them."""
        return self.y, self.u, self.v

    def copy(self) -> "PlanarPicture":
        """Return a copy to draw on."""
        return PlanarPicture(self.y.copy(), self.u.copy(), self.v.copy())

    def paste(self, other: "PlanarPicture", x: int, y: int) -> None:
        """Put another picture on this one, with its left top corner at an even place."""
        self.y.paste(other.y, (x, y))
        self.u.paste(other.u, (x // 2, y // 2))
        self.v.paste(other.v, (x // 2, y // 2))

    def fill(self, colour: PlaneColour, box: ClipBox) -> None:
        """Fill a rectangle with a colour."""
        end_x, end_y = box.x + box.width, box.y + box.height
        self.y.paste(colour.y, (box.x, box.y, end_x, end_y))
        half = (box.x // 2, box.y // 2, end_x // 2, end_y // 2)
        self.u.paste(colour.u, half)
        self.v.paste(colour.v, half)

    def stamp(self, colour: PlaneColour, mask: Image.Image, x: int, y: int) -> None:
        """Put a colour on the picture through a mask; what lies outside the picture is left out.

        Args:
            colour: The colour.
            mask: The part of the colour in each pixel, from 0 to 255.
            x: The column of the left edge of the mask; it may be negative.
            y: The row of its upper edge.
        """
        # The mask is moved to an even place, so that its half falls on whole pixels of colour.
        left, top = x & ~1, y & ~1
        width, height = mask.width + (x - left) + 1 & ~1, mask.height + (y - top) + 1 & ~1
        if (width, height) != mask.size:
            padded = Image.new("L", (width, height))
            padded.paste(mask, (x - left, y - top))
            mask = padded
        self.y.paste(colour.y, (left, top, left + width, top + height), mask)
        half = mask.reduce(2)
        corner = (left // 2, top // 2, left // 2 + half.width, top // 2 + half.height)
        self.u.paste(colour.u, corner, half)
        self.v.paste(colour.v, corner, half)

    def dim(self, box: ClipBox) -> None:
        """Make a rectangle darker, as the player does while there is no video."""
        corners = (box.x, box.y, box.x + box.width, box.y + box.height)
        darker = self.y.crop(corners).point([_BLACK + (y - _BLACK) // 3 for y in range(256)])
        self.y.paste(darker, corners)
        half = (corners[0] // 2, corners[1] // 2, corners[2] // 2, corners[3] // 2)
        for plane in (self.u, self.v):
            paler = plane.crop(half).point([_NEUTRAL + (c - _NEUTRAL) // 2 for c in range(256)])
            plane.paste(paler, half)

    def to_frame(self) -> VideoFrame:
        """Return the picture as an encoder takes it."""
        frame = VideoFrame(self.y.width, self.y.height, _PIXEL_FORMAT)
        for target, plane in zip(frame.planes, self.planes, strict=True):
            padded = plane
            if target.line_size != plane.width:
                padded = Image.new("L", (target.line_size, target.height))
                padded.paste(plane)
            target.update(padded.tobytes())
        return frame


def make_picture(width: int, height: int, colour: PlaneColour) -> PlanarPicture:
    """Make a picture of one colour; its sides are even."""
    half = (width // 2, height // 2)
    return PlanarPicture(
        Image.new("L", (width, height), colour.y),
        Image.new("L", half, colour.u),
        Image.new("L", half, colour.v),
    )


def read_frame(frame: VideoFrame, quarter_turns: int, width: int, height: int) -> PlanarPicture:
    """Return a decoded frame as an upright picture.

    Args:
        frame: The frame.
        quarter_turns: The clockwise turns by 90° that make it upright.
        width: Its width when it is upright, which is even. A frame that is one pixel wider is cut.
        height: Its height, likewise.
    """
    if quarter_turns % 2:
        width, height = height, width
    is_size_right = frame.width & ~1 == width and frame.height & ~1 == height
    is_full = frame.color_range == _FULL_RANGE
    if not is_size_right or is_full or frame.format.name != _PIXEL_FORMAT:
        frame = frame.reformat(
            frame.width if is_size_right else width,
            frame.height if is_size_right else height,
            _PIXEL_FORMAT,
            # AREA makes smaller without holes, BILINEAR makes larger without squares.
            interpolation="AREA" if width < frame.width else "BILINEAR",
            src_color_range=_FULL_RANGE if is_full else None,
            dst_color_range=_VIDEO_RANGE if is_full else None,
            threads=1,
        )
    planes = []
    for plane, divisor in zip(frame.planes, (1, 2, 2), strict=True):
        size = (width // divisor, height // divisor)
        picture = Image.frombytes("L", size, bytes(plane), "raw", "L", plane.line_size)
        planes.append(picture.transpose(_TURNED[quarter_turns]) if quarter_turns else picture)
    return PlanarPicture(*planes)
