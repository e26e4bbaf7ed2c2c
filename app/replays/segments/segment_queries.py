"""Queries of the segments of replays: as pages list them, and as playback needs them."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, bindparam, case, func, null, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.core.days import OLD_DAY
from app.core.ids import ProjectId, ReplayId
from app.core.limits import LIMITS
from app.core.replay.replay_window import ClockStep
from app.replays.model import PlayableSegment, RecentRecording, Replay, ReplayKey, Segment
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.segments.clock_steps import shift_ms_of
from app.replays.tables import packs, segments

_SEGMENT_COLUMNS: Final = tuple(
    packs.c.object_key if name == "object_key" else segments.c[name]
    for name in Segment._fields
    if not name.startswith("recording") and name not in {"shift_ms", "removals"}
)
"""Columns of a segment in the order of its fields, so that a row becomes one without a look-up by
name, which takes five times as long."""
_RECORDING_PACKS: Final = packs.alias("recording_packs")
_SCREENS: Final = Segment._fields.index("screens")
_RECENT: Final = text(
    """
    select first.replay_id, first.segment_id, first.screens, first.recording
    from (
        select day, replay_id, first_received_at from replays
        where project_id = :project
        order by first_received_at desc, replay_id desc limit 50
    ) as r
    cross join lateral (
        select s.replay_id, s.segment_id, s.screens, s.recording from segments s
        where s.day in (r.day, '1970-01-01') and s.project_id = :project
          and s.replay_id = r.replay_id
          and length(s.recording) <= 65536
        order by s.segment_id limit 1
    ) as first
    order by r.first_received_at desc, r.replay_id desc limit :most
    """
)
_LAST_SEGMENTS: Final = text(
    """
    select wanted.n, last.started_at, last.ended_at
    from unnest(:project_ids, :replay_ids, :days)
        with ordinality as wanted (project_id, replay_id, day, n)
    cross join lateral (
        select s.started_at, s.ended_at from segments s
        -- Postgres plans with the days of all, and looks into the partitions of each.
        where s.day = any(:days) and s.day = wanted.day
          and s.project_id = wanted.project_id and s.replay_id = wanted.replay_id
        order by s.segment_id desc limit 1
    ) as last
    """
).bindparams(*KEY_ARRAYS, bindparam("days", type_=ARRAY(Date)))


async def read_segments(
    connection: AsyncConnection,
    key: ReplayKey,
    *,
    day: date,
    recording_bytes: int = 0,
    from_segment: int = 0,
    steps: Sequence[ClockStep] = (),
) -> list[Segment]:
    """Read the segments of a replay in the order of their ids.

    Args:
        connection: The connection to read with.
        key: The replay.
        day: Its day (`Replay.day`).
        recording_bytes: Bytes of their recordings to read at most, counted as they are compressed.
            The recordings beyond stay where they are. Of one that lies in a sealed object, the
            place is read.
        from_segment: The first segment whose recording is read.
        steps: The places at which the clock of the phone was set (`Replay.clock_steps`).
    """
    # The length is kept beside the value, so recordings that are left out are not fetched.
    length = func.coalesce(func.octet_length(segments.c.recording), segments.c.recording_bytes, 0)
    is_late_enough = segments.c.segment_id >= from_segment
    until = func.sum(case((is_late_enough, length), else_=0)).over(
        order_by=segments.c.segment_id, rows=(None, 0)
    )
    is_within = is_late_enough & (until <= bindparam("recording_bytes", recording_bytes))
    recording = (
        case((is_within, segments.c.recording)),
        case((is_within, _RECORDING_PACKS.c.object_key)),
        segments.c.recording_offset,
        segments.c.recording_bytes,
    )
    found = segments.outerjoin(packs, packs.c.id == segments.c.pack_id)
    if recording_bytes:
        found = found.outerjoin(
            _RECORDING_PACKS, _RECORDING_PACKS.c.id == segments.c.recording_pack_id
        )
    rows = await connection.execute(
        select(
            *_SEGMENT_COLUMNS,
            *(recording if recording_bytes else (null(),) * len(recording)),
            segments.c.removals,
        )
        .select_from(found)
        .where(
            *_of_day(day),
            segments.c.project_id == key.project_id,
            segments.c.replay_id == key.replay_id,
        )
        .order_by(segments.c.segment_id)
        .limit(LIMITS.segments)
    )
    read = [_to_segment(row) for row in rows]
    return [_shift_segment(segment, steps) for segment in read] if steps else read


async def read_recent_recordings(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[RecentRecording]:
    """Read the first recording of each of the newest replays, as far as Postgres holds it.

    Recordings of sealed replays lie in object storage, and are left out, as are large ones.
    """
    rows = await connection.execute(_RECENT, {"project": project_id, "most": limit})
    return [
        RecentRecording(
            ReplayId(row.replay_id.hex), row.segment_id, tuple(row.screens), row.recording
        )
        for row in rows
    ]


async def read_last_segment_lengths(
    connection: AsyncConnection, replays: Sequence[Replay]
) -> dict[ReplayKey, int]:
    """Read how many ms the last segment of each of some replays lasts."""
    if not replays:
        return {}
    keys = [replay.key for replay in replays]
    days = [replay.day for replay in replays]
    rows = await connection.execute(_LAST_SEGMENTS, to_key_arrays(keys) | {"days": days})
    return {
        keys[row.n - 1]: units.ms_from_at(row.ended_at) - units.ms_from_at(row.started_at)
        for row in rows
    }


async def read_playable_segments(
    connection: AsyncConnection, key: ReplayKey, *, day: date, steps: Sequence[ClockStep] = ()
) -> list[PlayableSegment]:
    """Read what playback needs of the segments that have video, in the order of their ids.

    Args:
        connection: The connection to read with.
        key: The replay.
        day: Its day (`Replay.day`).
        steps: The places at which the clock of the phone was set (`Replay.clock_steps`).
    """
    rows = await connection.execute(
        select(
            segments.c.segment_id,
            segments.c.started_at,
            segments.c.ended_at,
            packs.c.object_key,
            segments.c.object_offset,
            segments.c.object_bytes,
            segments.c.layout,
        )
        .join_from(segments, packs, packs.c.id == segments.c.pack_id)
        .where(
            *_of_day(day),
            segments.c.project_id == key.project_id,
            segments.c.replay_id == key.replay_id,
            segments.c.layout.is_not(None),
        )
        .order_by(segments.c.segment_id)
        .limit(LIMITS.segments)
    )
    return [
        PlayableSegment(
            segment_id=row.segment_id,
            started_at_ms=units.ms_from_at(row.started_at) + shift_ms,
            ended_at_ms=units.ms_from_at(row.ended_at) + shift_ms,
            object_key=row.object_key,
            object_offset=row.object_offset,
            object_bytes=row.object_bytes,
            layout=row.layout,
        )
        for row in rows
        for shift_ms in (shift_ms_of(steps, row.segment_id),)
    ]


def _of_day(day: date) -> list[ColumnElement[bool]]:
    """Return the condition that names the partition of a replay.

    Sealing moves a replay of an older release to its own day, perhaps after its row was read: such
    a replay is looked for in all partitions.
    """
    return [] if day == OLD_DAY else [segments.c.day == day]


def _to_segment(row: Sequence[Any]) -> Segment:
    *values, removals = row
    values[_SCREENS] = tuple(values[_SCREENS])
    return Segment(*[*values, 0, removals])


def _shift_segment(segment: Segment, steps: Sequence[ClockStep]) -> Segment:
    """Put a segment on the clock of its replay."""
    shift_ms = shift_ms_of(steps, segment.segment_id)
    shift = timedelta(milliseconds=shift_ms)
    return segment._replace(
        started_at=segment.started_at + shift,
        ended_at=segment.ended_at + shift,
        shift_ms=shift_ms,
    )


async def find_packs(connection: AsyncConnection, object_keys: Collection[str]) -> set[str]:
    """Return those of some objects that are packs with which segments were stored."""
    if not object_keys:
        return set()
    named = select(packs.c.object_key).where(packs.c.object_key.in_(object_keys))
    return set(await connection.scalars(named))
