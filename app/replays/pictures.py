"""Pictures drawn of replays: a row says what there is, and when to draw again.

    want ─► due ─► claim (leased to one process) ─► made │ failed, due again │ nothing to draw
                     └ the process dies: the lease ends, another one claims

Rows are claimed with SKIP LOCKED, so that processes never wait for each other. When a replay is
deleted while somebody draws it, its row stays until they are done: they, or whoever claims the
row after them, find the tombstone and send the sweep once more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, case, delete, func, insert, null, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.db.text import clean
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.tables import object_outbox, replay_pictures, replays, tombstones

LEASE: Final = timedelta(minutes=10)
_COUNTED: Final = 10_000
_REPAIRED: Final = 10_000
"""Rows that one repair adds at most."""


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
    """How poster, preview and sheets lie in their object, and how tiles lie on them."""

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


@dataclass(frozen=True, slots=True)
class DrawnPictures:
    """The pictures of a replay, and what they were made of.

    `error_ms` is the moment that the poster shows, when it is that of an error.
    """

    object_key: str
    video_segments: int
    error_ms: int | None
    sizes: PictureSizes

    @property
    def version(self) -> str:
        """Tell this making from any other."""
        return self.object_key.rpartition("-")[2]


@dataclass(frozen=True, slots=True)
class StripTile:
    """One tile of the strip: its moment on the replay's clock, and its size."""

    at_ms: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ReplayPictures:
    """What there is to see of a replay in small: pictures, or why there are none (yet)."""

    key: ReplayKey
    made: DrawnPictures | None
    is_due: bool
    """More are to come."""
    fault: str | None


@dataclass(frozen=True, slots=True)
class PictureTask:
    """A replay to look at, leased to this process."""

    key: ReplayKey
    due_at: datetime
    tries: int
    """Including this one."""
    leased_until: datetime
    made_at: datetime | None
    made: DrawnPictures | None


async def request_pictures(
    connection: AsyncConnection, keys: Iterable[ReplayKey], *, at: datetime
) -> None:
    """Note that pictures of replays may have to be drawn; those that wait already stay.

    One that is being drawn is noted anew: what is noted may have come too late for it.
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
    """Note replays that a dead process forgot to note; returns how many.

    Args:
        connection: Where to look.
        since: Only replays that began after this.
        at: When to look at them.
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
    found = await connection.execute(forgotten)
    keys = [_key(one) for one in found]
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
    found = await connection.execute(
        update(replay_pictures)
        .where(row.project_id == next_one.c.project_id, row.replay_id == next_one.c.replay_id)
        .values(leased_until=at + LEASE, tries=row.tries + 1)
        .returning(replay_pictures)
    )
    one = found.first()
    if one is None:
        return None
    made = _made(one)
    return PictureTask(_key(one), one.due_at, one.tries, one.leased_until, one.made_at, made)


async def count_due_pictures(connection: AsyncConnection, *, at: datetime) -> int:
    """Count the replays that are due, up to ten thousand."""
    due = select(replay_pictures.c.due_at).where(replay_pictures.c.due_at <= at)
    some = due.limit(_COUNTED).subquery()
    found = await connection.scalar(select(func.count()).select_from(some))
    return found or 0


async def postpone_pictures(
    connection: AsyncConnection, task: PictureTask, *, until: datetime | None
) -> None:
    """Give a replay back that needs no pictures now; None means until it is wanted again."""
    await _end(connection, task, due_at=until, tries=0)


async def save_picture_fault(
    connection: AsyncConnection, task: PictureTask, fault: str, *, again_at: datetime | None
) -> None:
    """Note why there is no picture, and when to try again; pictures of before stay."""
    text = clean(fault, limit_bytes=500)
    tries = 0 if again_at is None else task.tries
    await _end(connection, task, due_at=again_at, fault=text, tries=tries)


async def save_pictures(
    connection: AsyncConnection,
    task: PictureTask,
    made: DrawnPictures,
    *,
    tiles: Sequence[StripTile],
    at: datetime,
) -> None:
    """Note the pictures that were made; those of before go to the sweep.

    Look at the tombstone first (`locks.lock_for_adding`): nothing is added to a deleted replay.
    """
    flat = [number for tile in tiles for number in (tile.at_ms, tile.width, tile.height)]
    is_ours = await _end(
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
        await discard_picture_object(connection, task.key, made.object_key, at=at)
    elif task.made is not None:
        await discard_picture_object(connection, task.key, task.made.object_key, at=at)


async def discard_picture_object(
    connection: AsyncConnection, key: ReplayKey, object_key: str, *, at: datetime
) -> None:
    """Give pictures that no row points at to the sweep."""
    row = {"project_id": key.project_id, "replay_id": key.replay_id}
    await connection.execute(
        insert(object_outbox), [{**row, "object_key": object_key, "added_at": at}]
    )


async def erase_pictures(connection: AsyncConnection, key: ReplayKey, *, at: datetime) -> None:
    """Take out the row of a replay that is being deleted; of one being drawn the lease stays."""
    row = replay_pictures.c
    is_free = or_(row.leased_until.is_(None), row.leased_until < at)
    await connection.execute(delete(replay_pictures).where(_is(key), is_free))
    nothing = dict.fromkeys(("made_at", "object_key", "sizes", "tiles", "fault"), null())
    await connection.execute(update(replay_pictures).where(_is(key)).values(nothing))


async def finish_deleted_replay(connection: AsyncConnection, key: ReplayKey) -> None:
    """Take out the row of a deleted replay, and have the sweep look at its prefix once more."""
    await connection.execute(delete(replay_pictures).where(_is(key)))
    await connection.execute(
        update(tombstones)
        .where(tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id)
        .values(swept_at=None)
    )


async def read_pictures(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, ReplayPictures]:
    """Read what pictures there are of some replays; those nobody has asked for are absent."""
    if not keys:
        return {}
    rows = await connection.execute(_PICTURES, to_key_arrays(keys))
    return {
        keys[row.n - 1]: ReplayPictures(
            keys[row.n - 1], _made(row), row.due_at is not None, row.fault
        )
        for row in rows
    }


async def read_tiles(connection: AsyncConnection, key: ReplayKey) -> list[StripTile]:
    """Read the tiles of a replay's strip in the order of time."""
    found = await connection.scalar(select(replay_pictures.c.tiles).where(_is(key)))
    flat: Sequence[int] = found or ()
    return [StripTile(*one) for one in zip(flat[::3], flat[1::3], flat[2::3], strict=True)]


async def _end(
    connection: AsyncConnection, task: PictureTask, *, due_at: datetime | None, **values: Any
) -> bool:
    """Give a lease back with what came of it; False when it had ended and another has the row.

    A replay that was wanted again meanwhile stays due.
    """
    is_unchanged = replay_pictures.c.due_at == task.due_at
    values["due_at"] = case((is_unchanged, due_at), else_=replay_pictures.c.due_at)
    ended = await connection.execute(
        update(replay_pictures)
        .where(_is(task.key), replay_pictures.c.leased_until == task.leased_until)
        .values(leased_until=None, **values)
        .returning(replay_pictures.c.replay_id)
    )
    return ended.first() is not None


def _is(key: ReplayKey) -> Any:
    return and_(
        replay_pictures.c.project_id == key.project_id,
        replay_pictures.c.replay_id == key.replay_id,
    )


def _key(row: Row[*tuple[Any, ...]]) -> ReplayKey:
    return ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id))


def _made(row: Row[*tuple[Any, ...]]) -> DrawnPictures | None:
    if row.object_key is None:
        return None
    sizes = PictureSizes(**{**row.sizes, "sheet_bytes": tuple(row.sizes["sheet_bytes"])})
    return DrawnPictures(row.object_key, row.video_segments, row.error_ms, sizes)
