"""Ends replays by rule: many at once, and without their segments where a whole day is dropped.

    lock ─► row and tombstone ─► packs: fewer live segments, or none: the object goes
                               └► traces, pictures, pins, the row of an open replay

The segments themselves go with their partition, or are deleted where single replays go.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Date, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import RetentionClass
from app.core.ids import ProjectId, ReplayId
from app.replays import locks
from app.replays.deletion import hiding
from app.replays.deletion.hiding import DeletionAuthor
from app.replays.keeping import cleaning, pins
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays

RULE: Final = "rule: "
"""The reason of a deletion begins like this if a rule asked for it, not a person."""

_KEYS: Final = "unnest(:project_ids, :replay_ids) as k (project_id, replay_id)"
_NOT_EXEMPT: Final = """
    not exists (
        select from replay_pins p where p.project_id = r.project_id and p.replay_id = r.replay_id
    ) and not exists (
        select from replay_holds h where h.project_id = r.project_id
          and h.replay_id = r.replay_id and h.expires_at > now()
    )
    """
_PART: Final = text(
    f"""
    select r.project_id, r.replay_id from replays r
    where r.day = :day and r.retention_class = :retention_class
      and r.project_id = any(:project_ids) and {_NOT_EXEMPT}
    order by 1, 2 limit :most
    """  # noqa: S608 - joined from constants
).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))
_WHOLE_PART: Final = text(
    """
    select r.project_id, r.replay_id from replays r
    where r.day = :day and r.retention_class = :retention_class
      and r.project_id = any(:project_ids)
    order by 1, 2 limit :most
    """
).bindparams(bindparam("project_ids", type_=ARRAY(BigInteger)))
_IS_EMPTY: Final = text(
    "select not exists"
    " (select from replays where day = :day and retention_class = :retention_class)"
)
_LIVE_SEGMENTS: Final = f"""
    select s.pack_id, s.object_offset, s.object_bytes, s.project_id, s.replay_id
    from segments s join {_KEYS} using (project_id, replay_id)
    where s.day = any(:days) and s.pack_id is not null
    """  # noqa: S608 - joined from constants
_BOUND: Final = (*KEY_ARRAYS, bindparam("days", type_=ARRAY(Date)))
_FORGET_SEALED: Final = text(
    f"""
    delete from packs where is_sealed and id in (
        select unnest(array[s.pack_id, s.recording_pack_id])
        from segments s join {_KEYS} using (project_id, replay_id)
        where s.day = any(:days)
    )
    """  # noqa: S608 - joined from constants
).bindparams(*_BOUND)
_WIPE_OLDER_COPIES: Final = text(
    f"""
    update pack_outbox o set wipes = true from {_KEYS}
    where o.project_id = k.project_id and o.replay_id = k.replay_id and not o.wipes
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
# Sorted, so that two processes lock packs in the same order.
_RELEASE_PACKS: Final = text(
    f"""
    with gone as (
        select pack_id, count(*) as quantity from ({_LIVE_SEGMENTS}) s group by pack_id
        order by pack_id
    ),
    locked as (
        select p.id, g.quantity from packs p join gone g on p.id = g.pack_id
        order by p.id for update of p
    )
    update packs p set live = p.live - l.quantity from locked l where p.id = l.id
    returning p.id, p.live
    """  # noqa: S608 - joined from constants
).bindparams(*_BOUND)
_WIPE_REST: Final = text(
    f"""
    insert into pack_outbox (
        pack_id, object_offset, object_bytes, project_id, replay_id, added_at
    )
    select pack_id, object_offset, object_bytes, project_id, replay_id,
        cast(:at as timestamptz)
    from ({_LIVE_SEGMENTS}) s where pack_id = any(:pack_ids)
    """  # noqa: S608 - joined from constants
).bindparams(*_BOUND, bindparam("pack_ids", type_=ARRAY(BigInteger)))
_DROP_PACKS: Final = text(
    """
    with gone as (delete from packs where id = any(:pack_ids) returning id, object_key),
    unwiped as (delete from pack_outbox o using gone g where o.pack_id = g.id)
    insert into object_outbox (object_key, added_at)
    select object_key, cast(:at as timestamptz) from gone order by id
    """
).bindparams(bindparam("pack_ids", type_=ARRAY(BigInteger)))
_DELETE_SEGMENTS: Final = text(
    f"""
    delete from segments s using {_KEYS}
    where s.day = any(:days) and s.project_id = k.project_id and s.replay_id = k.replay_id
    """  # noqa: S608 - joined from constants
).bindparams(*_BOUND)
_DELETE_PICTURES: Final = text(
    f"""
    with gone as (
        -- Whoever draws pictures now finds the tombstone, and ends the row and its object.
        delete from replay_pictures t using {_KEYS}
        where t.project_id = k.project_id and t.replay_id = k.replay_id
          and (t.leased_until is null or t.leased_until < now())
        returning t.object_key
    )
    -- Pictures of releases before days do not lie under the day of their replay.
    insert into object_outbox (object_key, added_at)
    select object_key, cast(:at as timestamptz) from gone where object_key like 'p/%'
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
_DELETE_BESIDE: Final = tuple(
    text(
        f"""
        delete from {table} t using {_KEYS}
        where t.project_id = k.project_id and t.replay_id = k.replay_id
        """  # noqa: S608 - joined from constants
    ).bindparams(*KEY_ARRAYS)
    for table in ("replay_traces", "open_replays")
)
_DAYS: Final = text(
    f"""
    select distinct r.day from replays r join {_KEYS} using (project_id, replay_id)
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
_MOVE_SEGMENTS: Final = text(
    f"""
    update segments s set retention_class = {RetentionClass.KEPT.value}
    from replays r join {_KEYS} using (project_id, replay_id)
    where s.day = r.day and s.project_id = r.project_id and s.replay_id = r.replay_id
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
_MOVE_REPLAYS: Final = text(
    f"""
    update replays r set retention_class = {RetentionClass.KEPT.value} from {_KEYS}
    where r.project_id = k.project_id and r.replay_id = k.replay_id
    """  # noqa: S608 - joined from constants
).bindparams(*KEY_ARRAYS)
_FINISH: Final = text(
    """
    update tombstones set has_parts = false, swept_at = :at
    where project_id = :project_id and swept_at is null and has_parts and erasure_id is null
      and day = :day
    """
)


@dataclass(frozen=True, slots=True)
class ExpiredReplays:
    """The replays that were deleted, and counts of what was deleted with them."""

    keys: tuple[ReplayKey, ...] = ()
    segments: int = 0
    video_bytes: int = 0
    shares: int = 0
    """Links and pictures of them that were handed out, and that answer nobody any more."""


async def find_replays_of_part(
    connection: AsyncConnection,
    day: date,
    retention_class: int,
    project_ids: Collection[ProjectId],
    *,
    limit: int,
) -> list[ReplayKey]:
    """Return some replays of projects on a day and in a class that no pin or hold exempts."""
    return await _find_part(connection, _PART, day, retention_class, project_ids, limit=limit)


async def find_all_replays_of_part(
    connection: AsyncConnection,
    day: date,
    retention_class: int,
    project_ids: Collection[ProjectId],
    *,
    limit: int,
) -> list[ReplayKey]:
    """Return some replays of projects on a day and in a class, exempt ones among them."""
    return await _find_part(connection, _WHOLE_PART, day, retention_class, project_ids, limit=limit)


async def _find_part(
    connection: AsyncConnection,
    statement: TextClause,
    day: date,
    retention_class: int,
    project_ids: Collection[ProjectId],
    *,
    limit: int,
) -> list[ReplayKey]:
    rows = await connection.execute(
        statement,
        {
            "day": day,
            "retention_class": retention_class,
            "project_ids": list(project_ids),
            "most": limit,
        },
    )
    return [ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id.hex)) for row in rows]


async def has_no_replays(connection: AsyncConnection, day: date, retention_class: int) -> bool:
    """Tell whether no replay is left on a day and in a class, not even an exempt one."""
    parameters = {"day": day, "retention_class": retention_class}
    return bool(await connection.scalar(_IS_EMPTY, parameters))


async def expire_replays(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    *,
    rule: str,
    at: datetime,
    keeps_segments: bool,
) -> ExpiredReplays:
    """End replays: nobody sees them from the commit on, and late segments meet their tombstones.

    Replays that were pinned, held or deleted meanwhile are left out.

    Args:
        connection: The transaction of the caller.
        keys: The replays.
        rule: The rule by which they end, in words.
        at: The time of the deletion.
        keeps_segments: True if their segments are dropped later, with their partition.
    """
    await locks.lock_all_for_deletion(connection, keys)
    exempt = (await pins.find_keeping(connection, keys)).keys()
    ending = [key for key in keys if key not in exempt]
    if not ending:
        return ExpiredReplays()
    rows = await connection.execute(_DAYS, to_key_arrays(ending))
    arrays = to_key_arrays(ending) | {"days": list(rows.scalars())}
    author = DeletionAuthor(None, at, reason=f"{RULE}{rule}")
    hidden = await hiding.hide_replays(connection, ending, author, leaves_parts=keeps_segments)
    await _release_packs(connection, arrays, at)
    if not keeps_segments:
        await connection.execute(_DELETE_SEGMENTS, arrays)
    await connection.execute(_DELETE_PICTURES, to_key_arrays(ending) | {"at": at})
    for statement in _DELETE_BESIDE:
        await connection.execute(statement, to_key_arrays(ending))
    await cleaning.forget_replays(connection, ending)
    return ExpiredReplays(
        tuple(replay.key for replay in hidden),
        sum(replay.segments for replay in hidden),
        sum(replay.video_bytes for replay in hidden),
        sum(replay.shares for replay in hidden),
    )


async def move_replays_out(connection: AsyncConnection, keys: Sequence[ReplayKey]) -> None:
    """Move replays and their segments out of the way of a drop.

    The partitions of class 0 must be there. The lock keeps late segments out of the old class from
    then on.
    """
    await locks.lock_all_for_deletion(connection, keys)
    for statement in (_MOVE_SEGMENTS, _MOVE_REPLAYS):
        await connection.execute(statement, to_key_arrays(keys))


async def find_living_replays(
    connection: AsyncConnection, project_id: ProjectId, replay_ids: Collection[str]
) -> set[str]:
    """Return which of some replays of a project are still here."""
    rows = await connection.execute(
        text(
            "select replay_id from replays where project_id = :project_id"
            " and replay_id = any(cast(:replay_ids as uuid[]))"
        ),
        {"project_id": project_id, "replay_ids": list(replay_ids)},
    )
    return {row.replay_id.hex for row in rows}


async def find_living_packs(connection: AsyncConnection, object_keys: Collection[str]) -> set[str]:
    """Return which of some objects are packs with living segments."""
    rows = await connection.execute(
        text("select object_key from packs where object_key = any(:object_keys) and live > 0"),
        {"object_keys": list(object_keys)},
    )
    return set(rows.scalars())


async def finish_tombstones_of_day(
    connection: AsyncConnection, project_id: ProjectId, day: date, *, at: datetime
) -> int:
    """Note that nothing is left of the replays that went with a day; returns how many there are."""
    parameters = {"project_id": project_id, "day": day, "at": at}
    return (await connection.execute(_FINISH, parameters)).rowcount


async def _release_packs(
    connection: AsyncConnection, arrays: dict[str, list[object]], at: datetime
) -> None:
    """Take the segments of replays out of their packs; empty packs go, others are wiped.

    Sealed objects belong to one replay, and lie under its prefix, where the sweep finds them.
    """
    await connection.execute(_FORGET_SEALED, arrays)
    keys = {name: arrays[name] for name in ("project_ids", "replay_ids")}
    await connection.execute(_WIPE_OLDER_COPIES, keys)
    rows = (await connection.execute(_RELEASE_PACKS, arrays)).all()
    living = [row.id for row in rows if row.live > 0]
    empty = [row.id for row in rows if row.live <= 0]
    if living:
        await connection.execute(_WIPE_REST, arrays | {"pack_ids": living, "at": at})
    if empty:
        await connection.execute(_DROP_PACKS, {"pack_ids": empty, "at": at})
