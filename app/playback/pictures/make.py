"""Draws the pictures of one replay that is due, or finds that there is nothing to draw.

claim ─► deleted? the sweep looks again │ not yet? put off │ right? done
      └► draw (no transaction) ─► key expires ─► object ─► one transaction: tombstone? else the row

The object expires unless that transaction points the row at it: a process that dies, or whose
Postgres goes away, leaves nothing behind.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, log, units
from app.core.errors import MalformedInput, ServiceUnavailable
from app.db.engine import Database
from app.issues.events import replay_events as errors
from app.media import wire
from app.playback.links import placement, replay_clock
from app.playback.pictures import schedule
from app.playback.pictures.draw import draw_strip
from app.playback.video import index
from app.playback.video.index import PlaybackIndex
from app.replays import locks, pictures, queries, sealing
from app.replays.model import Replay
from app.replays.pictures import DrawnPictures, PictureSizes, PictureTask, PictureTile
from app.replays.segments import segment_queries
from app.storage import keys
from app.storage.port import ObjectStore

_logger: Final = log.get_logger("pictures")


class PictureResult(StrEnum):
    """The result of drawing the pictures of a replay that was due."""

    MADE = "made"
    FAILED = "failed"
    PUT_OFF = "put_off"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class _DrawableReplay:
    """A replay, and what is needed to draw it."""

    replay: Replay
    built: PlaybackIndex
    error_ms: int | None


async def make_next_pictures(database: Database, store: ObjectStore) -> PictureResult | None:
    """Process the replay that has waited longest for its pictures; None if none is due.

    Raises:
        ServiceUnavailable: Postgres or storage does not answer, or no child starts. The replay is
            tried again after a minute, or when its lease ends.
    """
    async with database.transaction() as connection:
        task = await pictures.claim_picture_task(connection, at=clock.now())
    if task is None:
        return None
    try:
        return await _examine_replay(database, store, task)
    except MalformedInput as error:
        return await _note_failure(database, task, str(error))
    except ServiceUnavailable:
        async with database.transaction() as connection:
            again_at = schedule.find_retry_time(1, now=clock.now())
            await pictures.postpone_pictures(connection, task, until=again_at)
        raise
    except Exception:
        await _note_failure(database, task, "Playhead failed; its log says how")
        raise


async def _examine_replay(
    database: Database, store: ObjectStore, task: PictureTask
) -> PictureResult:
    """Examine a replay, and draw it if its pictures are due."""
    async with database.reading() as connection:
        replay = await queries.find_replay(connection, task.key)
        later = None if replay is None else await _find_later_time(connection, replay, task)
    if replay is None:
        async with database.transaction() as connection:
            await pictures.finish_deleted_replay(connection, task.key)
        return PictureResult.DELETED
    if later is not None:
        return await _put_off(database, task, later)
    found = await _read_drawable_replay(database, replay)
    now = clock.now()
    due_at = schedule.find_due_time(found.replay, task, found.error_ms, now=now)
    if due_at is None or due_at > now:
        return await _put_off(database, task, due_at)
    strip = await draw_strip(store, found.built, _choose_poster_ms(found))
    return await _store_pictures(database, store, task, found, strip)


async def _find_later_time(
    connection: AsyncConnection, replay: Replay, task: PictureTask
) -> datetime | None:
    """Find the time at which to examine a replay again that clearly need not be drawn now.

    A thousand growing replays are examined 70 times a second, so this reads one row of each and not
    its segments.

    Returns:
        None if the replay must be examined closely.
    """
    known_ms = task.made.error_ms if task.made else None
    now = clock.now()
    due_at = schedule.find_due_time(replay, task, known_ms, now=now)
    if due_at is None or due_at <= now:
        return None
    key = replay.key
    if known_ms is None and await errors.is_named_by_error(
        connection, key.project_id, key.replay_id
    ):
        return None
    return due_at


async def _put_off(database: Database, task: PictureTask, until: datetime | None) -> PictureResult:
    async with database.transaction() as connection:
        await pictures.postpone_pictures(connection, task, until=until)
    return PictureResult.PUT_OFF


async def _read_drawable_replay(database: Database, replay: Replay) -> _DrawableReplay:
    """Read what is needed to draw a replay."""
    key = replay.key
    async with database.reading() as connection:
        segments = await segment_queries.read_playable_segments(
            connection, key, day=replay.day, steps=replay.clock_steps
        )
        # Only errors of the replay's own project count: a picture must not tell of another project.
        [window] = await replay_clock.read_windows(connection, [replay])
        own = [key.project_id]
        found = await errors.read_linked_events(
            connection, window, own, home=key.project_id, payload_bytes=0
        )
        moments = [
            placement.make_event_moment(linked.event)
            for linked in found.events
            if linked.event.level in errors.BAD_LEVELS
        ]
        offsets = await placement.place_in_replay(connection, window, key.project_id, moments, own)
    built = await asyncio.to_thread(index.build_index, segments)
    shift_ms = built.started_at_ms - units.ms_from_at(window.started_at) if built.gops else 0
    offsets_ms = [round(offset.total_seconds() * 1000) - shift_ms for offset in offsets]
    return _DrawableReplay(replay, built, min(offsets_ms, default=None))


def _choose_poster_ms(found: _DrawableReplay) -> int:
    """Choose the moment of the poster: the first error, or the middle if there is none."""
    return found.built.duration_ms // 2 if found.error_ms is None else max(0, found.error_ms)


async def _note_failure(database: Database, task: PictureTask, reason: str) -> PictureResult:
    again_at = schedule.find_retry_time(task.tries, now=clock.now())
    _logger.warning(
        "no pictures", replay=task.key.replay_id, reason=reason, tries=task.tries, again_at=again_at
    )
    async with database.transaction() as connection:
        await pictures.save_picture_fault(connection, task, reason, again_at=again_at)
    return PictureResult.FAILED


async def _store_pictures(
    database: Database,
    store: ObjectStore,
    task: PictureTask,
    found: _DrawableReplay,
    strip: wire.DrawnStrip,
) -> PictureResult:
    """Store the pictures and point at them, unless the replay was deleted meanwhile."""
    key = task.key
    object_key = keys.make_pictures_key(found.replay.day, key.project_id, key.replay_id)
    async with database.transaction() as connection:
        await sealing.let_object_expire(connection, key, object_key)
    await store.put(object_key, b"".join((strip.poster, strip.preview, *strip.sheets)))
    made = DrawnPictures(
        object_key, found.replay.video_segments, found.error_ms, _read_sizes(strip)
    )
    tiles = [PictureTile(tile.at_ms, tile.width, tile.height) for tile in strip.tiles]
    async with database.transaction() as connection:
        if await locks.lock_for_adding(connection, [key]):
            await pictures.finish_deleted_replay(connection, key)
            return PictureResult.DELETED
        is_kept = await pictures.save_pictures(
            connection, task, made, tiles=tiles, at=clock.now(), day=found.replay.day
        )
    return PictureResult.MADE if is_kept else PictureResult.PUT_OFF


def _read_sizes(strip: wire.DrawnStrip) -> PictureSizes:
    return PictureSizes(
        poster_bytes=len(strip.poster),
        poster_width=strip.poster_width,
        poster_height=strip.poster_height,
        preview_bytes=len(strip.preview),
        preview_tiles=strip.preview_tiles,
        cell_width=strip.cell_width,
        cell_height=strip.cell_height,
        columns=strip.columns,
        tiles_a_sheet=strip.tiles_a_sheet,
        sheet_bytes=tuple(len(sheet) for sheet in strip.sheets),
    )
