"""Seals closed replays: everything that is stored of one moves into an object of its own.

    rows ─ lay out ─► for each object: its key expires ─ read parts ─ put ─ read back and compare
         ─► one transaction with the replay locked: nothing has changed? rows point at the objects

A sealed replay is read by few ranges and deleted with few deletes, however many packs its videos
shared with others. Until the transaction commits, nothing points at the new objects; from then on
nothing points at the older copies, which go with their pack, or when they are replaced. Nothing is
ever lost in between, and whatever a process leaves behind when it dies expires.

A video whose object has vanished stays where it is said to be; everything else is sealed.
"""

import asyncio
import contextlib
from typing import Final

from app.closing.sealing import content, layout
from app.closing.sealing.content import PartKey
from app.closing.sealing.layout import SealedLayout, SegmentParts
from app.closing.step import ClosedReplay, ReplayReopened
from app.core import clock, log
from app.core.errors import NotFound, ServiceUnavailable
from app.db.engine import Database
from app.replays import sealing
from app.replays.sealing import SealableReplay, SealableSegment, SealedSegment
from app.storage import keys
from app.storage.port import ObjectStore
from app.storage.ranged_reads import ObjectRange

_TRIES: Final = 3
"""The most times that a replay is read again because something has moved meanwhile."""
_LARGE_BYTES: Final = 16 * 1024 * 1024
"""The size from which a process has only one object at a time in memory."""

_logger: Final = log.get_logger("closing.sealing")


class Sealer:
    """The step that seals a closed replay."""

    name: Final = "seal"

    def __init__(
        self, database: Database, store: ObjectStore, *, object_bytes: int = layout.OBJECT_BYTES
    ) -> None:
        """Make the step.

        Args:
            database: The database.
            store: The store with the packs, which also gets the sealed objects.
            object_bytes: The most bytes of a sealed object.
        """
        self._database = database
        self._store = store
        self._object_bytes = object_bytes
        self._one_large = asyncio.Lock()

    async def run(self, replay: ClosedReplay) -> None:
        """Seal a replay, if that is not done yet.

        Raises:
            ReplayReopened: It has got a segment meanwhile, or is deleted.
            ServiceUnavailable: Postgres or storage does not answer, or what was put differs.
        """
        for _ in range(_TRIES):
            async with self._database.reading() as connection:
                found = await sealing.read_sealable_replay(connection, replay.key)
            if found is None:
                raise ReplayReopened
            if found.is_in_sealed_objects:
                return
            if await self._try_to_seal(found, until_s=replay.until_s):
                return
        raise ReplayReopened

    async def _try_to_seal(self, replay: SealableReplay, *, until_s: float) -> bool:
        """Seal a replay as it was read; returns False if it has changed since."""
        layouts = layout.lay_out_replay(
            map(_list_parts, replay.segments), object_bytes=self._object_bytes
        )
        object_keys: list[str] = []
        try:
            missing = await self._put_objects(replay, layouts, object_keys, until_s=until_s)
        except BaseException:
            await self._let_expire_anew(replay, object_keys)
            raise
        async with self._database.transaction() as connection:
            return await sealing.seal_replay(
                connection, replay, object_keys, _place_segments(replay, layouts, missing)
            )

    async def _put_objects(
        self,
        replay: SealableReplay,
        layouts: list[SealedLayout],
        object_keys: list[str],
        *,
        until_s: float,
    ) -> set[PartKey]:
        """Put all objects, and add their keys to a list; returns the parts that they lack."""
        missing: set[PartKey] = set()
        for object_layout in layouts:
            if clock.monotonic_s() > until_s:
                raise ServiceUnavailable("sealing takes too long; is the storage slow?")
            object_key = keys.make_sealed_key(
                replay.real_day, replay.key.project_id, replay.key.replay_id
            )
            object_keys.append(object_key)
            missing |= await self._put_object(replay, object_layout, object_key)
        return missing

    async def _let_expire_anew(self, replay: SealableReplay, object_keys: list[str]) -> None:
        """Have objects removed that were perhaps put late, after the sweep looked for them."""
        # If Postgres is away, the earlier time is left, which holds for all that was put in time.
        with contextlib.suppress(ServiceUnavailable):
            async with self._database.transaction() as connection:
                for object_key in object_keys:
                    await sealing.let_object_expire(connection, replay.key, object_key)

    async def _put_object(
        self, replay: SealableReplay, object_layout: SealedLayout, object_key: str
    ) -> set[PartKey]:
        """Put one sealed object, and make sure that it is there; returns the parts it lacks."""
        async with self._database.transaction() as connection:
            await sealing.let_object_expire(connection, replay.key, object_key)
        is_large = object_layout.size_bytes > _LARGE_BYTES
        async with self._one_large if is_large else contextlib.nullcontext():
            return await self._copy_parts(replay, object_layout, object_key)

    async def _copy_parts(
        self, replay: SealableReplay, object_layout: SealedLayout, object_key: str
    ) -> set[PartKey]:
        data, missing = await content.read_content(
            self._database, self._store, replay, object_layout
        )
        for segment_id, kind in sorted(missing):
            _logger.error(
                "a part of a replay cannot be sealed: its object is gone or too short",
                project=replay.key.project_id,
                replay=replay.key.replay_id,
                segment_id=segment_id,
                part=kind,
            )
        await self._store.put(object_key, memoryview(data))
        try:
            await content.verify_content(self._store, object_key, data)
        except NotFound as error:
            raise ServiceUnavailable(f"{object_key} is gone right after it was put") from error
        return missing


def _list_parts(segment: SealableSegment) -> SegmentParts:
    recording = None
    if not segment.is_in_row and segment.recording_key is not None:
        recording = ObjectRange(
            segment.recording_key, segment.recording_offset or 0, segment.recording_bytes
        )
    video = None
    if segment.object_key is not None:
        video = ObjectRange(segment.object_key, segment.object_offset, segment.object_bytes)
    return SegmentParts(segment.segment_id, segment.recording_bytes, recording, video)


def _place_segments(
    replay: SealableReplay, layouts: list[SealedLayout], missing: set[PartKey]
) -> list[SealedSegment]:
    """Return the new place of each part that could be read."""
    placed = {
        (part.segment_id, part.kind): (number, part)
        for number, object_layout in enumerate(layouts)
        for part in object_layout.parts
        if (part.segment_id, part.kind) not in missing
    }
    segments = []
    for segment in replay.segments:
        recording_object, recording = placed.get((segment.segment_id, "recording"), (None, None))
        video_object, video = placed.get((segment.segment_id, "video"), (None, None))
        segments.append(
            SealedSegment(
                segment.segment_id,
                recording_object,
                recording.offset if recording else None,
                recording.size_bytes if recording else None,
                video_object,
                video.offset if video else None,
            )
        )
    return segments
