"""The program of the clip child, `python -m app.media.clip.program`: renders one clip.

    coded groups on standard input ─► libav's H.264 decoder ─► canvas ─► marks, words ─► encoder
                                                                                  pieces ◄──┘

As in `app.media.decode`, everything is loaded and used once, then the sandbox is closed, and only
then the first untrusted byte is read. No container is ever opened for reading. A group is decoded
picture by picture, and only one picture is held at a time, so that memory does not grow with the
length of the clip. Any error ends the process.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from app.children import messages, sandbox
from app.core.replay.clip_format import ClipFormat
from app.media.clip import encoders, overlay, wire
from app.media.clip.layout import fit_picture
from app.media.clip.planes import PlanarPicture, make_colour, make_picture, read_frame
from app.media.clip.wire import ClipBox, ClipCaption, ClipMark, ClipPlan, ClipShot
from app.media.wire import CodedGroup, CodedSample

_LOW_PRIORITY: Final = 10
_FAILED: Final = 1
_GRACE_S: Final = 5
"""The processor time between the signal that tells what happened and the one that always ends."""
_MOST_PIXELS: Final = 4_096 * 4_096
_BACKGROUND: Final = make_colour(58, 60, 64)
"""The grey around pictures, as in the player."""
_AROUND_BODY: Final = make_colour(232, 233, 236)
_TRUSTED: Final = CodedGroup(
    config=bytes.fromhex("0142c00affe100146742c00adde84000000300400000030083c489e001000468ce0fc8"),
    quarter_turns=1,
    samples=(CodedSample(0, 0, bytes.fromhex("000000116588843a118a000200f1c0009c70002780")),),
)
"""A grey picture of 16 by 16 pixels; decoding it loads everything that is loaded lazily."""


class ClipFrameRenderer:
    """Renders one clip."""

    def __init__(self, plan: ClipPlan) -> None:
        self._plan = plan
        self._encoder = encoders.open_encoder(plan)
        self._codec: VideoCodecContext | None = None
        self._config = b""
        self._last_ms = -1
        self._empty: dict[ClipBox, PlanarPicture] = {}
        """The canvas without a picture, by where the picture comes; a phone that turns has two."""

    def add_group(self, shots: tuple[ClipShot, ...], group: CodedGroup) -> list[wire.FilePiece]:
        """Add the pictures that one coded group gives.

        Raises:
            Exception: The group cannot be decoded. libav raises many kinds of errors, and each of
                them ends the child.
        """
        wanted: dict[int, list[ClipShot]] = defaultdict(list)
        for shot in shots:
            wanted[shot.sample].append(shot)
        for frame in self._decode(group):
            due = wanted.get(-1 if frame.pts is None else frame.pts)
            if due:
                self._add_frame(frame, group.quarter_turns, due)
        return self._encoder.writer.take_pieces()

    def finish(self) -> list[wire.FilePiece]:
        """End the file.

        Raises:
            ValueError: No picture was decoded.
        """
        if self._last_ms < 0:
            raise ValueError("no picture was decoded")
        self._encoder.finish()
        return self._encoder.writer.take_pieces()

    def _decode(self, group: CodedGroup) -> Iterator[VideoFrame]:
        """Yield the pictures of a group as they are shown; `pts` is the number of the sample."""
        codec = self._open_codec(group.config)
        for number, sample in enumerate(group.samples):
            packet = av.Packet(bytes(sample.data))
            packet.pts = packet.dts = number
            yield from codec.decode(packet)
        yield from codec.decode(None)

    def _open_codec(self, config: bytes) -> VideoCodecContext:
        """Return a fresh decoder: a group begins with a keyframe and needs nothing before it."""
        if self._codec is None or self._config != config:
            codec = VideoCodecContext.create("h264", "r")
            codec.extradata = config
            codec.thread_type = "NONE"
            codec.thread_count = 1
            self._codec, self._config = codec, config
        else:
            self._codec.flush_buffers()
        return self._codec

    def _add_frame(self, frame: VideoFrame, quarter_turns: int, shots: list[ClipShot]) -> None:
        if frame.width * frame.height > _MOST_PIXELS:
            raise ValueError("the picture is too large")
        is_turned = quarter_turns % 2 != 0
        width, height = (frame.height, frame.width) if is_turned else (frame.width, frame.height)
        shown = fit_picture(width, height, self._plan.stage)
        canvas = self._find_empty(shown).copy()
        canvas.paste(read_frame(frame, quarter_turns, shown.width, shown.height), shown.x, shown.y)
        if self._plan.body_px:
            overlay.round_corners(canvas, shown)
        for shot in shots:
            # Times that do not grow are a hostile video's: an encoder cannot take them.
            if shot.at_ms > self._last_ms:
                self._last_ms = shot.at_ms
                self._encoder.add(self._draw_over(canvas, shown, shot), shot.at_ms)

    def _draw_over(self, canvas: PlanarPicture, shown: ClipBox, shot: ClipShot) -> PlanarPicture:
        plan = self._plan
        has_caption = plan.caption is not None and shot.caption is not None
        if not (shot.marks or shot.notice or has_caption):
            return canvas
        drawn = canvas.copy()
        for mark in shot.marks:
            overlay.draw_mark(drawn, mark, shown)
        if shot.notice:
            overlay.draw_notice(drawn, shot.notice, shown, plan.font_px)
            if plan.body_px:
                overlay.round_corners(drawn, shown)
        if plan.caption is not None and shot.caption is not None:
            overlay.draw_caption(drawn, shot.caption, plan.caption, plan.font_px)
        return drawn

    def _find_empty(self, shown: ClipBox) -> PlanarPicture:
        """Return the canvas around a picture."""
        empty = self._empty.get(shown)
        if empty is None:
            plan = self._plan
            colour = _AROUND_BODY if plan.body_px else _BACKGROUND
            empty = make_picture(plan.width, plan.height, colour)
            if plan.body_px:
                overlay.draw_body(empty, shown, plan.body_px)
            if plan.caption is not None:
                nothing = ClipCaption("", "", "", is_failure=False)
                overlay.draw_caption(empty, nothing, plan.caption, plan.font_px)
            self._empty[shown] = empty
        return empty


def main() -> None:
    """Serve the parent until it closes the pipe; see `child.start_clip_child` for the arguments."""
    memory_mib, most_cpu_s, has_caption = map(int, sys.argv[1:4])
    os.nice(_LOW_PRIORITY)
    av.logging.set_level(None)
    overlay.load_fonts(has_caption=bool(has_caption))
    warm_up()
    # All of it from the start: a parent that is root in a container may not grant more later.
    limits = sandbox.SandboxLimits(
        memory_bytes=memory_mib << 20, cpu_s=most_cpu_s, most_cpu_s=most_cpu_s + _GRACE_S
    )
    is_filtered = sandbox.close_sandbox(limits)
    try:
        serve(is_filtered=is_filtered)
    except BaseException:  # noqa: BLE001 - a traceback would open source files
        os._exit(_FAILED)
    os._exit(0)


def warm_up() -> None:
    """Use everything once, with a picture of our own."""
    marks = tuple(
        ClipMark(kind, 0, (16, 16), ((2.0, 2.0), (9.0, 3.0), (8.0, 9.0)), 3.0, 2.0, "x3")
        for kind in ("ring", "press", "trail", "badge")
    )
    caption = ClipCaption("Screen", "0:01", "Tap", is_failure=True)
    shot = ClipShot(0, 0, marks, caption, "1 s without video")
    for clip_format in ClipFormat:
        plan = ClipPlan(
            clip_format, 64, 64, ClipBox(8, 8, 16, 16), 4, ClipBox(0, 40, 64, 24), 11, 2, 500
        )
        _, group = wire.unpack_shots(wire.pack_shots((shot,), _TRUSTED))
        renderer = ClipFrameRenderer(wire.unpack_plan(wire.pack_plan(plan)))
        pieces = renderer.add_group((shot, ClipShot(0, 500)), group) + renderer.finish()
        wire.unpack_pieces(wire.pack_pieces(pieces))


def serve(*, is_filtered: bool) -> None:
    """Answer requests one after another."""
    messages.send_message(messages.READY, bytes((is_filtered,)))
    renderer: ClipFrameRenderer | None = None
    while (request := messages.receive_message()) is not None:
        kind, body = request
        pieces: list[wire.FilePiece] = []
        if kind == wire.PLAN:
            renderer = ClipFrameRenderer(wire.unpack_plan(body))
        elif renderer is None:
            raise ValueError("the plan comes first")
        elif kind == wire.SHOTS:
            pieces = renderer.add_group(*wire.unpack_shots(body))
        else:
            pieces = renderer.finish()
        messages.send_message(wire.PART, wire.pack_pieces(pieces))


if __name__ == "__main__":
    main()
    sys.exit(_FAILED)
