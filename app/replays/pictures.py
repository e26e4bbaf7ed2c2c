"""The pictures drawn of replays: a row says what there is, and when to draw again.

    requested ─► due ─► claimed (leased to one process) ─► drawn │ failed, due again │ nothing to do
                          └ the process dies: the lease ends, another process claims the row

Rows are claimed with SKIP LOCKED, so processes never wait for each other. When a replay is deleted
while a process draws it, its row stays until the drawing ends. Then that process, or the next one
that claims the row, finds the tombstone and asks the sweep for one more check.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, case, delete, func, insert, null, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.db.text import clean
from app.replays.deletion import outgoing
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.tables import expiring_objects, object_outbox, replay_pictures, replays
from app.replays.totals import picture_storage

LEASE: Final = timedelta(minutes=10)
_COUNTED: Final = 10_000
_REPAIRED: Final = 10_000
"""Rows that `request_forgotten_pictures` adds at once."""


_PICTURES: Final = (
    text(
        """
        select wanted.n, p.due_at, p.video_segments, p.error_ms, p.fault, p.object_key, p.sizes
        from unnest(:project_ids, :replay_ids) with ordinality as wanted (project_id, replay_id, n)
        join replay_pictures p using (project_id, replay_id)
        """
    )
    .bindparams(*KEY_ARRAYS)
    .columns(sizes=postgresql.JSONB())
)


@dataclass(frozen=True, slots=True)
class PictureSizes:
    """The sizes of poster, preview and sheets, one after another in their object, and of tiles."""

    poster_bytes: int
    poster_width: int
    poster_height: int
    preview_bytes: int
    preview_tiles: int
    cell_width: int
    cell_height: int
    columns: int
    tiles_a_sheet: int
    sheet_bytes: tuple[int, ...]

    @property
    def total_bytes(self) -> int:
        """The size of their object."""
        return self.poster_bytes + self.preview_bytes + sum(self.sheet_bytes)


@dataclass(frozen=True, slots=True)
class DrawnPictures:
    """The pictures of a replay, and what they were drawn from.

    `video_segments` is how many segments there were then. `error_ms` is the moment of the error
    that the poster shows; None when it shows another moment.
    """

    object_key: str
    video_segments: int
    error_ms: int | None
    sizes: PictureSizes

    @property
    def version(self) -> str:
        """A text that differs for every drawing, for addresses that browsers may keep."""
        return self.object_key.rpartition("-")[2]


@dataclass(frozen=True, slots=True)
class PictureTile:
    """A tile of the strip, with its moment on the replay's clock and its size."""

    at_ms: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ReplayPictures:
    """The pictures of a replay, or why there are none."""

    key: ReplayKey
    made: DrawnPictures | None
    is_due: bool
    """True while more pictures are to come."""
    fault: str | None


@dataclass(frozen=True, slots=True)
class PictureTask:
    """A replay to draw, leased to this process."""

    key: ReplayKey
    due_at: datetime
    tries: int
    """The number of tries, this one included."""
    leased_until: datetime
    made_at: datetime | None
    made: DrawnPictures | None


async def request_pictures(
    connection: AsyncConnection, keys: Iterable[ReplayKey], *, at: datetime
) -> None:
    """Request pictures of replays; requests that wait already stay as they are.

    A replay that is being drawn is requested anew: what is new may have come too late for it.
    """
    rows = [
        {"project_id": key.project_id, "replay_id": key.replay_id, "due_at": at}
        for key in sorted(set(keys))
    ]
    if rows:
        statement = postgresql.insert(replay_pictures)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["project_id", "replay_id"],
                set_={"due_at": statement.excluded.due_at, "tries": 0},
                where=or_(
                    replay_pictures.c.due_at.is_(None),
                    replay_pictures.c.leased_until.is_not(None),
                ),
            ),
            rows,
        )


async def request_forgotten_pictures(
    connection: AsyncConnection, *, since: datetime, at: datetime
) -> int:
    """Request pictures that a process which died has not requested, and return how many.

    Args:
        connection: The transaction of the caller.
        since: Only replays that arrived after this moment are looked at.
        at: The time at which to draw them.
    """
    row = replay_pictures.c
    forgotten = (
        select(replays.c.project_id, replays.c.replay_id)
        .outerjoin(
            replay_pictures,
            and_(row.project_id == replays.c.project_id, row.replay_id == replays.c.replay_id),
        )
        .where(
            replays.c.first_received_at > since,
            replays.c.video_segments > 0,
            row.due_at.is_(None),
            or_(
                row.project_id.is_(None),
                and_(row.fault.is_(None), row.video_segments < replays.c.video_segments),
            ),
        )
        .limit(_REPAIRED)
    )
    keys = [_to_key(row) for row in await connection.execute(forgotten)]
    await request_pictures(connection, keys, at=at)
    return len(keys)


async def claim_picture_task(connection: AsyncConnection, *, at: datetime) -> PictureTask | None:
    """Lease the replay that has waited longest, if one is due."""
    row = replay_pictures.c
    next_one = (
        select(row.project_id, row.replay_id)
        .where(row.due_at <= at, or_(row.leased_until.is_(None), row.leased_until < at))
        .order_by(row.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .cte("next_one")
    )
    claimed = await connection.execute(
        update(replay_pictures)
        .where(row.project_id == next_one.c.project_id, row.replay_id == next_one.c.replay_id)
        .values(leased_until=at + LEASE, tries=row.tries + 1)
        .returning(replay_pictures)
    )
    task = claimed.first()
    if task is None:
        return None
    return PictureTask(
        _to_key(task),
        task.due_at,
        task.tries,
        task.leased_until,
        task.made_at,
        _to_drawn_pictures(task),
    )


async def count_due_pictures(connection: AsyncConnection, *, at: datetime) -> int:
    """Count the replays that are due, up to ten thousand."""
    due = select(replay_pictures.c.due_at).where(replay_pictures.c.due_at <= at)
    counted = due.limit(_COUNTED).subquery()
    return await connection.scalar(select(func.count()).select_from(counted)) or 0


async def postpone_pictures(
    connection: AsyncConnection, task: PictureTask, *, until: datetime | None
) -> None:
    """Return a replay that needs no pictures now; None means until they are requested again."""
    await _end_lease(connection, task, due_at=until, tries=0)


async def save_picture_fault(
    connection: AsyncConnection, task: PictureTask, fault: str, *, again_at: datetime | None
) -> None:
    """Store why there is no picture, and when to try again; earlier pictures stay."""
    text = clean(fault, limit_bytes=500)
    tries = 0 if again_at is None else task.tries
    await _end_lease(connection, task, due_at=again_at, fault=text, tries=tries)


async def save_pictures(
    connection: AsyncConnection,
    task: PictureTask,
    made: DrawnPictures,
    *,
    tiles: Sequence[PictureTile],
    at: datetime,
    day: date,
) -> bool:
    """Store the pictures that were drawn; earlier ones go to the sweep.

    Look at the tombstone first (`locks.lock_for_adding`): nothing is added to a deleted replay.
    The object was put under a key that expires (`sealing.let_object_expire`); from now on it stays.

    Args:
        connection: The transaction of the caller.
        task: The lease under which they were drawn.
        made: The pictures.
        tiles: The tiles of the strip, in the order of time.
        at: The time.
        day: The day of the replay, which their bytes are counted under.

    Returns:
        False if they were thrown away. Either the object has expired, since the process was held
        up, and the replay is due again, or another process draws the replay by now.
    """
    kept = await connection.execute(
        delete(expiring_objects).where(expiring_objects.c.object_key == made.object_key)
    )
    if not kept.rowcount:
        await _end_lease(connection, task, due_at=at, tries=0)
        return False
    flat = [number for tile in tiles for number in (tile.at_ms, tile.width, tile.height)]
    is_ours = await _end_lease(
        connection,
        task,
        due_at=None,
        tries=0,
        made_at=at,
        video_segments=made.video_segments,
        error_ms=made.error_ms,
        fault=None,
        object_key=made.object_key,
        sizes=asdict(made.sizes),
        tiles=flat,
    )
    if not is_ours:
        await discard_object(connection, task.key, made.object_key, at=at)
        return False
    if task.made is not None:
        await discard_object(connection, task.key, task.made.object_key, at=at)
    await picture_storage.replace_picture_bytes(
        connection,
        task.key,
        day,
        before=task.made.sizes.total_bytes if task.made else None,
        after=made.sizes.total_bytes,
    )
    return True


async def discard_object(
    connection: AsyncConnection, key: ReplayKey, object_key: str, *, at: datetime
) -> None:
    """Hand an object that no row points at to the sweep."""
    row = {"project_id": key.project_id, "replay_id": key.replay_id}
    await connection.execute(
        insert(object_outbox), [{**row, "object_key": object_key, "added_at": at}]
    )


async def erase_pictures(
    connection: AsyncConnection, key: ReplayKey, *, at: datetime, day: date | None
) -> None:
    """Delete the row of a replay that is being deleted; if it is being drawn, the lease stays.

    Args:
        connection: The transaction of the caller.
        key: The replay.
        at: The time.
        day: Its day, which the bytes of its pictures are counted under; None if nobody knows it.
    """
    row = replay_pictures.c
    sizes = await connection.scalar(select(row.sizes).where(_is_row_of(key)).with_for_update())
    if sizes is not None and day is not None:
        await picture_storage.replace_picture_bytes(
            connection, key, day, before=_to_sizes(sizes).total_bytes, after=None
        )
    is_free = or_(row.leased_until.is_(None), row.leased_until < at)
    await connection.execute(delete(replay_pictures).where(_is_row_of(key), is_free))
    nothing = dict.fromkeys(("made_at", "object_key", "sizes", "tiles", "fault"), null())
    await connection.execute(update(replay_pictures).where(_is_row_of(key)).values(nothing))


async def finish_deleted_replay(connection: AsyncConnection, key: ReplayKey) -> None:
    """Delete the row of a deleted replay, and have the sweep check its prefix once more."""
    await connection.execute(delete(replay_pictures).where(_is_row_of(key)))
    await outgoing.request_another_sweep(connection, key)


async def read_pictures(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, ReplayPictures]:
    """Read what pictures there are of some replays; those nobody has asked for are absent."""
    if not keys:
        return {}
    rows = await connection.execute(_PICTURES, to_key_arrays(keys))
    return {
        keys[row.n - 1]: ReplayPictures(
            keys[row.n - 1], _to_drawn_pictures(row), row.due_at is not None, row.fault
        )
        for row in rows
    }


async def read_tiles(connection: AsyncConnection, key: ReplayKey) -> list[PictureTile]:
    """Read the tiles of a replay's strip in the order of time."""
    numbers: Sequence[int] = (
        await connection.scalar(select(replay_pictures.c.tiles).where(_is_row_of(key))) or ()
    )
    return [
        PictureTile(at_ms, width, height)
        for at_ms, width, height in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    ]


async def _end_lease(
    connection: AsyncConnection, task: PictureTask, *, due_at: datetime | None, **values: Any
) -> bool:
    """End a lease with its result; return False when it had ended and another process has the row.

    A replay that was requested again meanwhile stays due.
    """
    is_unchanged = replay_pictures.c.due_at == task.due_at
    values["due_at"] = case((is_unchanged, due_at), else_=replay_pictures.c.due_at)
    ended = await connection.execute(
        update(replay_pictures)
        .where(_is_row_of(task.key), replay_pictures.c.leased_until == task.leased_until)
        .values(leased_until=None, **values)
        .returning(replay_pictures.c.replay_id)
    )
    return ended.first() is not None


def _is_row_of(key: ReplayKey) -> Any:
    return and_(
        replay_pictures.c.project_id == key.project_id,
        replay_pictures.c.replay_id == key.replay_id,
    )


def _to_key(row: Row[*tuple[Any, ...]]) -> ReplayKey:
    return ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id))


def _to_drawn_pictures(row: Row[*tuple[Any, ...]]) -> DrawnPictures | None:
    if row.object_key is None:
        return None
    return DrawnPictures(row.object_key, row.video_segments, row.error_ms, _to_sizes(row.sizes))


def _to_sizes(stored: Mapping[str, Any]) -> PictureSizes:
    return PictureSizes(**{**stored, "sheet_bytes": tuple(stored["sheet_bytes"])})
