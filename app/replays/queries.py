"""Queries of replays by their keys and ids, and of the tombstones of deleted ones."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import ProjectId, ReplayId
from app.core.replay.replay_window import ClockStep
from app.db.types import Hex32
from app.formats.replay.recording_summary import RecordingCounts
from app.replays.model import Replay, ReplayKey, Tombstone
from app.replays.screen_marks import read_screen_names
from app.replays.tables import COUNT_COLUMNS, replays, tombstones

_REPLAY: Final = select(replays).where(
    replays.c.project_id == bindparam("project"), replays.c.replay_id == bindparam("replay")
)
"""Written once: players ask for their replay with every range of video."""


_PRESENT: Final = text(
    """
    select distinct replay_id from replays
    where replay_id = any(cast(:replay_ids as uuid[])) and project_id = any(:project_ids)
    """
)
KEY_ARRAYS: Final = (
    bindparam("project_ids", type_=ARRAY(BigInteger)),
    bindparam("replay_ids", type_=ARRAY(Hex32)),
)
"""Parameters of statements that look up some replays at once, as `to_key_arrays` returns them.

Such a statement is written once, as text. Built anew for each page, with the keys in it, it cost
a millisecond: three of them took a third of the time of a list."""


def to_key_arrays(keys: Sequence[ReplayKey]) -> dict[str, list[Any]]:
    """Return the parameters of a statement that looks up some replays at once."""
    return {
        "project_ids": [key.project_id for key in keys],
        "replay_ids": [key.replay_id for key in keys],
    }


async def find_replay(connection: AsyncConnection, key: ReplayKey) -> Replay | None:
    """Read one replay."""
    parameters = {"project": key.project_id, "replay": key.replay_id}
    row = (await connection.execute(_REPLAY, parameters)).first()
    return to_replay(row) if row else None


async def read_replays(connection: AsyncConnection, keys: Sequence[ReplayKey]) -> list[Replay]:
    """Read some replays in the order given; those that are gone are left out."""
    if not keys:
        return []
    rows = await connection.execute(
        select(replays).where(
            tuple_(replays.c.project_id, replays.c.replay_id).in_(
                [(key.project_id, key.replay_id) for key in keys]
            )
        )
    )
    by_key = {_to_key(row): to_replay(row) for row in rows}
    return [by_key[key] for key in keys if key in by_key]


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


async def find_replays_with_id(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[ReplayKey]:
    """Find the replays with an id in some projects: two projects may hold the same id."""
    rows = await connection.execute(
        select(replays.c.project_id)
        .where(replays.c.replay_id == replay_id, replays.c.project_id.in_(project_ids))
        .order_by(replays.c.project_id)
        .limit(100)
    )
    return [ReplayKey(ProjectId(row.project_id), replay_id) for row in rows]


async def find_present_replays(
    connection: AsyncConnection,
    replay_ids: Collection[ReplayId],
    project_ids: Sequence[ProjectId],
) -> set[ReplayId]:
    """Find out which of some replays are here, in any of some projects."""
    if not replay_ids:
        return set()
    parameters = {"replay_ids": sorted(replay_ids), "project_ids": list(project_ids)}
    return {ReplayId(each.hex) for each in await connection.scalars(_PRESENT, parameters)}


async def read_newest_replays(
    connection: AsyncConnection, project_id: ProjectId, *, limit: int
) -> list[Replay]:
    """Read the replays of a project whose first segment came last, the newest first."""
    rows = await connection.execute(
        select(replays)
        .where(replays.c.project_id == project_id)
        .order_by(replays.c.first_received_at.desc(), replays.c.replay_id.desc())
        .limit(limit)
    )
    return [to_replay(row) for row in rows]


async def find_tombstone(connection: AsyncConnection, key: ReplayKey) -> Tombstone | None:
    """Read the mark that the deletion of a replay left, if there was one."""
    rows = await connection.execute(
        select(tombstones).where(
            tombstones.c.project_id == key.project_id, tombstones.c.replay_id == key.replay_id
        )
    )
    row = rows.first()
    return to_tombstone(row) if row else None


async def find_tombstones_with_id(
    connection: AsyncConnection, replay_id: ReplayId, project_ids: Sequence[ProjectId]
) -> list[Tombstone]:
    """Read the marks that deletions of replays with an id left in some projects."""
    rows = await connection.execute(
        select(tombstones)
        .where(tombstones.c.replay_id == replay_id, tombstones.c.project_id.in_(project_ids))
        .order_by(tombstones.c.project_id)
        .limit(100)
    )
    return [to_tombstone(row) for row in rows]


def to_tombstone(row: Row[Any]) -> Tombstone:
    """Turn a row of the tombstones table into its value."""
    return Tombstone(
        key=_to_key(row),
        deleted_at=row.deleted_at,
        deleted_by=row.deleted_by,
        reason=row.reason,
        segments=row.segments,
        video_bytes=row.video_bytes,
        objects=row.objects,
        swept_at=row.swept_at,
        day=row.day,
    )


def _to_key(row: Row[Any]) -> ReplayKey:
    return ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id))


def to_drift_range_ms(row: Row[Any]) -> tuple[int, int] | None:
    """Read the lowest and the highest drift of a replay; None if no envelope tells one."""
    return None if row.drift_low_ms is None else (row.drift_low_ms, row.drift_high_ms)


def to_clock_steps(value: Sequence[Sequence[int]] | None) -> tuple[ClockStep, ...]:
    """Turn what the column `clock_steps` holds into its values."""
    return tuple(ClockStep(*step) for step in value or ())


def to_replay(row: Row[Any]) -> Replay:
    """Turn a row of the replays table into its value."""
    return Replay(
        key=_to_key(row),
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
        day=row.day,
        retention_class=row.retention_class,
        closed_at=row.closed_at,
        sealed_at=row.sealed_at,
    )
