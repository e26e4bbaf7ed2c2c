"""The bodies of the messages between the server and a clip child: see `children.messages`.

    PLAN   to child    a `ClipPlan`; comes first, and once
    SHOTS  to child    a `ShotList`, as it is decoded, then the coded group as `media.wire` packs it
    END    to child    no body; no more pictures come
    PART   from child  pieces of the file that are ready: see `pack_pieces`

The child writes a file from its beginning to its end, and then goes back to write its head. So
that it never holds the file, it sends each write as a piece with its offset, and the server puts
the pieces together. The child is as untrusted as the video that it decodes: every offset is
checked.
"""

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, Literal, NamedTuple

import msgspec

from app.core.errors import MalformedInput
from app.media import wire
from app.media.wire import CodedGroup

PLAN: Final = 1
SHOTS: Final = 2
END: Final = 3
PART: Final = 4

MOST_FILE_BYTES: Final = 256 * 1024 * 1024
"""The longest file of a clip; an hour of an app in use has 20 to 60 MB."""
MOST_ANSWER_BYTES: Final = 48 * 1024 * 1024
"""The longest message of a child: all of a WebP comes with the last one."""
LONGEST_SIDE_PX: Final = 2_048

_LENGTH: Final = Struct(">I")
_PIECE: Final = Struct(">QI")


class ClipBox(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rectangle on the canvas, in pixels; all four numbers are even."""

    x: int
    y: int
    width: int
    height: int


class ClipPlan(msgspec.Struct, frozen=True, array_like=True):
    """The size and the form of a clip."""

    format: str
    """`mp4`, `gif` or `webp`."""
    width: int
    height: int
    stage: ClipBox
    """The room for pictures, each of which is fitted into its middle."""
    body_px: int
    """The width of the edge of the device that is drawn around a picture; 0 for no device."""
    caption: ClipBox | None
    """The bar with the caption, if there is one."""
    font_px: int
    shots: int
    """The most pictures that follow."""
    last_ms: int
    """The time for which the last picture is shown."""


class ClipMark(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A mark of a gesture, in pixels of a picture of `size`."""

    kind: Literal["ring", "press", "trail", "badge"]
    finger: int
    size: tuple[int, int]
    points: tuple[tuple[float, float], ...]
    """The middle of a ring or press, the corners of a trail, the left top corner of a badge."""
    radius: float = 0.0
    filled: float = 0.0
    """The radius of the disc inside a press."""
    text: str = ""


class ClipCaption(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The words in the bar under the picture: two lines, of which either may be empty."""

    screen: str
    """The screen of the app."""
    clock: str
    """The time of the replay, at the right end of the same line."""
    event: str
    """The last tap or the last failed request."""
    is_failure: bool


class ClipShot(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One picture of the clip."""

    sample: int
    """The number of the coded picture in its group, in decode order."""
    at_ms: int
    """The time in the clip from which it is shown."""
    marks: tuple[ClipMark, ...] = ()
    caption: ClipCaption | None = None
    notice: str = ""
    """Words over the dimmed picture, where time without video was cut out."""


class ShotList(msgspec.Struct, frozen=True, array_like=True):
    """The pictures of the clip that one coded group gives, in the order of their times."""

    shots: tuple[ClipShot, ...]


class FilePiece(NamedTuple):
    """Bytes of the file, and where they lie in it."""

    offset: int
    data: bytes | memoryview


_encoder: Final = msgspec.msgpack.Encoder()
_read_plan: Final = msgspec.msgpack.Decoder(ClipPlan).decode
_read_shots: Final = msgspec.msgpack.Decoder(ShotList).decode


def pack_plan(plan: ClipPlan) -> bytes:
    """Write a plan for the child."""
    return _encoder.encode(plan)


def unpack_plan(body: bytes) -> ClipPlan:
    """Read a plan that `pack_plan` wrote."""
    return _read_plan(body)


def pack_shots(shots: Sequence[ClipShot], group: CodedGroup) -> bytes:
    """Write the pictures that one coded group gives, and the group."""
    head = _encoder.encode(ShotList(tuple(shots)))
    return b"".join((_LENGTH.pack(len(head)), head, wire.pack_group(group)))


def unpack_shots(body: bytes) -> tuple[tuple[ClipShot, ...], CodedGroup]:
    """Read what `pack_shots` wrote; the child trusts the server."""
    (head_bytes,) = _LENGTH.unpack_from(body)
    end = _LENGTH.size + head_bytes
    shots = _read_shots(memoryview(body)[_LENGTH.size : end]).shots
    return shots, wire.unpack_group(body[end:])


def pack_pieces(pieces: Iterable[FilePiece]) -> bytes:
    """Write pieces of the file, one after another."""
    parts: list[bytes | memoryview] = []
    for piece in pieces:
        parts += (_PIECE.pack(piece.offset, len(piece.data)), piece.data)
    return b"".join(parts)


def unpack_pieces(body: bytes) -> list[FilePiece]:
    """Read and check the pieces that a child sent.

    Raises:
        MalformedInput: An honest child cannot have sent this, or the file becomes too long.
    """
    pieces: list[FilePiece] = []
    view, at = memoryview(body), 0
    while at < len(view):
        if at + _PIECE.size > len(view):
            raise MalformedInput("the clip child sent a truncated piece")
        offset, size_bytes = _PIECE.unpack_from(view, at)
        at += _PIECE.size
        if at + size_bytes > len(view):
            raise MalformedInput("the clip child sent a truncated piece")
        if offset + size_bytes > MOST_FILE_BYTES:
            raise MalformedInput(
                f"the file becomes larger than {MOST_FILE_BYTES >> 20} MiB; choose a shorter range"
            )
        pieces.append(FilePiece(offset, view[at : at + size_bytes]))
        at += size_bytes
    return pieces
