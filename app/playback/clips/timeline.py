"""Plans the pictures of a clip: the time from which each is shown, and what is drawn over it.

    GOPs of the range ─► pictures as they change ┐
    gestures          ─► ten pictures a second   ├─► moments ─ too many? fewer ─► shots of each GOP
    captions          ─► when the words change   ┘
    gaps              ─► cut: the picture before one stays for a second, and says how long it was

Times of shots are those of the clip, which begins at 0. An app may say anything, such as a finger
that stays for years, or thousands of them at once: the work is bounded by the pictures of the clip.
"""

import bisect
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import InvalidInput
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange, write_clock
from app.media.clip.wire import ClipCaption, ClipMark, ClipShot
from app.playback.clips import marks
from app.playback.clips.captions import ClipCaptions
from app.playback.recording.gestures import Gesture
from app.playback.video import records
from app.playback.video.index import MIN_GAP_MS, Gop, PlaybackIndex

MOST_SHOTS: Final = {ClipFormat.MP4: 20_000, ClipFormat.GIF: 1_500, ClipFormat.WEBP: 1_500}
"""The most pictures of a clip. An hour of one picture a second with a tap every five seconds has
7,000. A longer clip gets fewer pictures a second; GIF and WebP are meant for seconds."""
_HELD_MS: Final = 1_000
"""The time for which the picture before a gap stays."""
_TICKS_MS: Final = (100, 200, 500)
"""The distances of pictures while a gesture is visible; larger ones if there are too many."""
_LEAST_APART_MS: Final = 20
"""The least distance of two pictures: browsers show shorter ones of a GIF for 100 ms."""
_LEAST_LAST_MS: Final = 100
_SECOND_MS: Final = 1_000
_MOST_FINGERS: Final = 10
"""The most gestures over one picture, the latest ones."""
_MOST_DRAWN: Final = 5_000
"""The most gestures over all shots of a GOP together, unless each shot has one."""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture of the replay within the range: the sample of a GOP, and the times it is shown."""

    gop: int
    """The number of the GOP in the index."""
    sample: int
    """The number of the coded picture in the GOP, in decode order."""
    from_ms: int
    to_ms: int
    gap_ms: int = 0
    """The length of the gap that follows it within the range, if there is one."""


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """One picture of the clip, over which nothing is drawn yet."""

    sample: int
    """The number of the coded picture in its GOP, in decode order."""
    at_ms: int
    """The time in the clip from which it is shown."""
    replay_ms: int
    """The same time on the clock of the replay."""
    size_px: tuple[int, int]
    """Width and height of the upright picture."""
    gestures: tuple[Gesture, ...]
    """The gestures that may be visible over it, in the order of their starts."""
    caption: ClipCaption | None
    notice: str

    @property
    def marks(self) -> tuple[ClipMark, ...]:
        """The marks of all its gestures."""
        return self.draw(len(self.gestures)).marks

    def draw(self, most: int) -> ClipShot:
        """Draw the latest of its gestures, `most` of them."""
        drawn = marks.draw_marks(self.gestures[-most:], self.replay_ms, self.size_px)
        return ClipShot(self.sample, self.at_ms, drawn, self.caption, self.notice)


@dataclass(frozen=True, slots=True)
class ClipTimeline:
    """The pictures of a clip, in the order of their times."""

    shots: dict[int, tuple[PlannedShot, ...]]
    """The shots by the number of their GOP, in the order of the index."""
    duration_ms: int
    last_ms: int
    """The time for which the last picture is shown."""

    @property
    def count(self) -> int:
        """The number of pictures."""
        return sum(map(len, self.shots.values()))

    def draw_shots(self, gop: int) -> tuple[ClipShot, ...]:
        """Draw the shots of a GOP. Done for one GOP at a time, this needs little memory."""
        planned = self.shots[gop]
        most = max(1, min(_MOST_FINGERS, _MOST_DRAWN // len(planned)))
        return tuple(shot.draw(most) for shot in planned)


def list_shown_pictures(
    index: PlaybackIndex, wanted: ReplayRange, *, without: Iterable[int] = ()
) -> list[ShownPicture]:
    """List the pictures that are on the screen within a range, in the order of time.

    Args:
        index: The index of the replay.
        wanted: The range.
        without: The starts of GOPs that cannot be decoded; they become gaps.

    Raises:
        InvalidInput: There is no video in the range.
    """
    bad = set(without)
    found: list[ShownPicture] = []
    first = index.gop_at(wanted.from_ms) if index.gops else 0
    for number in range(first, len(index.gops)):
        gop = index.gops[number]
        if gop.start_ms >= wanted.to_ms:
            break
        if gop.start_ms not in bad:
            found += _list_pictures_of(number, gop, wanted)
    if not found:
        raise InvalidInput(
            f"there is no video from {write_clock(wanted.from_ms)} to {write_clock(wanted.to_ms)}"
        )
    return list(_close_holes(found))


def list_picture_sizes(
    index: PlaybackIndex, pictures: Iterable[ShownPicture]
) -> list[tuple[int, int]]:
    """List the sizes that the pictures have when they are upright, each once."""
    configs = {index.gops[picture.gop].config for picture in pictures}
    return sorted({_measure_upright(index, config) for config in configs})


def plan_clip(
    index: PlaybackIndex,
    pictures: Sequence[ShownPicture],
    clip_format: ClipFormat,
    *,
    gestures: Sequence[Gesture] = (),
    captions: ClipCaptions | None = None,
) -> ClipTimeline:
    """Plan the shots of a clip.

    Args:
        index: The index of the replay.
        pictures: The pictures within the range.
        clip_format: The format, which limits how many shots there are.
        gestures: The gestures that are drawn.
        captions: The texts of the captions; None for a clip without captions.
    """
    moments = _choose_moments(pictures, MOST_SHOTS[clip_format], gestures, captions)
    starts_ms = [picture.from_ms for picture in pictures]
    clip_ms = list(itertools.accumulate(map(_measure_picture, pictures), initial=0))
    drawn = _GesturesByTime(gestures)
    shots: dict[int, list[PlannedShot]] = {}
    last_at_ms = 0
    for at_ms, is_held in moments:
        number = bisect.bisect_right(starts_ms, at_ms) - 1
        picture = pictures[number]
        last_at_ms = clip_ms[number] + at_ms - picture.from_ms
        size_px = _measure_upright(index, index.gops[picture.gop].config)
        shots.setdefault(picture.gop, []).append(
            PlannedShot(
                picture.sample,
                last_at_ms,
                at_ms,
                size_px,
                () if is_held else drawn.find(at_ms),
                None if captions is None else _write_caption(captions, at_ms),
                _describe_gap(picture.gap_ms) if is_held else "",
            )
        )
    return ClipTimeline(
        {gop: tuple(each) for gop, each in shots.items()},
        clip_ms[-1],
        max(_LEAST_LAST_MS, clip_ms[-1] - last_at_ms),
    )


def _measure_upright(index: PlaybackIndex, number: int) -> tuple[int, int]:
    config = index.configs[number]
    size_px = (config.width, config.height)
    return size_px[::-1] if config.rotation_degrees % 180 else size_px


def _list_pictures_of(number: int, gop: Gop, wanted: ReplayRange) -> Iterator[ShownPicture]:
    """List the pictures of one GOP that are shown within a range."""
    samples = records.read_coded_pictures(gop)
    shown = sorted((sample.at_ms, place) for place, sample in enumerate(samples) if sample.is_shown)
    ends_ms = [at_ms for at_ms, _ in shown[1:]] + [gop.end_ms]
    for (at_ms, place), end_ms in zip(shown, ends_ms, strict=True):
        from_ms, to_ms = max(at_ms, wanted.from_ms), min(end_ms, wanted.to_ms)
        if from_ms < to_ms:
            yield ShownPicture(number, place, from_ms, to_ms)


def _close_holes(found: Sequence[ShownPicture]) -> Iterator[ShownPicture]:
    """Extend pictures over short holes, and note longer ones as gaps."""
    for picture, following in itertools.pairwise(found):
        hole_ms = following.from_ms - picture.to_ms
        if hole_ms > MIN_GAP_MS:
            yield ShownPicture(
                picture.gop, picture.sample, picture.from_ms, picture.to_ms, gap_ms=hole_ms
            )
        else:
            yield ShownPicture(picture.gop, picture.sample, picture.from_ms, following.from_ms)
    yield found[-1]


def _measure_picture(picture: ShownPicture) -> int:
    """Return the time for which a picture is shown in the clip, in milliseconds."""
    return picture.to_ms - picture.from_ms + (_HELD_MS if picture.gap_ms else 0)


def _choose_moments(
    pictures: Sequence[ShownPicture],
    most: int,
    gestures: Sequence[Gesture],
    captions: ClipCaptions | None,
) -> list[tuple[int, bool]]:
    """Choose the times from which shots are shown.

    Returns:
        The times on the clock of the replay, in order, all within a picture; each with True if the
        shot is held at a gap.
    """
    starts_ms = [picture.from_ms for picture in pictures]
    held = [(picture.to_ms, True) for picture in pictures if picture.gap_ms]
    most = max(1, most - len(held))
    stretches = _find_drawn_stretches(gestures, pictures)
    moments: list[int] = []
    for tick_ms in _TICKS_MS:
        times = set(starts_ms)
        times.update(each.start_ms for each in gestures)
        times.update(marks.find_mark_end(each) for each in gestures)
        times.update(_list_ticks(stretches, tick_ms, most))
        if captions is not None:
            times.update(captions.list_changes())
            times.update(_list_seconds(pictures, most))
        moments = _keep_within(_keep_apart(sorted(times), _LEAST_APART_MS), pictures, starts_ms)
        if len(moments) <= most:
            break
    apart_ms = _LEAST_APART_MS
    while len(moments) > most:
        apart_ms *= 2
        moments = _keep_within(_keep_apart(moments, apart_ms), pictures, starts_ms)
    return sorted([(at_ms, False) for at_ms in moments] + held)


def _list_seconds(pictures: Sequence[ShownPicture], most: int) -> Iterator[int]:
    """Yield the seconds within pictures that stay for long, so that the clock goes on."""
    long = [picture for picture in pictures if picture.to_ms - picture.from_ms > _SECOND_MS]
    length_ms = sum(picture.to_ms - picture.from_ms for picture in long)
    step_ms = _SECOND_MS * max(1, -(-length_ms // (_SECOND_MS * most)))
    for picture in long:
        yield from range(-(-picture.from_ms // step_ms) * step_ms, picture.to_ms, step_ms)


def _find_drawn_stretches(
    gestures: Sequence[Gesture], pictures: Sequence[ShownPicture]
) -> list[tuple[int, int]]:
    """Find the stretches in which both a picture and marks of a gesture are visible.

    An app may report a finger that stays down for years, of which a clip shows seconds.
    """
    touched = _join_stretches((each.start_ms, marks.find_mark_end(each)) for each in gestures)
    shown = _join_stretches((picture.from_ms, picture.to_ms) for picture in pictures)
    found: list[tuple[int, int]] = []
    at_touched = at_shown = 0
    while at_touched < len(touched) and at_shown < len(shown):
        from_ms = max(touched[at_touched][0], shown[at_shown][0])
        to_ms = min(touched[at_touched][1], shown[at_shown][1])
        if from_ms < to_ms:
            found.append((from_ms, to_ms))
        if touched[at_touched][1] <= to_ms:
            at_touched += 1
        else:
            at_shown += 1
    return found


def _join_stretches(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join stretches of time that meet or overlap, and return them in order."""
    joined: list[tuple[int, int]] = []
    for from_ms, to_ms in sorted(stretches):
        if joined and from_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(to_ms, joined[-1][1]))
        else:
            joined.append((from_ms, to_ms))
    return joined


def _list_ticks(stretches: Sequence[tuple[int, int]], tick_ms: int, most: int) -> Iterator[int]:
    """Yield times at a distance of `tick_ms`, or a larger one if these are more than `most`."""
    length_ms = sum(to_ms - from_ms for from_ms, to_ms in stretches)
    step_ms = max(tick_ms, -(-length_ms // most))
    for from_ms, to_ms in stretches:
        yield from range(from_ms, to_ms, step_ms)


def _keep_within(
    times: Iterable[int], pictures: Sequence[ShownPicture], starts_ms: Sequence[int]
) -> list[int]:
    """Keep the times at which a picture is shown, in order."""
    kept = []
    for at_ms in sorted(times):
        number = bisect.bisect_right(starts_ms, at_ms) - 1
        if number >= 0 and at_ms < pictures[number].to_ms:
            kept.append(at_ms)
    return kept


def _keep_apart(times: Sequence[int], apart_ms: int) -> list[int]:
    """Delay times that follow another one too soon; the shot then shows all changes until there."""
    kept: list[int] = []
    is_put_off = False
    for at_ms in times:
        if is_put_off and at_ms > kept[-1] + apart_ms:
            kept.append(kept[-1] + apart_ms)
            is_put_off = False
        if not kept or at_ms >= kept[-1] + apart_ms:
            kept.append(at_ms)
            is_put_off = False
        else:
            is_put_off = True
    if is_put_off:
        kept.append(kept[-1] + apart_ms)
    return kept


def _write_caption(captions: ClipCaptions, at_ms: int) -> ClipCaption:
    event = captions.find_event(at_ms)
    return ClipCaption(
        captions.find_screen(at_ms),
        write_clock(at_ms // _SECOND_MS * _SECOND_MS),
        event.words if event else "",
        is_failure=event is not None and event.is_failure,
    )


def _describe_gap(gap_ms: int) -> str:
    if gap_ms < 60 * _SECOND_MS:
        return f"{round(gap_ms / _SECOND_MS)} s without video"
    return f"{write_clock(gap_ms // _SECOND_MS * _SECOND_MS)} without video"


class _GesturesByTime:
    """Finds the gestures that may be visible at a time; times must be asked in growing order."""

    def __init__(self, gestures: Sequence[Gesture]) -> None:
        self._waiting = sorted(gestures, key=lambda gesture: gesture.start_ms, reverse=True)
        self._seen: list[Gesture] = []

    def find(self, at_ms: int) -> tuple[Gesture, ...]:
        """Return the gestures that have begun and are still visible.

        If there are more than fingers on two hands, the latest ones; the others do not come back.
        """
        while self._waiting and self._waiting[-1].start_ms <= at_ms:
            self._seen.append(self._waiting.pop())
        seen = [each for each in self._seen if marks.find_mark_end(each) > at_ms]
        self._seen = seen[-_MOST_FINGERS:]
        return tuple(self._seen)
