"""The use cases behind a player: its index, the stream, the gestures, and segments as they came.

A player asks for them many times while a replay is watched.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action
from app.core import units
from app.core.errors import NotFound
from app.db.engine import Database
from app.playback.recording import gestures, recorded_segments
from app.playback.video import start, stream
from app.playback.video.index import PlaybackIndex
from app.playback.video.index_cache import IndexCache, PlayableReplay
from app.playback.video.start import PlaybackStart
from app.replays.model import Replay
from app.replays.segments import segment_queries
from app.storage.port import ObjectStore

_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The virtual stream of a replay, as one version of its index lays it out."""

    store: ObjectStore
    index: PlaybackIndex

    @property
    def size_bytes(self) -> int:
        """The length of the stream."""
        return self.index.size_bytes

    def read(self, start_byte: int, end_byte: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start_byte` up to, not including, `end_byte`.

        Raises:
            NotFound: Nothing of the range can be read; raised before the first byte.
            ServiceUnavailable: Storage is down.
        """
        return stream.read_stream(self.store, self.index, start_byte, end_byte)


@dataclass(frozen=True, slots=True)
class SegmentVideo:
    """The video of one segment as the phone sent it: a run of bytes in an object."""

    player: "ReplayPlayer"
    segment_id: int
    object_key: str
    offset: int
    size_bytes: int

    async def download(self, start_byte: int, end_byte: int) -> AsyncIterator[bytes]:
        """Note in the audit log who takes the video, and return its bytes.

        Browsers fetch one video by many ranges: only the one with the first byte is noted.

        Returns:
            The bytes from `start_byte` up to, not including, `end_byte`, a mebibyte at a time;
            they end early if the object does.
        """
        if start_byte == 0:
            await self._note_download()
        return self._read_chunks(self.offset + start_byte, self.offset + end_byte)

    async def _note_download(self) -> None:
        key = self.player.replay.key
        async with self.player.db.transaction() as connection:
            await audit.add_audit_line(
                connection,
                Action.REPLAY_DOWNLOADED,
                person_id=self.player.person.id,
                project_id=key.project_id,
                subject=key.replay_id,
                detail={"segment": self.segment_id},
            )

    async def _read_chunks(self, offset: int, end: int) -> AsyncIterator[bytes]:
        while offset < end:
            length = min(_CHUNK_BYTES, end - offset)
            data = await self.player.store.read(self.object_key, offset, length)
            if not data:
                return
            yield data
            offset += len(data)


@dataclass(frozen=True, slots=True)
class ReplayPlayer:
    """A person who watches a replay, and where the replay is stored."""

    db: Database
    store: ObjectStore
    index_cache: IndexCache
    person: Person
    replay: Replay

    @property
    def gestures_version(self) -> str:
        """A name for the state of the gestures, which changes with every segment."""
        received_ms = units.ms_from_at(self.replay.last_received_at)
        return f"{self.replay.segments}-{received_ms}"

    async def read_start(self, at_ms: int) -> PlaybackStart:
        """Read the index, and the pictures that are due at a time.

        Raises:
            ServiceUnavailable: Storage is down.
        """
        return await start.read_start(self.store, await self._find_playable(), at_ms)

    async def find_stream(self, version: str) -> VideoStream | None:
        """Find the stream of a version of the index; None if the replay has no such version."""
        index = await (await self._find_playable()).find_version(version)
        return None if index is None else VideoStream(self.store, index)

    async def read_gestures(self, *, from_segment: int = 0) -> bytes:
        """Read the gestures as JSON, in the pixels of the picture and on the player's clock.

        Args:
            from_segment: The first segment whose recording is read.

        Raises:
            ServiceUnavailable: Storage is down.
        """
        playable = await self._find_playable()
        if from_segment == 0 and playable.gestures is not None:
            return playable.gestures
        segments = await recorded_segments.read_segments(
            self.db, self.store, self.replay, from_segment=from_segment
        )
        index = playable.newest
        zero_ms = index.started_at_ms if index.gops else units.ms_from_at(self.replay.started_at)

        def read() -> bytes:
            recorded = recorded_segments.read_recordings(segments, from_segment=from_segment)
            return gestures.encode_gestures(gestures.read_gestures(recorded, zero_ms=zero_ms))

        encoded = await asyncio.to_thread(read)
        if from_segment == 0:
            playable.keep_gestures(encoded)
        return encoded

    async def find_segment_video(self, segment_id: int) -> SegmentVideo:
        """Find the video of a segment, whether it can be played or not.

        Raises:
            NotFound: There is no such segment, or it has no video.
        """
        playable = await self._find_playable()
        for segment in playable.segments:
            if segment.segment_id == segment_id:
                return SegmentVideo(
                    self,
                    segment_id,
                    segment.object_key,
                    segment.object_offset,
                    segment.object_bytes,
                )
        async with self.db.reading() as connection:
            stored = await segment_queries.read_segments(
                connection, self.replay.key, day=self.replay.day
            )
        for other in stored:
            if other.segment_id == segment_id and other.object_key:
                return SegmentVideo(
                    self, segment_id, other.object_key, other.object_offset, other.object_bytes
                )
        raise NotFound(f"segment {segment_id} has no video")

    async def _find_playable(self) -> PlayableReplay:
        return await self.index_cache.find(self.db, self.replay)
