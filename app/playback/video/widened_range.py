"""Widens a range of a replay to whole groups of pictures, which is the least a player can decode.

range             ├──────────────┤
groups     ├────────┼────────┼────────┼────────┤
widened    ├──────────────────────────┤
"""

from dataclasses import dataclass

from app.core.replay.replay_range import ReplayRange
from app.playback.video.index import PlaybackIndex


@dataclass(frozen=True, slots=True)
class WidenedRange:
    """The groups of pictures that a range needs."""

    first_gop: int
    """The number of the first group in the index."""
    end_gop: int
    """The number of the group after the last one."""
    from_ms: int
    """The start of the first group, on the player's clock."""
    to_ms: int
    """The end of the last group."""
    video_bytes: int
    """The size of the groups in the virtual stream."""


def widen_range(index: PlaybackIndex, replay_range: ReplayRange | None) -> WidenedRange | None:
    """Find the groups of pictures that are shown at some time of a range.

    Args:
        index: The playback index of the replay.
        replay_range: The range; None means the whole replay.

    Returns:
        The groups, or None if the range has no video.
    """
    gops = index.gops
    if not gops:
        return None
    if replay_range is None:
        first, end = 0, len(gops)
    else:
        first = index.gop_at(replay_range.from_ms)
        if gops[first].end_ms <= replay_range.from_ms:
            first += 1
        # The last group that has begun before the end of the range; `to_ms` is not part of it.
        end = index.gop_at(replay_range.to_ms - 1) + 1
    if first >= end or (replay_range and gops[first].start_ms >= replay_range.to_ms):
        return None
    start_byte, last = gops[first].offset, gops[end - 1]
    return WidenedRange(
        first_gop=first,
        end_gop=end,
        from_ms=gops[first].start_ms,
        to_ms=last.end_ms,
        video_bytes=last.offset + last.size_bytes - start_byte,
    )
