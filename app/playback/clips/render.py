"""Lets a clip child render one clip into a file.

    GOPs of the range ─► their bytes, a mebibyte at a time ─► groups, with the shots of each
                         file ◄─ pieces, as they are ready ◄─ child ◄──┘

Nothing here grows with the length of the clip. A group that ends the child becomes a gap, and
another child renders the rest.
"""

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from app.core import clock
from app.core.errors import InvalidInput, MalformedInput
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.core.running.finishing import finish_first
from app.media import wire
from app.media.clip import child, layout
from app.media.clip.wire import ClipPlan, FilePiece
from app.playback.clips import timeline
from app.playback.clips.captions import ClipCaptions
from app.playback.clips.timeline import ClipTimeline
from app.playback.recording.gestures import Gesture
from app.playback.video import records, stored_records
from app.playback.video.index import Gop, PlaybackIndex
from app.storage.port import ObjectStore

_MOST_CHILDREN: Final = 4

NoteProgress = Callable[[float], Awaitable[None]]
"""Gets the part that is done, from 0 to 1. An exception of it ends the rendering."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """The settings of a clip that is to be rendered."""

    format: ClipFormat
    range: ReplayRange
    gestures: tuple[Gesture, ...]
    captions: ClipCaptions | None
    """None for a clip without a caption."""
    has_body: bool
    """True to draw a device around the picture."""


@dataclass(frozen=True, slots=True)
class RenderedClip:
    """A clip that was rendered into a file."""

    size_bytes: int
    width: int
    height: int
    duration_ms: int
    cpu_s: float
    """The processor time of the children."""


class ClipRenderer:
    """Renders one clip; use it once."""

    def __init__(
        self,
        store: ObjectStore,
        index: PlaybackIndex,
        settings: ClipSettings,
        *,
        most_cpu_s: int,
        note_progress: NoteProgress,
    ) -> None:
        """Make a renderer; nothing is started yet.

        Args:
            store: The store that holds the video.
            index: The index of the replay.
            settings: The range, and what is drawn.
            most_cpu_s: The processor time that rendering may take.
            note_progress: Called with the part that is done after each group.
        """
        self._store = store
        self._index = index
        self._settings = settings
        self._most_cpu_s = most_cpu_s
        self._note_progress = note_progress
        self._used_cpu_s = 0.0

    async def render(self, target: int) -> RenderedClip:
        """Render the clip.

        Args:
            target: A descriptor of an empty file, open for writing.

        Raises:
            MalformedInput: It cannot be rendered; the message says why.
            ServiceUnavailable: Storage is down, or no child starts.
        """
        bad: set[int] = set()
        while True:
            try:
                return await self._render_groups(target, bad)
            except stored_records.UndecodableGroup as error:
                bad.add(error.start_ms)
                if len(bad) == _MOST_CHILDREN:
                    raise
                os.ftruncate(target, 0)

    async def _render_groups(self, target: int, bad: set[int]) -> RenderedClip:
        """Render all groups except the bad ones with one child."""
        plan, planned = await asyncio.to_thread(self._plan, bad)
        gops = [self._index.gops[number] for number in planned.shots]
        numbers = {self._index.gops[number].start_ms: number for number in planned.shots}
        left_cpu_s = self._most_cpu_s - self._used_cpu_s
        done = 0
        async with child.start_clip_child(
            most_cpu_s=max(1, math.ceil(left_cpu_s)), has_caption=plan.caption is not None
        ) as clip_child:
            await clip_child.begin(plan)
            async for gop, record in stored_records.read_records(self._store, gops, self._index):
                shots = await asyncio.to_thread(planned.draw_shots, numbers[gop.start_ms])
                before_s, asked_s = clip_child.used_cpu_s, clock.monotonic_s()
                try:
                    pieces = await clip_child.add(shots, self._make_group(gop, record))
                except MalformedInput as error:
                    # A child that has ended cannot report its processor time, which is at most the
                    # time by the clock.
                    self._used_cpu_s += before_s + clock.monotonic_s() - asked_s
                    self._check_budget()
                    raise stored_records.UndecodableGroup(gop.start_ms, error) from error
                await _write_pieces(target, pieces)
                done += len(shots)
                self._check_budget(clip_child.used_cpu_s)
                await self._note_progress(done / planned.count)
            await _write_pieces(target, await clip_child.finish())
            self._used_cpu_s += clip_child.used_cpu_s
        return RenderedClip(
            os.fstat(target).st_size,
            plan.width,
            plan.height,
            planned.duration_ms,
            self._used_cpu_s,
        )

    def _plan(self, bad: set[int]) -> tuple[ClipPlan, ClipTimeline]:
        settings, index = self._settings, self._index
        try:
            pictures = timeline.list_shown_pictures(index, settings.range, without=bad)
        except InvalidInput as error:
            raise MalformedInput(str(error)) from error
        planned = timeline.plan_clip(
            index, pictures, settings.format, gestures=settings.gestures, captions=settings.captions
        )
        laid_out = layout.lay_out_clip(
            timeline.list_picture_sizes(index, pictures),
            settings.format,
            has_body=settings.has_body,
            has_caption=settings.captions is not None,
        )
        plan = ClipPlan(
            settings.format.value,
            laid_out.width,
            laid_out.height,
            laid_out.stage,
            laid_out.body_px,
            laid_out.caption,
            laid_out.font_px,
            planned.count,
            planned.last_ms,
        )
        return plan, planned

    def _make_group(self, gop: Gop, record: memoryview) -> wire.CodedGroup:
        config = self._index.configs[gop.config]
        at = len(gop.header)
        samples = []
        for sample in records.read_coded_pictures(gop):
            samples.append(wire.CodedSample(sample.at_ms, 0, record[at : at + sample.size_bytes]))
            at += sample.size_bytes
        return wire.CodedGroup(config.avcc, config.rotation_degrees // 90, tuple(samples))

    def _check_budget(self, running_s: float = 0.0) -> None:
        if self._used_cpu_s + running_s > self._most_cpu_s:
            raise MalformedInput(
                f"rendering takes more than {self._most_cpu_s} s of processor time; "
                "choose a shorter range"
            )


async def _write_pieces(target: int, pieces: Sequence[FilePiece]) -> None:
    """Write pieces of the file at their offsets.

    Raises:
        OSError: The disk is full.
    """

    def write() -> None:
        for piece in pieces:
            data, at = memoryview(piece.data), piece.offset
            while data:
                written = os.pwrite(target, data, at)
                data, at = data[written:], at + written

    if pieces:
        # The file may be closed as soon as the caller is cancelled.
        await finish_first(asyncio.to_thread(write))
