"""Moves what is stored of a replay into its sealed objects: what there is, and the change of rows.

    read ─► objects are put under keys that expire ─► one transaction: still the same? rows point
                                                       at them, older copies are released

A key that is put is on the list of expiring objects first, and is taken off it by the transaction
that points rows at it. So an object that was put by a process which died then goes by itself, and
one that has expired meanwhile is never pointed at.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import FIRST_DAY, OLD_DAY, RetentionClass
from app.db.engine import get_driver
from app.db.partitions import days
from app.db.partitions.days import TODAY_SQL, Partition
from app.replays import locks
from app.replays.model import ReplayKey
from app.replays.totals import picture_storage

_EXPIRES_AFTER: Final = timedelta(hours=1)
"""The longest time from putting an object to pointing rows at it."""
READERS_LEFT_AFTER: Final = timedelta(minutes=10)
"""An older copy stays for so long: who asked for the place of a video may still be reading it."""

_FIND_REPLAY: Final = f"""
    select r.day, r.retention_class, r.closed_at is not null as is_closed, r.sealed_at,
        greatest(
            least((r.first_received_at at time zone 'utc')::date, {TODAY_SQL}), date '{FIRST_DAY}'
        ) as real_day,
        case when r.retention_class = {RetentionClass.KEPT:d} then r.retention_class
            else coalesce(p.retention_class, r.retention_class) end as real_class
    from replays r left join projects p on p.id = r.project_id
    where r.project_id = $1 and r.replay_id = $2
    """  # noqa: S608 - made of constants
_READ_SEGMENTS: Final = """
    select s.segment_id, s.pack_id, p.object_key, s.object_offset, s.object_bytes,
        coalesce(p.is_sealed, true) as is_video_sealed,
        s.recording_pack_id, rp.object_key as recording_key, s.recording_offset,
        coalesce(octet_length(s.recording), s.recording_bytes, 0) as recording_bytes,
        s.recording is not null as is_in_row
    from segments s
    left join packs p on p.id = s.pack_id
    left join packs rp on rp.id = s.recording_pack_id
    where s.day = $1 and s.project_id = $2 and s.replay_id = $3
    order by s.segment_id
    """
_READ_RECORDINGS: Final = """
    select segment_id, recording from segments
    where day = $1 and project_id = $2 and replay_id = $3 and segment_id = any($4::int[])
      and recording is not null
    """
_LET_EXPIRE: Final = """
    insert into expiring_objects (object_key, project_id, replay_id, expires_at)
    values ($1, $2, $3, now() + $4::interval)
    on conflict (object_key) do update set expires_at = excluded.expires_at
    """
_KEEP: Final = """
    delete from expiring_objects where object_key = any($1::text[]) returning object_key
    """
_ADD_PACKS: Final = """
    insert into packs (object_key, live, is_sealed)
    select key, live, true from unnest($1::text[], $2::int[]) with ordinality as p (key, live, n)
    order by n returning id, object_key
    """
_POINT_AT_SEALED: Final = """
    update segments s set
        day = $4, retention_class = $5::smallint,
        recording = case when n.recording_pack_id is null then s.recording end,
        recording_pack_id = coalesce(n.recording_pack_id, s.recording_pack_id),
        recording_offset = coalesce(n.recording_offset, s.recording_offset),
        recording_bytes = coalesce(n.recording_bytes, s.recording_bytes),
        pack_id = coalesce(n.pack_id, s.pack_id),
        object_offset = coalesce(n.object_offset, s.object_offset)
    from unnest($6::int[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])
        as n (segment_id, recording_pack_id, recording_offset, recording_bytes,
              pack_id, object_offset)
    where s.day = $1 and s.project_id = $2 and s.replay_id = $3 and s.segment_id = n.segment_id
    """
_MARK_SEALED: Final = """
    update replays set sealed_at = now(), day = $3, retention_class = $4::smallint
    where project_id = $1 and replay_id = $2
    """
_RELEASE_RANGES: Final = """
    insert into pack_outbox
        (pack_id, object_offset, object_bytes, project_id, replay_id, added_at, wipes)
    select pack_id, object_offset, object_bytes, $1, $2, now(), false
    from unnest($3::bigint[], $4::bigint[], $5::bigint[])
        as r (pack_id, object_offset, object_bytes)
    """
_LOWER_LIVE: Final = """
    update packs p set live = p.live - c.count,
        empty_at = case when p.live - c.count <= 0 then now() end
    from (
        select id, count from unnest($1::bigint[], $2::int[]) as c (id, count)
        join packs using (id) order by id for update of packs
    ) c
    where p.id = c.id
    returning p.id, p.object_key, p.live, p.is_sealed
    """
_DROP_PACKS: Final = "delete from packs where id = any($1::bigint[])"


class SealableSegment(NamedTuple):
    """The place of everything that is stored of a segment. Two are equal if nothing has moved."""

    segment_id: int
    pack_id: int | None
    object_key: str | None
    object_offset: int
    object_bytes: int
    is_video_sealed: bool
    """True as well if there is no video."""
    recording_pack_id: int | None
    recording_key: str | None
    recording_offset: int | None
    recording_bytes: int
    is_in_row: bool
    """True if the recording lies in the row of the segment."""


@dataclass(frozen=True, slots=True)
class SealableReplay:
    """A replay and its segments as they were when they were read."""

    key: ReplayKey
    day: date
    retention_class: int
    real_day: date
    """The day to which it belongs: another one for replays of releases before days."""
    real_class: int
    is_sealed: bool
    segments: tuple[SealableSegment, ...]

    @property
    def is_in_sealed_objects(self) -> bool:
        """True if nothing lies outside sealed objects, so that there is nothing to do."""
        return (
            self.is_sealed
            and self.day == self.real_day
            and all(segment.is_video_sealed and not segment.is_in_row for segment in self.segments)
        )


class SealedSegment(NamedTuple):
    """The new places of the parts of a segment; None for what stays where it is."""

    segment_id: int
    recording_object: int | None
    """The number of the sealed object that holds the recording."""
    recording_offset: int | None
    recording_bytes: int | None
    video_object: int | None
    """The number of the sealed object that holds the video."""
    video_offset: int | None


async def read_sealable_replay(
    connection: AsyncConnection, key: ReplayKey
) -> SealableReplay | None:
    """Read what there is to seal; None if the replay is deleted, or was reopened."""
    driver = await get_driver(connection)
    row = await driver.fetchrow(_FIND_REPLAY, *key)
    if row is None or not row["is_closed"]:
        return None
    is_old = row["day"] == OLD_DAY
    segments = await driver.fetch(_READ_SEGMENTS, row["day"], *key)
    return SealableReplay(
        key,
        row["day"],
        row["retention_class"],
        row["real_day"] if is_old else row["day"],
        row["real_class"] if is_old else row["retention_class"],
        row["sealed_at"] is not None,
        tuple(SealableSegment(*segment) for segment in segments),
    )


async def read_recordings_in_rows(
    connection: AsyncConnection, replay: SealableReplay, segment_ids: Sequence[int]
) -> dict[int, bytes]:
    """Read recordings that lie in the rows of their segments, by the ids of these."""
    driver = await get_driver(connection)
    rows = await driver.fetch(_READ_RECORDINGS, replay.day, *replay.key, list(segment_ids))
    return {row["segment_id"]: row["recording"] for row in rows}


async def let_object_expire(
    connection: AsyncConnection,
    key: ReplayKey,
    object_key: str,
    after: timedelta = _EXPIRES_AFTER,
) -> None:
    """Have an object removed after a time, unless a transaction points rows at it before.

    `seal_replay` does so with sealed objects, `save_pictures` with pictures, `finish_clip` with
    clips.
    """
    driver = await get_driver(connection)
    await driver.execute(_LET_EXPIRE, object_key, *key, after)


async def seal_replay(
    connection: AsyncConnection,
    replay: SealableReplay,
    object_keys: Sequence[str],
    sealed: Sequence[SealedSegment],
) -> bool:
    """Point the rows of a replay at its sealed objects, and release the older copies.

    Args:
        connection: A transaction, which locks the replay.
        replay: The replay as it was read.
        object_keys: The sealed objects, which are stored.
        sealed: The new places of its segments.

    Returns:
        False if the replay has changed since, or one of the objects has expired: then no row
        changes, and the objects expire anew.
    """
    if await _point_at_objects(connection, replay, object_keys, sealed):
        return True
    # A process that was held up may have put an object after it expired: nobody would look for it.
    for object_key in object_keys:
        await let_object_expire(connection, replay.key, object_key)
    return False


async def _point_at_objects(
    connection: AsyncConnection,
    replay: SealableReplay,
    object_keys: Sequence[str],
    sealed: Sequence[SealedSegment],
) -> bool:
    """Point the rows of a replay at its objects, if it is unchanged and none has expired."""
    await locks.lock_for_deletion(connection, replay.key)
    if await read_sealable_replay(connection, replay.key) != replay:
        return False
    driver = await get_driver(connection)
    live = Counter[int | None]()
    for segment in sealed:
        live.update((segment.recording_object, segment.video_object))
    # An object of which nothing could be read is left to expire.
    numbers = [number for number in range(len(object_keys)) if live[number]]
    wanted = [object_keys[number] for number in numbers]
    if len(await driver.fetch(_KEEP, wanted)) != len(wanted):
        return False
    rows = await driver.fetch(_ADD_PACKS, wanted, [live[number] for number in numbers])
    ids = {row["object_key"]: row["id"] for row in rows}
    pack_ids = {number: ids[object_keys[number]] for number in numbers}
    if replay.day != replay.real_day:
        await days.ensure_partitions(
            connection, [Partition("segments", replay.real_day, replay.real_class)]
        )
    await driver.execute(
        _POINT_AT_SEALED,
        replay.day,
        *replay.key,
        replay.real_day,
        replay.real_class,
        [segment.segment_id for segment in sealed],
        [_pick_pack_id(pack_ids, segment.recording_object) for segment in sealed],
        [segment.recording_offset for segment in sealed],
        [segment.recording_bytes for segment in sealed],
        [_pick_pack_id(pack_ids, segment.video_object) for segment in sealed],
        [segment.video_offset for segment in sealed],
    )
    await _release_older_copies(connection, replay, sealed)
    await driver.execute(_MARK_SEALED, *replay.key, replay.real_day, replay.real_class)
    if replay.day != replay.real_day:
        # Triggers have counted the segments on their new day.
        await picture_storage.move_picture_bytes(
            connection, replay.key, before=replay.day, after=replay.real_day
        )
    return True


async def _release_older_copies(
    connection: AsyncConnection, replay: SealableReplay, sealed: Sequence[SealedSegment]
) -> None:
    """Release what the rows pointed at before: ranges of packs, and whole sealed objects."""
    before = {segment.segment_id: segment for segment in replay.segments}
    with_video = [before[each.segment_id] for each in sealed if each.video_object is not None]
    with_recording = [
        before[each.segment_id] for each in sealed if each.recording_object is not None
    ]
    counts = Counter(segment.pack_id for segment in with_video)
    counts.update(segment.recording_pack_id for segment in with_recording)
    del counts[None]
    if not counts:
        return
    driver = await get_driver(connection)
    packs = await driver.fetch(_LOWER_LIVE, list(counts), list(counts.values()))
    emptied = [row for row in packs if row["is_sealed"] and row["live"] <= 0]
    for row in emptied:
        await let_object_expire(connection, replay.key, row["object_key"], READERS_LEFT_AFTER)
    await driver.execute(_DROP_PACKS, [row["id"] for row in emptied])
    shared = {row["id"] for row in packs if not row["is_sealed"]}
    released = [segment for segment in with_video if segment.pack_id in shared]
    await driver.execute(
        _RELEASE_RANGES,
        *replay.key,
        [segment.pack_id for segment in released],
        [segment.object_offset for segment in released],
        [segment.object_bytes for segment in released],
    )


def _pick_pack_id(pack_ids: Mapping[int, int], number: int | None) -> int | None:
    return None if number is None else pack_ids[number]
