"""The program of the media child, `python -m app.media.decode`: draws small pictures of video.

    groups of pictures on standard input ─► libav's H.264 decoder ─► tiles, poster ─► WebP on output
    one PNG, JPEG or WebP ─► Pillow ─► WebP

Everything is loaded and used once, then the sandbox is closed, and only then the first untrusted
byte is read. libav receives coded pictures one by one and never opens a container, since
`formats.video.mp4` has found where they are in the file. So its demuxers, in which most of its
vulnerabilities were found, cannot be reached, and the codec is fixed here. Any error ends the
process, and the parent starts another one.

Source: ISO/IEC 14496-15 (avcC); CVE-2022-2566, CVE-2026-40962, CVE-2026-96611 (`mov.c`).
"""

import os
import sys
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from PIL import Image

from app.children import messages, sandbox
from app.media import still, strip, wire
from app.media.strip import PictureStrip

_LOW_PRIORITY: Final = 10
_FAILED: Final = 1
_MOST_PIXELS: Final = 4_096 * 4_096
_TURNED: Final = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""Pillow rotates to the left."""
_TRUSTED: Final = wire.CodedGroup(
    config=bytes.fromhex("0142c00affe100146742c00adde84000000300400000030083c489e001000468ce0fc8"),
    quarter_turns=1,
    samples=(
        wire.CodedSample(
            0,
            wire.WANTED | wire.POSTER,
            bytes.fromhex("000000116588843a118a000200f1c0009c70002780"),
        ),
    ),
)
"""A grey picture of 16 by 16 pixels; decoding it loads everything that is loaded lazily."""


class Decoder:
    """Decodes groups into a strip; successive groups of one configuration share a codec context."""

    def __init__(self, target: PictureStrip) -> None:
        self._film = target
        self._config = b""
        self._codec: VideoCodecContext | None = None

    def decode(self, group: wire.CodedGroup) -> None:
        """Add the wanted pictures of one group in the order in which they are shown.

        Raises:
            Exception: The pictures cannot be decoded. libav raises many kinds of errors, and each
                of them ends the child.
        """
        codec = self._opened(group.config)
        marks = {sample.at_ms: sample.marks for sample in group.samples}
        frames: list[VideoFrame] = []
        for sample in group.samples:
            packet = av.Packet(bytes(sample.data))
            packet.pts = packet.dts = sample.at_ms
            frames += codec.decode(packet)
        frames += codec.decode(None)
        for frame in frames:
            frame_marks = marks.get(frame.pts or 0, 0)
            if frame_marks & wire.WANTED:
                picture = _scale_frame(frame, strip.TILE_SIDE_PX, group.quarter_turns)
                self._film.add(picture, frame.pts or 0)
            if frame_marks & wire.POSTER:
                self._film.set_poster(
                    _scale_frame(frame, strip.POSTER_SIDE_PX, group.quarter_turns)
                )

    def _opened(self, config: bytes) -> VideoCodecContext:
        """Return a fresh decoder: a group begins with a keyframe and needs nothing before it."""
        if self._codec is None or self._config != config:
            codec = VideoCodecContext.create("h264", "r")
            codec.extradata = config
            codec.thread_type = "NONE"
            codec.thread_count = 1  # the sandbox forbids the system call that makes a thread
            self._codec, self._config = codec, config
        else:
            self._codec.flush_buffers()
        return self._codec


def main() -> None:
    """Serve the parent until it closes the pipe."""
    os.nice(_LOW_PRIORITY)
    av.logging.set_level(None)
    warm_up()
    is_filtered = sandbox.close_sandbox(sandbox.SandboxLimits())
    try:
        serve(is_filtered=is_filtered)
    except BaseException:  # noqa: BLE001 - a traceback would open source files
        os._exit(_FAILED)
    os._exit(0)


def warm_up() -> None:
    """Use everything once, with a picture of our own."""
    warm = PictureStrip()
    Decoder(warm).decode(_TRUSTED)
    wire.unpack_strip(wire.pack_strip(warm.draw()), [0])
    still.warm_up()


def serve(*, is_filtered: bool) -> None:
    """Answer requests one after another."""
    decoded = PictureStrip()
    decoder = Decoder(decoded)
    messages.send_message(messages.READY, bytes((is_filtered,)))
    while (request := messages.receive_message()) is not None:
        kind, body = request
        if kind == wire.GROUP:
            decoder.decode(wire.unpack_group(body))
            messages.send_message(wire.NEXT, b"")
        elif kind == wire.STILL:
            messages.send_message(wire.ANEW, wire.pack_still(still.redraw(body)))
        elif kind == wire.PHOTO:
            drawn = still.redraw(body, is_jpeg=True)
            messages.send_message(wire.ANEW, wire.pack_still(drawn))
        else:
            messages.send_message(wire.DRAWN, wire.pack_strip(decoded.draw()))


def _scale_frame(frame: VideoFrame, side_px: int, quarter_turns: int) -> Image.Image:
    """Return a frame as a small, upright picture."""
    if frame.width * frame.height > _MOST_PIXELS:
        raise ValueError("the picture is too large")
    width, height = strip.fit_size(frame.width, frame.height, side_px)
    scaled = frame.reformat(width, height, "rgb24", interpolation="AREA", threads=1)
    plane = scaled.planes[0]
    picture = Image.frombytes("RGB", (width, height), bytes(plane), "raw", "RGB", plane.line_size)
    return picture.transpose(_TURNED[quarter_turns]) if quarter_turns else picture


if __name__ == "__main__":
    main()
    sys.exit(_FAILED)
