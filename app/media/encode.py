"""Encodes pictures into one segment's video, as a phone's recorder does.

The result is what MediaCodec and MediaMuxer write: H.264 without B-frames, one key frame every six
frames, a constant frame rate, and an MP4 with `moov` at the end.

Source: docs/protocol.md, section 5.9.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from PIL import Image

_KEY_FRAME_EVERY: Final = 6
_ALIGNMENT_PX: Final = 16
_TIMESCALE: Final = "90000"
_OPTIONS: Final = {
    "profile": "baseline",
    "preset": "veryfast",
    "crf": "25",
    "maxrate": "100k",
    "bufsize": "400k",
    "x264-params": f"keyint={_KEY_FRAME_EVERY}:scenecut=0:cpu-independent=1",
}
"""Options with which the same pictures give the same bytes: `cpu-independent` avoids code in the
rate control that reads uninitialised memory (seen with MALLOC_PERTURB_). One thread is enough for a
segment of five frames."""


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """One MP4 and its properties; `duration_ms` includes the time of the last frame."""

    data: bytes
    width: int
    height: int
    frames: int
    duration_ms: int


def encode_video(frames: Sequence[Image.Image], *, frames_per_s: int = 1) -> EncodedVideo:
    """Encode pictures of one size at a constant rate.

    Args:
        frames: The pictures in order; repeating a picture costs only a few bytes.
        frames_per_s: The number of frames that are shown in a second.

    Raises:
        ValueError: There are no frames, their sizes differ, or a side is not a multiple of 16.
    """
    width, height = _common_size(frames)
    target = io.BytesIO()
    muxing = {"video_track_timescale": _TIMESCALE}
    with av.open(target, "w", format="mp4", options=muxing) as container:
        stream = container.add_stream("libx264", rate=frames_per_s, options=_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        stream.time_base = Fraction(1, frames_per_s)
        for at, picture in enumerate(frames):
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV
            frame.pts, frame.time_base = at, Fraction(1, frames_per_s)
            for packet in stream.encode(frame):
                packet.duration = 1
                container.mux(packet)
        for packet in stream.encode():
            packet.duration = 1
            container.mux(packet)
    duration_ms = len(frames) * 1000 // frames_per_s
    return EncodedVideo(target.getvalue(), width, height, len(frames), duration_ms)


def _common_size(frames: Sequence[Image.Image]) -> tuple[int, int]:
    sizes = {frame.size for frame in frames}
    if len(sizes) != 1:
        raise ValueError(f"expected frames of one size, got {sorted(sizes)}")
    width, height = sizes.pop()
    if width % _ALIGNMENT_PX or height % _ALIGNMENT_PX:
        raise ValueError(f"{width}x{height}: sides must be multiples of {_ALIGNMENT_PX}")
    return width, height
