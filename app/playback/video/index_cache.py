"""Caches the playback indexes of the replays that somebody watches, for an hour.

A range request names a version. Building its index again for each request would cost more than
the bytes: 20 ms for a replay of an hour, whose index takes 0.4 MB. Ranges may come minutes apart.
The cache is only reached through the row of the replay, which every request reads: so a deleted
replay is gone at once, and one that has grown or was sealed is read anew. Sealing moves videos and
changes no version, so a page that is open goes on with the index that it has.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import monotonic_s
from app.core.replay.replay_window import ClockStep
from app.db.engine import Database
from app.playback.video import index
from app.playback.video.index import PlaybackIndex
from app.replays.model import PlayableSegment, Replay, ReplayKey
from app.replays.segments import segment_queries

_KEPT_S: Final = 3_600.0
_MOST_REPLAYS: Final = 64
_MOST_VERSIONS: Final = 8
_MOST_GESTURES_BYTES: Final = 512 * 1024

_Facts = tuple[int, int, int, int, datetime, datetime, tuple[ClockStep, ...], datetime | None]


@dataclass(slots=True)
class PlayableReplay:
    """The playable segments of a replay, and the indexes that were made of them."""

    segments: tuple[PlayableSegment, ...]
    newest: PlaybackIndex
    gestures: bytes | None = None
    """The gestures as the page reads them; None until they have been read."""
    _older: dict[str, PlaybackIndex] = field(default_factory=dict)
    _encoded: bytes = b""

    @property
    def encoded(self) -> bytes:
        """The newest index as the page reads it, made once."""
        if not self._encoded:
            self._encoded = index.encode_index(self.newest)
        return self._encoded

    def keep_gestures(self, encoded: bytes) -> None:
        """Keep the gestures for the next request, unless they are many."""
        if len(encoded) <= _MOST_GESTURES_BYTES:
            self.gestures = encoded

    async def find_version(self, version: str) -> PlaybackIndex | None:
        """Return the index of a version; None if this replay has no such version any more."""
        if version == self.newest.version:
            return self.newest
        older = self._older.get(version)
        if older is not None:
            return older
        segments = index.find_segments_of_version(self.segments, version)
        if segments is None:
            return None
        if len(self._older) >= _MOST_VERSIONS:
            self._older.clear()
        built = self._older[version] = await asyncio.to_thread(index.build_index, segments)
        return built


@dataclass(frozen=True, slots=True)
class _CacheEntry:
    facts: _Facts
    until_s: float
    playable: PlayableReplay


class IndexCache:
    """The indexes of the replays that were asked for last; empty after a restart."""

    def __init__(self, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._now_s = now_s
        self._entries: OrderedDict[ReplayKey, _CacheEntry] = OrderedDict()
        self._making: WeakValueDictionary[ReplayKey, asyncio.Lock] = WeakValueDictionary()

    async def find(self, database: Database, replay: Replay) -> PlayableReplay:
        """Return the segments and indexes of a replay whose row was read just now."""
        cached = self._find_cached(replay.key, _facts(replay))
        if cached is not None:
            return cached
        async with database.reading() as connection:
            return await self.read_over(connection, replay)

    async def read_over(self, connection: AsyncConnection, replay: Replay) -> PlayableReplay:
        """Do the same as `find` over a connection that is open already."""
        facts = _facts(replay)
        cached = self._find_cached(replay.key, facts)
        if cached is not None:
            return cached
        # A page and its first pictures are asked for at the same time: one of them makes the index.
        making = self._making.setdefault(replay.key, asyncio.Lock())
        async with making:
            return self._find_cached(replay.key, facts) or await self._make_playable(
                connection, replay, facts
            )

    def _find_cached(self, key: ReplayKey, facts: _Facts) -> PlayableReplay | None:
        entry = self._entries.get(key)
        if entry is None or entry.facts != facts or self._now_s() >= entry.until_s:
            return None
        self._entries.move_to_end(key)
        return entry.playable

    async def _make_playable(
        self, connection: AsyncConnection, replay: Replay, facts: _Facts
    ) -> PlayableReplay:
        segments = tuple(
            await segment_queries.read_playable_segments(
                connection, replay.key, day=replay.day, steps=replay.clock_steps
            )
        )
        playable = PlayableReplay(segments, await asyncio.to_thread(index.build_index, segments))
        self._entries[replay.key] = _CacheEntry(facts, self._now_s() + _KEPT_S, playable)
        self._entries.move_to_end(replay.key)
        if len(self._entries) > _MOST_REPLAYS:
            self._entries.popitem(last=False)
        return playable


def _facts(replay: Replay) -> _Facts:
    """Return facts that change whenever a segment is added, gains its video, or moves."""
    return (
        replay.segments,
        replay.video_segments,
        replay.video_bytes,
        replay.frames,
        replay.last_received_at,
        replay.ended_at,
        replay.clock_steps,
        replay.sealed_at,
    )
