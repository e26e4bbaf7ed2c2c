"""The media child: `python -m app.media.decode` turns coded pictures into small ones.

    groups of pictures on standard input ─► libav's H.264 decoder ─► tiles, poster ─► WebP on output
    one PNG, JPEG or WebP ─► Pillow ─► WebP

Everything is loaded and used once, then the sandbox is closed, then the first untrusted byte is
read. libav gets coded pictures one by one and never opens a container: where they lie in the file
was read by `formats.mp4`, so the demuxers, where most of its faults were found, are out of reach,
and the codec is fixed here. Any fault ends the process; the parent starts another.

Source: ISO/IEC 14496-15 (avcC); CVE-2022-2566, CVE-2026-40962, CVE-2026-96611 (`mov.c`).
"""

import os
import sys
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from app.media import film, sandbox, still, wire
from app.media.film import Film

_IN: Final = 0
_OUT: Final = 1
_LOW_PRIORITY: Final = 10
_FAILED: Final = 1
_MOST_PIXELS: Final = 4_096 * 4_096
_TURNED: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""Pillow turns to the left."""
_TRUSTED: Final = wire.Group(
    config=bytes.fromhex("0142c00affe100146742c00adde84000000300400000030083c489e001000468ce0fc8"),
    quarter_turns=1,
    samples=(
        wire.Sample(
            0,
            wire.WANTED | wire.POSTER,
            bytes.fromhex("000000116588843a118a000200f1c0009c70002780"),
        ),
    ),
)
"""A grey picture of 16 by 16 pixels: decoding it loads whatever is loaded late."""


class Decoder:
    """Decodes groups into a film; neighbours of one configuration share a codec context."""

    def __init__(self, target: Film) -> None:
        self._film = target
        self._config = b""
        self._codec: VideoCodecContext | None = None

    def decode(self, group: wire.Group) -> None:
        """Add the wanted pictures of one group, in the order they are shown.

        Raises:
            Exception: The pictures cannot be decoded; of many kinds, and each is the end.
        """
        codec = self._opened(group.config)
        marks = {one.at_ms: one.marks for one in group.samples}
        frames: list[VideoFrame] = []
        for one in group.samples:
            packet = av.Packet(bytes(one.data))
            packet.pts = packet.dts = one.at_ms
            frames += codec.decode(packet)
        frames += codec.decode(None)
        for frame in frames:
            wanted = marks.get(frame.pts or 0, 0)
            if wanted & wire.WANTED:
                picture = _scaled(frame, film.TILE_SIDE_PX, group.quarter_turns)
                self._film.add(picture, frame.pts or 0)
            if wanted & wire.POSTER:
                self._film.set_poster(_scaled(frame, film.POSTER_SIDE_PX, group.quarter_turns))

    def _opened(self, config: bytes) -> VideoCodecContext:
        """Return the decoder, as new: a group begins with a keyframe and needs nothing else."""
        if self._codec is None or self._config != config:
            codec = VideoCodecContext.create("h264", "r")
            codec.extradata = config
            codec.thread_type = "NONE"
            codec.thread_count = 1  # a thread would be a system call too many
            self._codec, self._config = codec, config
        else:
            self._codec.flush_buffers()
        return self._codec


def main() -> None:
    """Serve the parent until it closes the pipe."""
    os.nice(_LOW_PRIORITY)
    av.logging.set_level(None)
    warm_up()
    is_filtered = sandbox.close(sandbox.Limits())
    try:
        serve(is_filtered=is_filtered)
    except BaseException:  # noqa: BLE001 - a traceback would open source files
        os._exit(_FAILED)
    os._exit(0)


def warm_up() -> None:
    """Use everything once, on a picture of our own."""
    warm = Film()
    Decoder(warm).decode(_TRUSTED)
    wire.unpack_strip(wire.pack_strip(warm.draw()), [0])
    still.warm_up()


def serve(*, is_filtered: bool) -> None:
    """Answer requests in turn."""
    decoded = Film()
    decoder = Decoder(decoded)
    _send(wire.READY, bytes((is_filtered,)))
    while True:
        head = _read(wire.HEAD.size)
        if not head:
            return
        kind, size_bytes = wire.HEAD.unpack(head)
        body = _read(size_bytes)
        if kind == wire.GROUP:
            decoder.decode(wire.unpack_group(body))
            _send(wire.NEXT, b"")
        elif kind == wire.STILL:
            _send(wire.ANEW, wire.pack_still(still.redraw(body)))
        else:
            _send(wire.DRAWN, wire.pack_strip(decoded.draw()))


def _scaled(frame: VideoFrame, side_px: int, quarter_turns: int) -> Image.Image:
    """Return a frame as a small picture, upright."""
    if frame.width * frame.height > _MOST_PIXELS:
        raise ValueError("the picture is too large")
    width, height = film.fitted(frame.width, frame.height, side_px)
    small = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1)
    plane = small.planes[0]
    picture = Image.frombytes("RGB", (width, height), bytes(plane), "raw", "RGB", plane.line_size)
    return picture.transpose(_TURNED[quarter_turns]) if quarter_turns else picture


def _read(size_bytes: int) -> bytes:
    """Read so many bytes; none when the parent has gone."""
    parts = []
    while size_bytes:
        part = os.read(_IN, size_bytes)
        if not part:
            return b""
        parts.append(part)
        size_bytes -= len(part)
    return b"".join(parts)


def _send(kind: int, body: bytes) -> None:
    rest = memoryview(wire.HEAD.pack(kind, len(body)) + body)
    while rest:
        rest = rest[os.write(_OUT, rest) :]


if __name__ == "__main__":
    main()
    sys.exit(_FAILED)
