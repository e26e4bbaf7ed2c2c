"""Reads: one replay, its segments, its traces."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, case, func, null, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import units
from app.core.ids import ProjectId, ReplayId
from app.core.limits import LIMITS
from app.core.replay_window import ClockStep
from app.db.types import Hex32
from app.formats.replay.recording_summary import RecordingCounts
from app.replays.clock_steps import shift_ms_of
from app.replays.model import PlayableSegment, Replay, ReplayKey, Segment, Tombstone
from app.replays.screen_marks import read_screen_names
from app.replays.tables import COUNT_COLUMNS, packs, replays, segments, tombstones

_SEGMENT_COLUMNS: Final = tuple(
    packs.c.object_key if name == "object_key" else segments.c[name]
    for name in Segment._fields
    if name not in {"recording", "shift_ms"}
)
"""Columns of a segment in the order of its fields, so that a row becomes one without a look-up by
name, which takes five times as long."""
_SCREENS: Final = Segment._fields.index("screens")


_ONE: Final = select(replays).where(
    replays.c.project_id == bindparam("project"), replays.c.replay_id == bindparam("replay")
)
"""Made once: players ask it with every range."""


KEY_ARRAYS: Final = (
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("replay_ids", type_=ARRAY(Hex32)),
)
"""Parameters of statements that look up some replays at once, as `to_key_arrays` returns them.

Such a statement is written once, as text. Built anew for each page, with the keys in it, it cost
a millisecond: three of them took a third of the time of a list."""
_LAST_SEGMENTS: Final = text(
    """
    select wanted.n, last.started_at, last.ended_at
    from unnest(:project_ids, :replay_ids) with ordinality as wanted (project_id, replay_id, n)
    cross join lateral (
        select s.started_at, s.ended_at from segments s
        where s.project_id = wanted.project_id and s.replay_id = wanted.replay_id
        order by s.segment_id desc limit 1
    ) as last
    """
).bindparams(*KEY_ARRAYS)


def to_key_arrays(keys: Sequence[ReplayKey]) -> dict[str, list[Any]]:
    """Return the parameters of a statement that looks up some replays at once."""
    return {
        "project_ids": [key.project_id for key in keys],
        "replay_ids": [key.replay_id for key in keys],
    }


async def find_replay(connection: AsyncConnection, key: ReplayKey) -> Replay | None:
    """Read one replay."""
    found = await connection.execute(_ONE, {"project": key.project_id, "replay": key.replay_id})
    row = found.first()
    return to_replay(row) if row else None


async def read_replays(connection: AsyncConnection, keys: Sequence[ReplayKey]) -> list[Replay]:
    """Read some replays in the order given; those that are gone are left out."""
    if not keys:
        return []
    found = await connection.execute(
        select(replays).where(
            tuple_(replays.c.project_id, replays.c.replay_id).in_(
                [(key.project_id, key.replay_id) for key in keys]
            )
        )
    )
    read = {_key(row): to_replay(row) for row in found}
    return [read[key] for key in keys if key in read]


async def read_replays_with_id(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[Replay]:
    """Read the replays with an id in some projects: two projects may hold the same id."""
    rows = await connection.execute(
        select(replays).where(
            replays.c.replay_id == replay_id, replays.c.project_id.in_(project_ids)
        )
    )
    return [to_replay(row) for row in rows]


async def read_segments(
    connection: AsyncConnection,
    key: ReplayKey,
    *,
    recording_bytes: int = 0,
    from_segment: int = 0,
    steps: Sequence[ClockStep] = (),
) -> list[Segment]:
    """Read the segments of a replay in the order of their ids.

    Args:
        connection: Where to read.
        key: The replay.
        recording_bytes: How much may be read of their recordings, as they are compressed; the rest
            stays in the database. 0: none.
        from_segment: The first segment whose recording is read.
        steps: Where the clock of the phone was set (`Replay.clock_steps`).
    """
    # Told by the row itself: what is left out is not fetched from where Postgres keeps long values.
    length = func.octet_length(segments.c.recording)
    is_wanted = segments.c.segment_id >= from_segment
    until = func.sum(case((is_wanted, length), else_=0)).over(
        order_by=segments.c.segment_id, rows=(None, 0)
    )
    is_within = is_wanted & (until <= bindparam("recording_bytes", recording_bytes))
    recording = case((is_within, segments.c.recording)) if recording_bytes else null()
    found = await connection.execute(
        select(*_SEGMENT_COLUMNS, recording)
        .outerjoin_from(segments, packs, packs.c.id == segments.c.pack_id)
        .where(segments.c.project_id == key.project_id, segments.c.replay_id == key.replay_id)
        .order_by(segments.c.segment_id)
        .limit(LIMITS.segments)
    )
    listed = [_to_segment(row) for row in found]
    return [_shift_segment(segment, steps) for segment in listed] if steps else listed


async def read_last_segment_lengths(
    connection: AsyncConnection, keys: Sequence[ReplayKey]
) -> dict[ReplayKey, int]:
    """Read how many ms the last segment of each of some replays lasts."""
    if not keys:
        return {}
    rows = await connection.execute(_LAST_SEGMENTS, to_key_arrays(keys))
    return {
        keys[row.n - 1]: units.ms_from_at(row.ended_at) - units.ms_from_at(row.started_at)
        for row in rows
    }


async def read_playable_segments(
    connection: AsyncConnection, key: ReplayKey, *, steps: Sequence[ClockStep] = ()
) -> list[PlayableSegment]:
    """Read what playback needs of the segments that have video, in the order of their ids.

    Args:
        connection: Where to read.
        key: The replay.
        steps: Where the clock of the phone was set (`Replay.clock_steps`).
    """
    found = await connection.execute(
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
        for row in found
        for shift_ms in (shift_ms_of(steps, row.segment_id),)
    ]


async def find_replays_with_id(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[ReplayKey]:
    """Find the projects, among some, that hold a replay of this id."""
    found = await connection.execute(
        select(replays.c.project_id)
        .where(replays.c.replay_id == replay_id, replays.c.project_id.in_(project_ids))
        .order_by(replays.c.project_id)
        .limit(100)
    )
    return [ReplayKey(ProjectId(row.project_id), replay_id) for row in found]


async def find_tombstone(connection: AsyncConnection, key: ReplayKey) -> Tombstone | None:
    """Read the mark that a deletion left, if there was one."""
    found = await connection.execute(
        select(tombstones).where(
            tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id
        )
    )
    row = found.first()
    return to_tombstone(row) if row else None


async def find_tombstones_with_id(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[Tombstone]:
    """Read the marks of deletions of this id in some projects."""
    found = await connection.execute(
        select(tombstones)
        .where(tombstones.c.replay_id == replay_id, tombstones.c.project_id.in_(project_ids))
        .order_by(tombstones.c.project_id)
        .limit(100)
    )
    return [to_tombstone(row) for row in found]


def to_tombstone(row: Row[Any]) -> Tombstone:
    """Turn a row of the tombstones table into its value."""
    return Tombstone(
        key=_key(row),
        deleted_at=row.deleted_at,
        deleted_by=row.deleted_by,
        reason=row.reason,
        segments=row.segments,
        video_bytes=row.video_bytes,
        objects=row.objects,
        swept_at=row.swept_at,
    )


def _key(row: Row[Any]) -> ReplayKey:
    return ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id))


def to_drift_range_ms(row: Row[Any]) -> tuple[int, int] | None:
    """Read the lowest and the highest drift of a replay; None if no envelope told one."""
    return None if row.drift_low_ms is None else (row.drift_low_ms, row.drift_high_ms)


def to_clock_steps(value: Sequence[Sequence[int]] | None) -> tuple[ClockStep, ...]:
    """Turn what the column holds into steps."""
    return tuple(ClockStep(*step) for step in value or ())


def to_replay(row: Row[Any]) -> Replay:
    """Turn a row of the replays table into its value."""
    return Replay(
        key=_key(row),
        first_received_at=row.first_received_at,
        last_received_at=row.last_received_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        drift_ms=row.drift_ms,
        replay_type=row.replay_type,
        facts=row.facts,
        user=row.recorded_user,
        screens=read_screen_names(row.screens),
        background_at=row.background_at,
        foreground_at=row.foreground_at,
        segments=row.segments,
        video_segments=row.video_segments,
        video_ms=row.video_ms,
        video_bytes=row.video_bytes,
        frames=row.frames,
        counts=RecordingCounts(
            **{name: getattr(row, column) for name, column in COUNT_COLUMNS.items()}
        ),
        drift_range_ms=to_drift_range_ms(row),
        clock_steps=to_clock_steps(row.clock_steps),
    )


def _to_segment(row: Sequence[Any]) -> Segment:
    values = list(row)
    values[_SCREENS] = tuple(values[_SCREENS])
    return Segment(*values)


def _shift_segment(segment: Segment, steps: Sequence[ClockStep]) -> Segment:
    """Put a segment on the clock of its replay."""
    shift_ms = shift_ms_of(steps, segment.segment_id)
    shift = timedelta(milliseconds=shift_ms)
    return segment._replace(
        started_at=segment.started_at + shift,
        ended_at=segment.ended_at + shift,
        shift_ms=shift_ms,
    )
