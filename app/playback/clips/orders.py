"""The use cases of clips: ask for one, see its progress, download its file, delete it.

Clips belong to the replay: everybody who may see the replay may take them, whoever made them. They
show nothing that only some may see: no bodies of requests, and no data of other projects.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.accounts import queries as accounts
from app.accounts.model import Person
from app.audit import writes as audit
from app.audit.model import Action, ActionDetail
from app.core import units
from app.core.errors import InvalidInput, NotFound
from app.core.ids import PersonId
from app.core.replay.replay_range import ReplayRange
from app.db.engine import Database
from app.playback.clips import timeline
from app.playback.video.index_cache import IndexCache
from app.projects import storage
from app.replays import locks, queries as replays
from app.replays.clips import queries, writes
from app.replays.clips.model import MOST_CLIPS, MOST_WAITING, Clip, ClipFile, ClipRequest, ClipState
from app.replays.model import Replay, ReplayKey
from app.storage.port import ObjectStore

_CHUNK_BYTES: Final = 1024 * 1024
SWITCHED_OFF: Final = "clips are switched off on this server"


@dataclass(frozen=True, slots=True)
class ListedClip:
    """A clip with the name of the person who made it."""

    clip: Clip
    made_by: str | None
    """None if they have left."""


@dataclass(frozen=True, slots=True)
class ClipDownload:
    """The file of a clip, for one download by one person."""

    clips: "ReplayClips"
    clip: Clip
    file: ClipFile

    async def read(self, start_byte: int, end_byte: int) -> AsyncIterator[bytes]:
        """Note the download in the audit log, and return bytes of the clip.

        Browsers fetch one file in many ranges: only the one with the first byte is noted.

        Returns:
            The bytes from `start_byte` up to, not including, `end_byte`, a mebibyte at a time.
        """
        if start_byte == 0:
            await self.clips.note_download(self.clip.id)
        return self._read_chunks(start_byte, end_byte)

    async def _read_chunks(self, offset: int, end: int) -> AsyncIterator[bytes]:
        while offset < end:
            length = min(_CHUNK_BYTES, end - offset)
            data = await self.clips.store.read(self.file.object_key, offset, length)
            if not data:
                return
            yield data
            offset += len(data)


@dataclass(frozen=True, slots=True)
class ReplayClips:
    """The clips of a replay, and a person who works with them."""

    db: Database
    store: ObjectStore
    index_cache: IndexCache
    person: Person
    key: ReplayKey
    hurry: Callable[[], None]
    """Wakes the worker that renders clips, if this process has one."""
    most_bytes: int
    """The bytes that the clips of a project may take before more are refused."""
    is_on: bool = True
    """False if the server renders no clips."""

    async def order(self, request: ClipRequest) -> Clip:
        """Ask for a clip; the same request leads to the same clip, which may be ready.

        Raises:
            NotFound: There is no such replay.
            InvalidInput: The range has no video, clips are switched off, there are too many, or
                they take too much.
        """
        if not self.is_on:
            raise InvalidInput(SWITCHED_OFF)
        async with self.db.reading() as connection:
            replay = await self._find_replay(connection)
        request, result = await self._check_request(replay, request)
        async with self.db.transaction() as connection:
            if await locks.lock_for_adding(connection, [self.key]):
                raise NotFound("no such replay")
            known = await queries.find_clip_of_result(connection, self.key, result)
            if known is None or known.state is ClipState.FAILED:
                await self._check_room(connection, is_new=known is None)
            clip = await writes.add_clip(
                connection,
                self.key,
                request,
                day=replay.day,
                result=result,
                person_id=self.person.id,
            )
            detail = {"clip": clip.id, "format": request.format.value}
            await self._add_line(connection, Action.CLIP_MADE, detail)
        self.hurry()
        return clip

    async def list_clips(self) -> list[ListedClip]:
        """List the clips of the replay, the newest first.

        Raises:
            NotFound: There is no such replay.
        """
        async with self.db.reading() as connection:
            await self._find_replay(connection)
            clips = await queries.list_clips(connection, self.key)
            makers = {clip.made_by for clip in clips if clip.made_by is not None}
            names = await accounts.read_person_names(connection, sorted(makers))
        return [ListedClip(clip, names.get(clip.made_by or PersonId(0))) for clip in clips]

    async def find_clip(self, clip_id: str) -> Clip:
        """Find a clip, to see its progress.

        Raises:
            NotFound: There is no such replay, or it has no such clip.
        """
        async with self.db.reading() as connection:
            await self._find_replay(connection)
            return await queries.get_clip(connection, self.key, clip_id)

    async def find_download(self, clip_id: str) -> ClipDownload:
        """Find the file of a clip.

        Raises:
            NotFound: There is no such clip, or it is not ready.
        """
        clip = await self.find_clip(clip_id)
        if clip.file is None:
            raise NotFound("this clip is not ready")
        return ClipDownload(self, clip, clip.file)

    async def delete(self, clip_id: str) -> None:
        """Delete a clip; one that is being rendered is dropped.

        Raises:
            NotFound: There is no such clip any more.
        """
        async with self.db.transaction() as connection:
            await self._find_replay(connection)
            await writes.delete_clip(connection, self.key, clip_id)
            await self._add_line(connection, Action.CLIP_DELETED, {"clip": clip_id})

    async def note_download(self, clip_id: str) -> None:
        """Note in the audit log that the person downloads a clip."""
        async with self.db.transaction() as connection:
            await self._add_line(connection, Action.REPLAY_DOWNLOADED, {"clip": clip_id})

    async def _find_replay(self, connection: AsyncConnection) -> Replay:
        replay = await replays.find_replay(connection, self.key)
        if replay is None:
            raise NotFound("no such replay")
        return replay

    async def _check_request(self, replay: Replay, request: ClipRequest) -> tuple[ClipRequest, str]:
        """Cut the range to the replay, check that it has video, and name the result."""
        index = (await self.index_cache.find(self.db, replay)).newest
        ended_ms = units.ms_from_at(replay.ended_at) - index.started_at_ms
        whole = ReplayRange(0, max(1, index.duration_ms, ended_ms))
        wanted = whole if request.range is None else request.range.cut_to(whole.to_ms)
        await asyncio.to_thread(timeline.list_shown_pictures, index, wanted)
        received_ms = units.ms_from_at(replay.last_received_at)
        version = f"{index.version} {replay.segments} {received_ms}"
        request = replace(request, range=None if wanted == whole else wanted)
        return request, request.name_result(version)

    async def _check_room(self, connection: AsyncConnection, *, is_new: bool) -> None:
        if is_new and await queries.count_clips(connection, self.key) >= MOST_CLIPS:
            raise InvalidInput(f"a replay has {MOST_CLIPS} clips at most; delete one first")
        waiting = await queries.count_waiting_clips(connection, self.key.project_id)
        if waiting >= MOST_WAITING:
            raise InvalidInput(
                f"{waiting} clips of this project wait to be rendered; ask again in a few minutes"
            )
        stored_bytes = await storage.sum_clip_bytes(connection, self.key.project_id)
        if stored_bytes >= self.most_bytes:
            raise InvalidInput(
                f"the clips of this project take {units.format_bytes(stored_bytes)} of the "
                f"{units.format_bytes(self.most_bytes)} that they may take; "
                "delete some that nobody needs"
            )

    async def _add_line(
        self, connection: AsyncConnection, action: Action, detail: ActionDetail
    ) -> None:
        await audit.add_audit_line(
            connection,
            action,
            person_id=self.person.id,
            project_id=self.key.project_id,
            subject=self.key.replay_id,
            detail=detail,
        )
