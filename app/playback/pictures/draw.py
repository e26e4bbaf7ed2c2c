"""Lets a media child draw one replay.

    GOPs of the index ─► their bytes, a mebibyte at a time ─► groups ─► child ─► strip

A group that ends the child is left out, and another child draws the rest.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.core.errors import MalformedInput
from app.media import child, wire
from app.playback.video import records, stored_records
from app.playback.video.index import Gop, PlaybackIndex
from app.storage.port import ObjectStore

_MOST_FRAMES: Final = 6_000
"""An hour has 3,600 frames. Of a replay with more than this, only keyframes are decoded."""
_MOST_CHILDREN: Final = 4


async def draw_strip(store: ObjectStore, built: PlaybackIndex, poster_ms: int) -> wire.DrawnStrip:
    """Draw the poster, the preview and the strip of a replay.

    Args:
        store: The store that holds its video.
        built: The index of the replay.
        poster_ms: The moment of the poster, on the replay's clock.

    Raises:
        MalformedInput: It cannot be drawn; the message says why.
        ServiceUnavailable: Storage is down, or no child starts.
    """
    if not built.gops:
        raise MalformedInput("none of its videos can be played")
    bad: set[int] = set()
    while True:
        try:
            return await _draw_groups(store, built, poster_ms, bad)
        except stored_records.UndecodableGroup as error:
            bad.add(error.start_ms)
            if len(bad) == _MOST_CHILDREN:
                raise


async def draw_still(store: ObjectStore, built: PlaybackIndex, at_ms: int) -> bytes:
    """Draw the picture that is on the screen at one moment, from its own group of pictures.

    Args:
        store: The store that holds the video.
        built: The index of the replay.
        at_ms: The moment on the player's clock; outside of the replay, its nearest picture counts.

    Returns:
        A WebP, as large as a poster.

    Raises:
        MalformedInput: It cannot be drawn; the message says why.
        ServiceUnavailable: Storage is down, or no child starts.
    """
    if not built.gops:
        raise MalformedInput("none of its videos can be played")
    group = replace(built, gops=(built.gops[built.gop_at(at_ms)],))
    return (await _draw_groups(store, group, at_ms, set())).poster


async def _draw_groups(
    store: ObjectStore, built: PlaybackIndex, poster_ms: int, bad: set[int]
) -> wire.DrawnStrip:
    """Draw all groups except the bad ones with one child."""
    is_whole = sum(gop.sample_count for gop in built.gops) <= _MOST_FRAMES
    poster = built.gops[built.gop_at(poster_ms)]
    async with child.start_media_child() as media_child:
        async for gop, record in stored_records.read_records(store, built.gops, built):
            if gop.start_ms in bad:
                continue
            at_ms = poster_ms if gop is poster else None
            group = _make_group(built, gop, record, poster_ms=at_ms, is_whole=is_whole)
            try:
                await media_child.show(group)
            except MalformedInput as error:
                raise stored_records.UndecodableGroup(gop.start_ms, error) from error
        return await media_child.draw()


def _make_group(
    built: PlaybackIndex, gop: Gop, record: memoryview, *, poster_ms: int | None, is_whole: bool
) -> wire.CodedGroup:
    """Make the group of a GOP: its pictures with their bytes, and marks on the wanted ones."""
    config = built.configs[gop.config]
    samples = records.read_coded_pictures(gop)
    if not is_whole:
        samples = samples[:1]
    poster = _find_poster(samples, poster_ms) if poster_ms is not None else None
    at = len(gop.header)
    marked = []
    for sample in samples:
        marks = wire.WANTED if sample.is_shown else 0
        marks |= wire.POSTER if sample is poster else 0
        marked.append(wire.CodedSample(sample.at_ms, marks, record[at : at + sample.size_bytes]))
        at += sample.size_bytes
    return wire.CodedGroup(config.avcc, config.rotation_degrees // 90, tuple(marked))


def _find_poster(samples: Sequence[records.CodedPicture], at_ms: int) -> records.CodedPicture:
    """Find the picture that is on the screen at a moment."""
    shown = [sample for sample in samples if sample.is_shown]
    due = [sample for sample in shown if sample.at_ms <= at_ms]
    return max(due or shown[:1] or samples[:1], key=lambda sample: sample.at_ms)
