"""The bodies of the messages between the server and the media child: see `children.messages`.

    GROUP  to child    u8 quarter turns | u16 bytes of config | u16 samples
                       | per sample: u32 bytes, i64 at_ms, u8 marks | config | the samples
    DRAW   to child    no body; asks for the pictures of all groups so far
    STILL  to child    a picture in a file: PNG, JPEG or WebP
    PHOTO  to child    the same, to be drawn as JPEG, which mail programs and chats show
    NEXT   from child  no body; the group is decoded
    DRAWN  from child  a strip: see `pack_strip`
    ANEW   from child  u16 width | u16 height | WebP or JPEG

The child is as untrusted as the video that it decodes: every number it sends is checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from app.core.errors import MalformedInput

GROUP: Final = 1
DRAW: Final = 2
NEXT: Final = 4
DRAWN: Final = 5
STILL: Final = 6
ANEW: Final = 7
PHOTO: Final = 8

WANTED: Final = 1
"""The mark of a sample whose picture may become a tile."""
POSTER: Final = 2
"""The mark of the sample whose picture becomes the poster."""

MOST_TILES: Final = 200
MOST_BYTES: Final = 8 * 1024 * 1024
"""The longest message that a child may send; 200 tiles take less than 2 MiB."""
LONGEST_SIDE_PX: Final = 1_000
LONGEST_STILL_PX: Final = 1_600

_GROUP_HEAD: Final = Struct(">BHH")
_SAMPLE: Final = Struct(">IqB")
_STRIP_HEAD: Final = Struct(">HHBBHBBHH")
_TILE: Final = Struct(">qHH")
_LENGTH: Final = Struct(">I")
_SIZE: Final = Struct(">HH")
_WEBP_MAGIC: Final = (b"RIFF", b"WEBP")
_JPEG_MAGIC: Final = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class CodedSample:
    """One coded picture; `marks` adds up WANTED and POSTER."""

    at_ms: int
    marks: int
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class CodedGroup:
    """A keyframe and the pictures that need it, in decode order.

    `config` is the avcC of the video; `quarter_turns` is the number of clockwise turns by 90°.
    """

    config: bytes
    quarter_turns: int
    samples: tuple[CodedSample, ...]


@dataclass(frozen=True, slots=True)
class StripTile:
    """One picture of the strip: the time at which the screen showed it, and its size."""

    at_ms: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DrawnStrip:
    """The pictures that a child draws of a replay, as WebP.

    Tiles fill sheets row by row: `columns` in a row, `tiles_a_sheet` on a sheet, each in the top
    left corner of its cell. The preview has some of the tiles in one row, centred in their cells.
    """

    poster: bytes
    poster_width: int
    poster_height: int
    cell_width: int
    cell_height: int
    columns: int
    tiles_a_sheet: int
    tiles: tuple[StripTile, ...]
    preview: bytes
    preview_tiles: int
    sheets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StillPicture:
    """One picture that was drawn again, as WebP."""

    data: bytes
    width: int
    height: int


def pack_group(group: CodedGroup) -> bytes:
    """Write a group for the child."""
    parts = [_GROUP_HEAD.pack(group.quarter_turns, len(group.config), len(group.samples))]
    parts += [
        _SAMPLE.pack(len(sample.data), sample.at_ms, sample.marks) for sample in group.samples
    ]
    return b"".join((*parts, group.config, *(sample.data for sample in group.samples)))


def unpack_group(body: bytes) -> CodedGroup:
    """Read a group that `pack_group` wrote; the child trusts the server."""
    turns, config_bytes, count = _GROUP_HEAD.unpack_from(body)
    at = _GROUP_HEAD.size + count * _SAMPLE.size
    rows = list(_SAMPLE.iter_unpack(body[_GROUP_HEAD.size : at]))
    config = body[at : at + config_bytes]
    at += config_bytes
    samples = []
    for size_bytes, at_ms, marks in rows:
        samples.append(CodedSample(at_ms, marks, body[at : at + size_bytes]))
        at += size_bytes
    return CodedGroup(config, turns, tuple(samples))


def pack_strip(strip: DrawnStrip) -> bytes:
    """Write a strip: its numbers, tiles and lengths, then poster, preview and sheets."""
    head = _STRIP_HEAD.pack(
        strip.cell_width, strip.cell_height, strip.columns, strip.tiles_a_sheet,
        len(strip.tiles), strip.preview_tiles, len(strip.sheets),
        strip.poster_width, strip.poster_height,
    )  # fmt: skip
    tiles = [_TILE.pack(tile.at_ms, tile.width, tile.height) for tile in strip.tiles]
    pictures = (strip.poster, strip.preview, *strip.sheets)
    return b"".join((head, *tiles, *(_LENGTH.pack(len(data)) for data in pictures), *pictures))


def unpack_strip(body: bytes, asked_ms: Sequence[int]) -> DrawnStrip:
    """Read and check the strip that a child sent.

    Args:
        body: The body of its answer.
        asked_ms: The times of the samples the child was given; a tile must have one of them.

    Raises:
        MalformedInput: An honest child cannot have sent this.
    """
    if len(body) < _STRIP_HEAD.size:
        raise MalformedInput("the media child sent a truncated strip")
    numbers = _STRIP_HEAD.unpack_from(body)
    cell_width, cell_height, columns, a_sheet, count, preview_tiles, sheets, wide, high = numbers
    lengths_at = _STRIP_HEAD.size + count * _TILE.size
    pictures_at = lengths_at + (2 + sheets) * _LENGTH.size
    if len(body) < pictures_at:
        raise MalformedInput("the media child sent a truncated strip")
    tiles = [StripTile(*row) for row in _TILE.iter_unpack(body[_STRIP_HEAD.size : lengths_at])]
    lengths = [row[0] for row in _LENGTH.iter_unpack(body[lengths_at:pictures_at])]
    poster, preview, *sheet_pictures = _split_pictures(body, pictures_at, lengths)
    strip = DrawnStrip(
        poster=poster, poster_width=wide, poster_height=high,
        cell_width=cell_width, cell_height=cell_height, columns=columns, tiles_a_sheet=a_sheet,
        tiles=tuple(tiles), preview=preview, preview_tiles=preview_tiles,
        sheets=tuple(sheet_pictures),
    )  # fmt: skip
    _check_strip(strip, set(asked_ms))
    return strip


def pack_still(still: StillPicture) -> bytes:
    """Write a picture that was drawn again."""
    return _SIZE.pack(still.width, still.height) + still.data


def unpack_still(body: bytes, *, is_jpeg: bool = False) -> StillPicture:
    """Read and check the picture that a child sent.

    Args:
        body: The message.
        is_jpeg: True if a JPEG was asked for, and not a WebP.

    Raises:
        MalformedInput: An honest child cannot have sent this.
    """
    width, height = _SIZE.unpack(body[: _SIZE.size].ljust(_SIZE.size, b"\0"))
    still = StillPicture(body[_SIZE.size :], width, height)
    has_format = still.data.startswith(_JPEG_MAGIC) if is_jpeg else _is_webp(still.data)
    if not (0 < width <= LONGEST_STILL_PX >= height > 0 and has_format):
        raise MalformedInput("the media child sent a picture that it cannot have drawn")
    return still


def _split_pictures(body: bytes, start: int, lengths: Sequence[int]) -> list[bytes]:
    if start + sum(lengths) != len(body):
        raise MalformedInput("the media child sent pictures of another length than it said")
    pictures = []
    for length in lengths:
        pictures.append(body[start : start + length])
        start += length
    return pictures


def _check_strip(strip: DrawnStrip, asked_ms: set[int]) -> None:
    """Check that an honest child can have made a strip.

    Raises:
        MalformedInput: It cannot.
    """
    times = [tile.at_ms for tile in strip.tiles]
    is_right = (
        0 < len(times) <= MOST_TILES
        and times == sorted(set(times))
        and asked_ms.issuperset(times)
        and all(_is_side(side) for side in (strip.cell_width, strip.cell_height))
        and all(_is_side(side) for side in (strip.poster_width, strip.poster_height))
        and all(0 < tile.width <= strip.cell_width for tile in strip.tiles)
        and all(0 < tile.height <= strip.cell_height for tile in strip.tiles)
        and 0 < strip.columns <= strip.tiles_a_sheet
        and len(strip.sheets) == -(-len(times) // strip.tiles_a_sheet)
        and 0 < strip.preview_tiles <= len(times)
        and all(_is_webp(picture) for picture in (strip.poster, strip.preview, *strip.sheets))
    )
    if not is_right:
        raise MalformedInput("the media child sent a strip that it cannot have made of this video")


def _is_side(side: int) -> bool:
    return 0 < side <= LONGEST_SIDE_PX


def _is_webp(data: bytes) -> bool:
    return (data[:4], data[8:12]) == _WEBP_MAGIC
