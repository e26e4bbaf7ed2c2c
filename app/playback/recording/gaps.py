"""Finds out why a replay has no video for a while, from its segments and breadcrumbs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.formats.replay.activity import Breadcrumb
from app.playback.video.index import Gap
from app.replays.model import PlayableSegment

GapCause = Literal["lost_segments", "background", "offline", "no_video", "unknown"]

_NEAR_MS: Final = 2_000
"""A phone notes that the app goes or the network drops a moment before or after recording ends."""
_OFFLINE: Final = frozenset({"offline", "none"})
"""The names that Android and iOS use for the state without a network."""


@dataclass(frozen=True, slots=True)
class ExplainedGap(Gap):
    """A gap of the replay and its cause; pages put the cause into words."""

    cause: GapCause
    first_segment_id: int | None = None
    last_segment_id: int | None = None
    """The segments that the cause is about: those that never arrived, or have no video."""


def explain_gaps(
    gaps: Sequence[Gap],
    *,
    playable: Sequence[PlayableSegment],
    stored_ids: Collection[int],
    breadcrumbs: Sequence[Breadcrumb],
    zero_ms: int,
) -> tuple[ExplainedGap, ...]:
    """Find the cause of each gap; the surest cause wins.

    Args:
        gaps: Gaps on the replay clock, in time order.
        playable: The segments with video.
        stored_ids: The ids of all segments that arrived, with video or without.
        breadcrumbs: The breadcrumbs of the replay, in time order.
        zero_ms: The replay's zero, in milliseconds since 1970.
    """
    return tuple(
        _explain_gap(
            gap,
            _segment_ids_between(gap, playable, stored_ids, zero_ms),
            stored_ids,
            breadcrumbs,
            zero_ms,
        )
        for gap in gaps
    )


def find_missing_ids(stored_ids: Collection[int]) -> list[int]:
    """Return the ids below the highest that never arrived; ids count from 0."""
    return sorted(set(range(max(stored_ids, default=-1))) - set(stored_ids))


def _explain_gap(
    gap: Gap,
    segment_ids: range,
    stored_ids: Collection[int],
    breadcrumbs: Sequence[Breadcrumb],
    zero_ms: int,
) -> ExplainedGap:
    lost_ids = [segment_id for segment_id in segment_ids if segment_id not in stored_ids]
    if lost_ids:
        return ExplainedGap(gap.start_ms, gap.end_ms, "lost_segments", lost_ids[0], lost_ids[-1])
    noted_cause = _find_noted_cause(gap, breadcrumbs, zero_ms)
    if noted_cause is not None:
        return ExplainedGap(gap.start_ms, gap.end_ms, noted_cause)
    if segment_ids:
        first, last = segment_ids[0], segment_ids[-1]
        return ExplainedGap(gap.start_ms, gap.end_ms, "no_video", first, last)
    return ExplainedGap(gap.start_ms, gap.end_ms, "unknown")


def _segment_ids_between(
    gap: Gap, playable: Sequence[PlayableSegment], stored_ids: Collection[int], zero_ms: int
) -> range:
    """Return the ids between the segments on both sides of a gap; at the end, all that follow."""
    middle_ms = zero_ms + (gap.start_ms + gap.end_ms) // 2
    before = [segment for segment in playable if segment.started_at_ms < middle_ms]
    after = [segment for segment in playable if segment.started_at_ms >= middle_ms]
    last = max(before, key=lambda segment: segment.started_at_ms, default=None)
    first = min(after, key=lambda segment: segment.started_at_ms, default=None)
    end_id = first.segment_id if first else max(stored_ids, default=-1) + 1
    return range(last.segment_id + 1 if last else 0, end_id)


def _find_noted_cause(gap: Gap, breadcrumbs: Sequence[Breadcrumb], zero_ms: int) -> GapCause | None:
    """Find a breadcrumb that explains a gap: the app went away, or the network did."""
    start_ms, end_ms = zero_ms + gap.start_ms, zero_ms + gap.end_ms
    network_state: object = None
    for crumb in breadcrumbs:
        if crumb.at_ms > end_ms:
            break
        if crumb.category == "app.background" and crumb.at_ms >= start_ms - _NEAR_MS:
            return "background"
        if crumb.category == "device.connectivity":
            state = crumb.data.get("state")
            # The gap began offline: a network that comes back later does not change its cause.
            if crumb.at_ms <= start_ms + _NEAR_MS or _is_offline(state):
                network_state = state
    return "offline" if _is_offline(network_state) else None


def _is_offline(state: object) -> bool:
    """Tell whether a state means that there is no network; senders may write any JSON there."""
    return isinstance(state, str) and state in _OFFLINE
