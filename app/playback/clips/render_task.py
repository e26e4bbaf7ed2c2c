"""Renders one clip that was claimed, from its replay to its file in the store.

    replay, index, gestures, words ─► child ─► file without a name on the disk
                      object ◄─ put ◄──────────┘   one transaction: is the clip still wanted?

The object expires unless that transaction points the clip at it, so a process that dies leaves
nothing behind.
"""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.core import units
from app.core.errors import MalformedInput
from app.core.replay.replay_range import ReplayRange
from app.core.running.finishing import finish_first
from app.db.engine import Database
from app.playback.clips.recorded import read_recorded_range
from app.playback.clips.render import ClipRenderer, ClipSettings, NoteProgress, RenderedClip
from app.playback.video.index_cache import IndexCache
from app.replays import queries as replays, sealing
from app.replays.clips import writes
from app.replays.clips.model import ClipFile, ClipTask
from app.replays.model import Replay
from app.storage import keys
from app.storage.port import ObjectStore

_EXPIRES_AFTER: Final = timedelta(minutes=15)
"""The longest time between putting the object and pointing at it."""


@dataclass(frozen=True, slots=True)
class ClipResources:
    """The parts of the process and the limits that rendering clips needs."""

    database: Database
    store: ObjectStore
    index_cache: IndexCache
    folder: Path
    """The folder for files that grow while they are rendered; they have no name in it."""
    most_cpu_s: int
    """The processor time that one clip may take."""


async def make_clip(
    resources: ClipResources, task: ClipTask, note_progress: NoteProgress
) -> RenderedClip | None:
    """Render a clip and store it.

    Args:
        resources: The parts of the process and the limits.
        task: The clip, leased to this process.
        note_progress: Called with the part that is done.

    Returns:
        The facts of the rendered clip; None if the clip or its replay was deleted meanwhile.

    Raises:
        MalformedInput: It cannot be rendered; the message says why.
        ServiceUnavailable: Postgres or storage does not answer, or no child starts.
        OSError: The disk is full.
    """
    database, clip = resources.database, task.clip
    async with database.reading() as connection:
        replay = await replays.find_replay(connection, clip.key)
    if replay is None:
        return None
    renderer = await _prepare_renderer(resources, task, replay, note_progress)
    resources.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=resources.folder) as target:
        rendered = await renderer.render(target.fileno())
        object_key = keys.make_clip_key(replay.day, clip.key.project_id, clip.key.replay_id)
        file = ClipFile(
            object_key, rendered.size_bytes, rendered.width, rendered.height, rendered.duration_ms
        )
        # A cancelled put goes on in its thread: the sweep must find the object that it leaves.
        is_kept = await finish_first(_store_file(resources, task, file, target.fileno()))
    return rendered if is_kept else None


async def _store_file(
    resources: ClipResources, task: ClipTask, file: ClipFile, descriptor: int
) -> bool:
    """Store the file of a clip and point the clip at it; returns False if it was deleted."""
    async with resources.database.transaction() as connection:
        await sealing.let_object_expire(connection, task.clip.key, file.object_key, _EXPIRES_AFTER)
    await resources.store.put_file(file.object_key, descriptor)
    async with resources.database.transaction() as connection:
        return await writes.finish_clip(connection, task, file)


async def _prepare_renderer(
    resources: ClipResources, task: ClipTask, replay: Replay, note_progress: NoteProgress
) -> ClipRenderer:
    request = task.clip.request
    playable = await resources.index_cache.find(resources.database, replay)
    index = playable.newest
    if not index.gops:
        raise MalformedInput("none of its videos can be played")
    duration_ms = max(index.duration_ms, units.ms_from_at(replay.ended_at) - index.started_at_ms)
    wanted = request.range or ReplayRange(0, duration_ms)
    recorded = None
    if request.has_taps or request.has_caption:
        recorded = await read_recorded_range(
            resources.database,
            resources.store,
            replay,
            wanted,
            zero_ms=index.started_at_ms,
            duration_ms=duration_ms,
        )
    settings = ClipSettings(
        request.format,
        wanted,
        recorded.gestures if recorded and request.has_taps else (),
        recorded.captions if recorded and request.has_caption else None,
        request.has_body,
    )
    return ClipRenderer(
        resources.store,
        index,
        settings,
        most_cpu_s=resources.most_cpu_s,
        note_progress=note_progress,
    )
