"""Encodes the pictures of a clip into a file that is written piece by piece.

    MP4    H.264 without B-frames, the head before the pictures, so that a file plays while it loads
    GIF    a palette of its own for each picture that was on the screen
    WebP   lossy; comes as one piece at the end

Every encoder runs in one thread, since the sandbox forbids to make another one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from fractions import Fraction
from struct import Struct
from types import MappingProxyType
from typing import ClassVar, Final, override

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from app.core.replay.clip_format import ClipFormat
from app.media.clip.planes import PlanarPicture
from app.media.clip.wire import ClipPlan, FilePiece

_X264_OPTIONS: Final = MappingProxyType(
    {
        "preset": "veryfast",
        "profile": "main",
        "crf": "25",
        # Pictures come unevenly, one a second and ten while a finger moves, so that the distance
        # of keyframes is counted in pictures: a player that seeks decodes 120 at most.
        "x264-params": "threads=1:bframes=0:keyint=120:rc-lookahead=4:sync-lookahead=0",
    }
)
_HEAD_BYTES: Final = 4_096
"""The head of an MP4 without its tables."""
_HEAD_BYTES_A_PICTURE: Final = 24
"""The tables of an MP4 have a duration (8 bytes), a size (4) and a place (4 to 8) a picture."""
_PALETTE_COLOURS: Final = 256
_GIF_COLOURS: Final = 255
"""One is left for the number of the picture."""
_RIFF_HEAD_BYTES: Final = 12
_RIFF_CHUNK: Final = Struct("<4sI")
_ANMF_DURATION_AT: Final = 12


class PieceWriter:
    """A file that libav writes; it keeps only what was not taken yet."""

    def __init__(self) -> None:
        self._at = 0
        self._end = 0
        self._pieces: list[FilePiece] = []

    def write(self, data: bytes) -> int:
        """Write bytes at the current place."""
        data = bytes(data)
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.offset + len(last.data) == self._at:
            self._pieces[-1] = FilePiece(last.offset, bytes(last.data) + data)
        else:
            self._pieces.append(FilePiece(self._at, data))
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to another place; libav goes back to write the head when it knows the rest."""
        base = (0, self._at, self._end)[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the current place."""
        return self._at

    def take_pieces(self) -> list[FilePiece]:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces


class ClipEncoder(ABC):
    """Encodes one clip; pictures come in the order of their times."""

    codec: ClassVar[str]
    pixel_format: ClassVar[str]
    codec_options: ClassVar[Mapping[str, str]] = {}
    unit: ClassVar[Fraction] = Fraction(1, 1_000)
    """The unit of time of the file, in seconds."""

    def __init__(self, plan: ClipPlan) -> None:
        self.writer: Final = PieceWriter()
        self._plan = plan
        options = self._choose_file_options(plan)
        self._output = av.open(self.writer, "w", format=plan.format, options=options)
        stream = self._output.add_stream(
            self.codec, rate=round(1 / self.unit), options=dict(self.codec_options)
        )
        assert isinstance(stream, VideoStream)  # noqa: S101 - all of these codecs are of video
        stream.width, stream.height = plan.width, plan.height
        stream.pix_fmt = self.pixel_format
        stream.thread_type, stream.thread_count = "NONE", 1
        stream.codec_context.time_base = self.unit
        self._stream: Final = stream
        self._last: Packet[VideoStream] | None = None

    def add(self, picture: PlanarPicture, at_ms: int) -> None:
        """Add a picture that is shown from a time on, which is later than that of the last one."""
        frame = self._make_frame(picture)
        frame.pts, frame.time_base = self._to_units(at_ms), self.unit
        self._mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what is left."""
        self._mux(self._stream.encode(None))
        if self._last is not None:
            self._last.duration = self._to_units(self._plan.last_ms)
            self._output.mux(self._last)
        self._output.close()

    def _make_frame(self, picture: PlanarPicture) -> VideoFrame:
        """Return a picture as the codec takes it."""
        return picture.to_frame()

    @staticmethod
    @abstractmethod
    def _choose_file_options(plan: ClipPlan) -> dict[str, str]:
        """Return the options of the file."""

    def _to_units(self, time_ms: int) -> int:
        return round(Fraction(time_ms, 1_000) / self.unit)

    def _mux(self, packets: "list[Packet[VideoStream]]") -> None:
        """Write packets but for the last one, whose duration the next one tells."""
        for packet in packets:
            if self._last is not None:
                self._output.mux(self._last)
            self._last = packet


class Mp4Encoder(ClipEncoder):
    """Encodes an MP4 that browsers, phones and chats play."""

    codec = "libx264"
    pixel_format = "yuv420p"
    codec_options: ClassVar[Mapping[str, str]] = _X264_OPTIONS

    @staticmethod
    @override
    def _choose_file_options(plan: ClipPlan) -> dict[str, str]:
        # Room for the head before the pictures, so that a file plays while it loads.
        return {"moov_size": str(_HEAD_BYTES + plan.shots * _HEAD_BYTES_A_PICTURE)}


class GifEncoder(ClipEncoder):
    """Encodes a GIF that repeats for ever."""

    codec = "gif"
    pixel_format = "pal8"
    unit = Fraction(1, 100)

    @staticmethod
    @override
    def _choose_file_options(plan: ClipPlan) -> dict[str, str]:
        return {"loop": "0", "final_delay": str(max(2, round(plan.last_ms / 10)))}

    def __init__(self, plan: ClipPlan) -> None:
        super().__init__(plan)
        self._frames = 0

    @override
    def _make_frame(self, picture: PlanarPicture) -> VideoFrame:
        colours = picture.to_frame().reformat(format="rgb24", threads=1)
        plane, size = colours.planes[0], (colours.width, colours.height)
        coloured = Image.frombytes("RGB", size, bytes(plane), "raw", "RGB", plane.line_size)
        self._frames += 1
        return _make_palette_frame(coloured, self._frames)


class WebpEncoder(ClipEncoder):
    """Encodes a WebP that repeats for ever."""

    codec = "libwebp_anim"
    pixel_format = "yuv420p"
    codec_options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"quality": "62", "compression_level": "2"}
    )

    @staticmethod
    @override
    def _choose_file_options(plan: ClipPlan) -> dict[str, str]:
        return {"loop": "0"}

    @override
    def finish(self) -> None:
        super().finish()
        # libav does not hand the time of the last picture on to libwebp, which then guesses it.
        for piece in self.writer.take_pieces():
            self.writer.seek(piece.offset)
            self.writer.write(_set_last_duration(bytes(piece.data), self._plan.last_ms))


def open_encoder(plan: ClipPlan) -> ClipEncoder:
    """Open the encoder of a clip's format."""
    match ClipFormat(plan.format):
        case ClipFormat.MP4:
            return Mp4Encoder(plan)
        case ClipFormat.GIF:
            return GifEncoder(plan)
        case ClipFormat.WEBP:
            return WebpEncoder(plan)


def _make_palette_frame(picture: Image.Image, number: int) -> VideoFrame:
    """Reduce a picture to a palette of its own, without dots that would flicker.

    The last entry of the palette is the number of the picture. libav writes only what has changed
    since the picture before where a palette is that of the first picture, and compares numbers of
    entries instead of colours: so no two palettes may be equal.
    """
    reduced = picture.quantize(
        _GIF_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    frame = VideoFrame(picture.width, picture.height, "pal8")
    numbers, palette = frame.planes[0], frame.planes[1]
    rows = Image.frombytes("L", picture.size, reduced.tobytes())
    padded = Image.new("L", (numbers.line_size, picture.height))
    padded.paste(rows)
    numbers.update(padded.tobytes())
    colours = (reduced.getpalette() or [])[: _PALETTE_COLOURS * 3]
    entries = b"".join(
        bytes((blue, green, red, 255))
        for red, green, blue in zip(colours[::3], colours[1::3], colours[2::3], strict=True)
    )
    used = entries[: _GIF_COLOURS * 4].ljust(_GIF_COLOURS * 4, b"\0")
    palette.update(used + number.to_bytes(3, "little") + b"\xff")
    return frame


def _set_last_duration(data: bytes, duration_ms: int) -> bytes:
    """Set the duration of the last picture of a WebP; one without movement has none.

    Source: https://developers.google.com/speed/webp/docs/riff_container, "ANMF" chunk.
    """
    last_at = 0
    for name, at in _iterate_chunks(data):
        if name == b"ANMF":
            last_at = at + _ANMF_DURATION_AT
    if not last_at:
        return data
    return data[:last_at] + duration_ms.to_bytes(3, "little") + data[last_at + 3 :]


def _iterate_chunks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the names of the chunks of a RIFF file, and where their contents begin."""
    at = _RIFF_HEAD_BYTES
    while at + _RIFF_CHUNK.size <= len(data):
        name, size_bytes = _RIFF_CHUNK.unpack_from(data, at)
        at += _RIFF_CHUNK.size
        yield name, at
        at += size_bytes + size_bytes % 2
