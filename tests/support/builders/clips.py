"""Makes small real videos, so that tests need no files.

    clip()                               five seconds as Android's segments are: 1 frame a second
    clip(frames=3, moov_first=True)      one detail changed

Every frame has its own flat colour (`colour_of`), so that a test can tell frames apart after
decoding. The same arguments give the same bytes, made once per process.
"""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Final

import av
from av.video.frame import VideoFrame

_TICKS_A_SECOND: Final = 1000
_COLOURS: Final = (
    (220, 40, 40),
    (40, 180, 60),
    (40, 70, 220),
    (230, 200, 40),
    (200, 60, 200),
    (40, 200, 210),
    (240, 240, 240),
    (30, 30, 30),
)


def colour_of(frame: int) -> tuple[int, int, int]:
    """Return red, green and blue (0 to 255) of the n-th frame of every clip, before encoding."""
    return _COLOURS[frame % len(_COLOURS)]


@cache
def clip(
    *,
    frames: int = 5,
    fps: float = 1,
    width: int = 128,
    height: int = 256,
    keyframe_every: int = 6,
    b_frames: int = 0,
    moov_first: bool = False,
    fragmented: bool = False,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    container: str = "mp4",
    times_ms: tuple[int, ...] | None = None,
) -> bytes:
    """Make a video; by default H.264 in MP4 with `moov` at the end, as mobile SDKs send it.

    Args:
        frames: How many pictures; ignored if `times_ms` is given.
        fps: Pictures a second.
        width: In pixels; 4:2:0 needs an even number.
        height: In pixels, likewise.
        keyframe_every: Distance of key frames, in frames.
        b_frames: Most B-frames in a row; then decode order is not the order of display.
        moov_first: Put `moov` before the samples ("faststart").
        fragmented: Write `moof` and `mdat` pairs, one per key frame.
        codec: An encoder's name: `libx264`, `libx265`, `mpeg4`, `mjpeg`, `libvpx-vp9`.
        pixel_format: Such as `yuv444p`, which no browser plays.
        container: A muxer's name: `mp4`, `webm`, `mpegts`, `h264`.
        times_ms: When each frame is shown, for an uneven rate.

    Returns:
        The file's bytes.
    """
    shown_ms = times_ms or tuple(round(n * 1000 / fps) for n in range(frames))
    flags = ["faststart"] if moov_first else []
    flags += ["frag_keyframe", "empty_moov", "default_base_moof"] if fragmented else []
    options: dict[str, str] = {"movflags": "+".join(flags)} if flags else {}
    # A file, not memory: to put `moov` first the muxer reads back what it wrote.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip")
        with av.open(str(path), "w", format=container, options=options) as output:
            stream = output.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
            stream.codec_context.time_base = Fraction(1, _TICKS_A_SECOND)
            stream.gop_size = keyframe_every
            stream.max_b_frames = b_frames
            if codec == "libx264":
                stream.options = _x264_options(keyframe_every, b_frames, pixel_format)
            for frame in _pictures(shown_ms, width, height, pixel_format):
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()


def _x264_options(keyframe_every: int, b_frames: int, pixel_format: str) -> dict[str, object]:
    profile = "high444" if pixel_format == "yuv444p" else "main" if b_frames else "baseline"
    return {
        "profile": profile,
        "preset": "ultrafast",
        "threads": "1",
        "x264-params": (
            f"keyint={keyframe_every}:min-keyint={keyframe_every}:scenecut=0:"
            f"bframes={b_frames}:b-adapt=0:rc-lookahead=0:sync-lookahead=0"
        ),
    }


def _pictures(
    shown_ms: tuple[int, ...], width: int, height: int, pixel_format: str
) -> Iterator[VideoFrame]:
    for number, at_ms in enumerate(shown_ms):
        picture = VideoFrame(width, height, "rgb24")
        plane = picture.planes[0]
        row = bytes(colour_of(number)) * width
        plane.update(row.ljust(plane.line_size, b"\0") * height)
        frame = picture.reformat(format=pixel_format)
        frame.pts = at_ms
        frame.time_base = Fraction(1, _TICKS_A_SECOND)
        yield frame
