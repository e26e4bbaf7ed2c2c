"""Keeps the playback indexes of the replays that somebody watches, for an hour.

A range request names a version; building its index again for each would cost more than the
bytes: 20 ms for a replay of an hour, whose index takes 0.4 MB. Ranges may come minutes apart.
What is kept is found only by way of the replay's row, which every request reads: a
deleted replay is gone at once, and a grown one is read anew.
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
from app.core.replay_window import ClockStep
from app.db.engine import Database
from app.playback.video import index
from app.playback.video.index import PlaybackIndex
from app.replays import segment_queries
from app.replays.model import PlayableSegment, Replay, ReplayKey

_KEPT_S: Final = 3_600.0
_MOST_REPLAYS: Final = 64
_MOST_VERSIONS: Final = 8
_MOST_GESTURES_BYTES: Final = 512 * 1024

_Facts = tuple[int, int, int, int, datetime, datetime, tuple[ClockStep, ...]]


@dataclass(slots=True)
class PlayableReplay:
    """The playable segments of a replay, and the indexes that were made of them."""

    segments: tuple[PlayableSegment, ...]
    newest: PlaybackIndex
    gestures: bytes | None = None
    """What fingers did, as the page reads it; None until somebody has found out."""
    _older: dict[str, PlaybackIndex] = field(default_factory=dict)
    _encoded: bytes = b""

    @property
    def encoded(self) -> bytes:
        """The newest index as the page reads it, made once."""
        if not self._encoded:
            self._encoded = index.encode_index(self.newest)
        return self._encoded

    def keep_gestures(self, encoded: bytes) -> None:
        """Keep the gestures for whoever asks next, unless they are many."""
        if len(encoded) <= _MOST_GESTURES_BYTES:
            self.gestures = encoded

    async def find_version(self, version: str) -> PlaybackIndex | None:
        """Return the index of a version; None when it is no version of this replay any more."""
        if version == self.newest.version:
            return self.newest
        known = self._older.get(version)
        if known is not None:
            return known
        segments = index.find_segments_of_version(self.segments, version)
        if segments is None:
            return None
        if len(self._older) >= _MOST_VERSIONS:
            self._older.clear()
        built = self._older[version] = await asyncio.to_thread(index.build_index, segments)
        return built


@dataclass(frozen=True, slots=True)
class _Kept:
    facts: _Facts
    until_s: float
    playable: PlayableReplay


class IndexCache:
    """The indexes of the last replays asked for; small, and empty after a restart."""

    def __init__(self, *, now_s: Callable[[], float] = monotonic_s) -> None:
        self._now_s = now_s
        self._kept: OrderedDict[ReplayKey, _Kept] = OrderedDict()
        self._making: WeakValueDictionary[ReplayKey, asyncio.Lock] = WeakValueDictionary()

    async def find(self, database: Database, replay: Replay) -> PlayableReplay:
        """Return what the player of a replay that was read just now needs."""
        known = self._known(replay.key, _facts(replay))
        if known is not None:
            return known
        async with database.reading() as connection:
            return await self.read_over(connection, replay)

    async def read_over(self, connection: AsyncConnection, replay: Replay) -> PlayableReplay:
        """See `find`; over a connection that is open already."""
        facts = _facts(replay)
        known = self._known(replay.key, facts)
        if known is not None:
            return known
        # A page and its first pictures are asked for at once: the index is made once.
        making = self._making.setdefault(replay.key, asyncio.Lock())
        async with making:
            return self._known(replay.key, facts) or await self._make(connection, replay, facts)

    def _known(self, key: ReplayKey, facts: _Facts) -> PlayableReplay | None:
        kept = self._kept.get(key)
        if kept is None or kept.facts != facts or self._now_s() >= kept.until_s:
            return None
        self._kept.move_to_end(key)
        return kept.playable

    async def _make(
        self, connection: AsyncConnection, replay: Replay, facts: _Facts
    ) -> PlayableReplay:
        segments = tuple(
            await segment_queries.read_playable_segments(
                connection, replay.key, steps=replay.clock_steps
            )
        )
        playable = PlayableReplay(segments, await asyncio.to_thread(index.build_index, segments))
        self._kept[replay.key] = _Kept(facts, self._now_s() + _KEPT_S, playable)
        self._kept.move_to_end(replay.key)
        if len(self._kept) > _MOST_REPLAYS:
            self._kept.popitem(last=False)
        return playable


def _facts(replay: Replay) -> _Facts:
    """Return what changes whenever a segment is added or gains its video."""
    return (
        replay.segments,
        replay.video_segments,
        replay.video_bytes,
        replay.frames,
        replay.last_received_at,
        replay.ended_at,
        replay.clock_steps,
    )
