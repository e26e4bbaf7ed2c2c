"""Says why a replay has no video for a while, as far as its segments and breadcrumbs tell."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from app.formats.replay.activity import Breadcrumb
from app.playback.index import Gap
from app.replays.model import PlayableSegment

_NEAR_MS: Final = 2_000
"""A phone notes that the app goes or the network drops a moment before or after recording ends."""
_OFFLINE: Final = frozenset({"offline", "none"})


@dataclass(frozen=True, slots=True)
class ExplainedGap:
    """A stretch of the replay without video, and why."""

    start_ms: int
    end_ms: int
    reason: str


def explain(
    gaps: Sequence[Gap],
    *,
    playable: Sequence[PlayableSegment],
    stored_ids: Collection[int],
    breadcrumbs: Sequence[Breadcrumb],
    zero_ms: int,
) -> tuple[ExplainedGap, ...]:
    """Give each gap its reason.

    Args:
        gaps: On the replay clock, in order.
        playable: The segments with video.
        stored_ids: The ids of all segments that arrived, with video or without.
        breadcrumbs: In time order.
        zero_ms: The replay's zero, in milliseconds since 1970.
    """
    return tuple(
        ExplainedGap(
            gap.start_ms,
            gap.end_ms,
            _lost(gap, playable, stored_ids, zero_ms)
            or _noted(gap, breadcrumbs, zero_ms)
            or _without_video(gap, playable, stored_ids, zero_ms)
            or "not recorded",
        )
        for gap in gaps
    )


def missing_ids(stored_ids: Collection[int]) -> list[int]:
    """Return the ids below the highest that never arrived; ids count from 0."""
    return sorted(set(range(max(stored_ids, default=-1))) - set(stored_ids))


def _between(
    gap: Gap, playable: Sequence[PlayableSegment], stored_ids: Collection[int], zero_ms: int
) -> range:
    """Return the ids between the segments on both sides of a gap; at the end, all that follow."""
    middle_ms = zero_ms + (gap.start_ms + gap.end_ms) // 2
    before = [one for one in playable if one.started_at_ms < middle_ms]
    after = [one for one in playable if one.started_at_ms >= middle_ms]
    last = max(before, key=lambda one: one.started_at_ms, default=None)
    first = min(after, key=lambda one: one.started_at_ms, default=None)
    above = first.segment_id if first else max(stored_ids, default=-1) + 1
    return range(last.segment_id + 1 if last else 0, above)


def _lost(
    gap: Gap, playable: Sequence[PlayableSegment], stored_ids: Collection[int], zero_ms: int
) -> str | None:
    lost = [
        number
        for number in _between(gap, playable, stored_ids, zero_ms)
        if number not in stored_ids
    ]
    if not lost:
        return None
    if len(lost) == 1:
        return f"segment {lost[0]} never arrived"
    return f"segments {lost[0]} to {lost[-1]} never arrived"


def _without_video(
    gap: Gap, playable: Sequence[PlayableSegment], stored_ids: Collection[int], zero_ms: int
) -> str | None:
    bare = [
        number for number in _between(gap, playable, stored_ids, zero_ms) if number in stored_ids
    ]
    return f"segment {bare[0]} has no video" if bare else None


def _noted(gap: Gap, breadcrumbs: Sequence[Breadcrumb], zero_ms: int) -> str | None:
    """Find a breadcrumb that explains a gap: the app went away, or the network did."""
    start_ms, end_ms = zero_ms + gap.start_ms, zero_ms + gap.end_ms
    network: object = None
    for crumb in breadcrumbs:
        if crumb.at_ms > end_ms:
            break
        if crumb.category == "app.background" and crumb.at_ms >= start_ms - _NEAR_MS:
            return "app in background"
        if crumb.category == "device.connectivity":
            state = crumb.data.get("state")
            # Once the gap has begun, coming back online does not unsay why it began.
            if crumb.at_ms <= start_ms + _NEAR_MS or _is_offline(state):
                network = state
    return "offline" if _is_offline(network) else None


def _is_offline(state: object) -> bool:
    """Tell what Android (`offline`) or iOS (`none`) calls no network; a sender may write a list."""
    return isinstance(state, str) and state in _OFFLINE
