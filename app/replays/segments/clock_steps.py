"""Finds the places at which the clock of a phone was set while it recorded.

    10:00:00 ─ segment 0 ─ segment 1 ─┐ clock set back an hour
    09:00:10 ─────────────────────────└─ segment 2 ─ segment 3

A replay has one clock: that of the phone when its first segment began. From a step on, all times of
a segment are shifted, so that the segment follows the one before it. Ids are given in the order of
recording, so the result depends on what is stored, and not on the order in which it came.

A clock was set back where a segment begins before the one before it did. It was set ahead where
two segments lie far apart, their envelopes say that the difference between phone and server changed
by as much, and by the server's clock there is still time for the recording between them. The last
condition tells a set clock from envelopes that were recorded and are sent again all at once.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from app.core.replay.replay_window import ClockStep

LEAST_SHIFT_MS: Final = 60_000
"""A smaller change of the drift may be the time that envelopes take, not a clock that was set."""
_NOISE_MS: Final = 5_000
"""The time that envelopes of one phone take differs by this much."""
_LONGEST_PAUSE_MS: Final = 24 * 60 * 60 * 1000
"""A drift that implies a longer pause within a recording is ignored: recordings end after an hour,
and a sender may write any year into its envelopes."""
MOST_STEPS: Final = 20
"""Steps of one replay at most. Nobody sets a clock more often, and each step slows pages down."""


class SegmentTimes(NamedTuple):
    """The time at which a segment was recorded, by the clock of its phone.

    `drift_ms` is how far that clock was behind the server's when the segment was sent, or 0 if its
    envelope did not say when that was.
    """

    segment_id: int
    started_ms: int
    ended_ms: int
    drift_ms: int


def may_be_step(before: SegmentTimes, after: SegmentTimes) -> bool:
    """Tell whether the clock may have been set between two segments that follow one another.

    Where this is false, `find_clock_steps` finds no step.
    """
    change_ms = _drift_change_ms(before, after)
    return after.started_ms < before.started_ms or change_ms <= -LEAST_SHIFT_MS


def find_clock_steps(segments: Iterable[SegmentTimes]) -> tuple[ClockStep, ...]:
    """Find the steps of a replay's clock.

    Args:
        segments: The segments of one replay, in any order.

    Returns:
        At most `MOST_STEPS` steps in the order of recording, the first without a shift; none if
        nobody set the clock.
    """
    ordered = sorted(segments)
    if not ordered:
        return ()
    groups = [_SegmentGroup(0, [ordered[0]])]
    for before, after in pairwise(ordered):
        shift_ms = groups[-1].shift_ms
        is_suspect = len(groups) < MOST_STEPS and may_be_step(before, after)
        extra_ms = _extra_shift_ms(before, after) if is_suspect else 0
        if extra_ms:
            groups.append(_SegmentGroup(shift_ms + extra_ms, [after]))
        else:
            groups[-1].segments.append(after)
    return tuple(_make_step(group) for group in groups) if len(groups) > 1 else ()


class _SegmentGroup(NamedTuple):
    """Segments that were recorded without a step between them."""

    shift_ms: int
    segments: list[SegmentTimes]


def _make_step(group: _SegmentGroup) -> ClockStep:
    drifts = [segment.drift_ms for segment in group.segments if segment.drift_ms]
    return ClockStep(
        segment_id=group.segments[0].segment_id,
        shift_ms=group.shift_ms,
        drift_ms=drifts[0] if drifts else 0,
        started_ms=min(segment.started_ms for segment in group.segments),
        ended_ms=max(segment.ended_ms for segment in group.segments),
    )


def _extra_shift_ms(before: SegmentTimes, after: SegmentTimes) -> int:
    """Return how far a segment must be shifted beyond the one before it; 0 if it need not be."""
    change_ms = _drift_change_ms(before, after)
    by_drift_ms = after.started_ms + change_ms
    back_ms = before.started_ms - after.started_ms
    if back_ms > 0:
        is_told = change_ms >= max(back_ms // 2, 1)
        if not is_told and back_ms < LEAST_SHIFT_MS:
            return 0
        return _following_ms(before, by_drift_ms if is_told else before.ended_ms) - after.started_ms
    room_ms = min(after.ended_ms - after.started_ms, _NOISE_MS) // 2
    is_apart = after.started_ms - before.ended_ms >= LEAST_SHIFT_MS
    latest_ms = before.ended_ms + _LONGEST_PAUSE_MS
    if not is_apart or not before.ended_ms - room_ms <= by_drift_ms <= latest_ms:
        return 0
    return _following_ms(before, by_drift_ms) - after.started_ms


def _following_ms(before: SegmentTimes, at_ms: int) -> int:
    """Return where a segment begins that follows another: at once, unless it is well later."""
    is_pause = _NOISE_MS < at_ms - before.ended_ms <= _LONGEST_PAUSE_MS
    return at_ms if is_pause else before.ended_ms


def _drift_change_ms(before: SegmentTimes, after: SegmentTimes) -> int:
    """Return how much further the phone's clock was behind; 0 if it is not known."""
    if not before.drift_ms or not after.drift_ms:
        return 0
    return after.drift_ms - before.drift_ms


def axis_of(segments: Sequence[SegmentTimes], steps: Sequence[ClockStep]) -> tuple[int, int]:
    """Return when a replay begins and ends on its own clock.

    Args:
        segments: All segments of the replay; at least one.
        steps: The steps that `find_clock_steps` found.
    """
    shifts = [shift_ms_of(steps, segment.segment_id) for segment in segments]
    return (
        min(segment.started_ms + shift for segment, shift in zip(segments, shifts, strict=True)),
        max(segment.ended_ms + shift for segment, shift in zip(segments, shifts, strict=True)),
    )


def shift_ms_of(steps: Sequence[ClockStep], segment_id: int) -> int:
    """Return what leads from the phone's clock in a segment to the clock of the replay."""
    return next(
        (step.shift_ms for step in reversed(steps) if step.segment_id <= segment_id),
        0,
    )
