"""Cuts the playback index of a replay down to a part of it, for people who may see no more.

    index     | GOP 0 | GOP 1 | GOP 2 | GOP 3 | …     times from the start of the replay
    cut                | GOP 0 | GOP 1 |              times from the start of the part

The stream of the cut index holds the bytes of its own groups only, so no byte range of it leads to
the others. Groups stay whole, since a player can decode no less.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b

from app.core.replay.replay_range import ReplayRange
from app.playback.video.index import Gap, Gop, PlaybackIndex
from app.playback.video.widened_range import WidenedRange


def cut_index(
    index: PlaybackIndex, groups: WidenedRange | None, shown: ReplayRange
) -> PlaybackIndex:
    """Make the index of a part of a replay.

    Args:
        index: The index of the whole replay.
        groups: The groups of pictures that are left; None if the part has no video.
        shown: The part on the clock of the whole replay; all of the groups lie in it.

    Returns:
        An index whose times begin with the part. Its version names its own contents, so that it
        stays the same while the replay grows elsewhere, and no version of the replay opens it.
    """
    chosen = index.gops[groups.first_gop : groups.end_gop] if groups else ()
    used = sorted({gop.config for gop in chosen})
    numbers = {config: number for number, config in enumerate(used)}
    gops = tuple(_place_gops(chosen, numbers, shown.from_ms))
    started_at_ms = index.started_at_ms + shown.from_ms
    return PlaybackIndex(
        version=_name_version(gops, started_at_ms),
        started_at_ms=started_at_ms,
        duration_ms=gops[-1].end_ms if gops else 0,
        configs=tuple(index.configs[config] for config in used),
        gops=gops,
        gaps=tuple(
            Gap(max(gap.start_ms, shown.from_ms) - shown.from_ms,
                min(gap.end_ms, shown.to_ms) - shown.from_ms)
            for gap in index.gaps
            if gap.start_ms < shown.to_ms and gap.end_ms > shown.from_ms
        ),
    )  # fmt: skip


def _place_gops(gops: tuple[Gop, ...], numbers: dict[int, int], from_ms: int) -> Iterator[Gop]:
    """Give groups their place in a stream of their own; their headers count from their start."""
    offset = 0
    for gop in gops:
        yield replace(
            gop, start_ms=gop.start_ms - from_ms, config=numbers[gop.config], offset=offset
        )
        offset += gop.size_bytes


def _name_version(gops: tuple[Gop, ...], started_at_ms: int) -> str:
    digest = blake2b(str(started_at_ms).encode(), digest_size=16)
    for gop in gops:
        digest.update(repr((gop.start_ms, gop.cover_ms, gop.header, gop.size_bytes)).encode())
    return f"part.{digest.hexdigest()}"
