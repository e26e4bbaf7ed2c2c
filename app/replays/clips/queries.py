"""Reads clips; the caller has checked who may see them."""

from typing import Any, Final

from sqlalchemy import false, func, select
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId, ReplayId
from app.core.replay.clip_format import ClipFormat
from app.core.replay.replay_range import ReplayRange
from app.replays.clips.model import Clip, ClipFile, ClipRequest, ClipState
from app.replays.clips.tables import replay_clips
from app.replays.model import ReplayKey

_clip: Final = replay_clips.c
CLIP_COLUMNS: Final = (
    *_clip,
    # Leases are made by the clock of Postgres.
    func.coalesce(_clip.leased_until > func.now(), false()).label("is_leased"),
)


async def list_clips(connection: AsyncConnection, key: ReplayKey) -> list[Clip]:
    """Return the clips of a replay, the newest first."""
    rows = await connection.execute(
        select(*CLIP_COLUMNS).where(*is_of(key)).order_by(_clip.made_at.desc(), _clip.id)
    )
    return [read_clip_row(row) for row in rows]


async def get_clip(connection: AsyncConnection, key: ReplayKey, clip_id: str) -> Clip:
    """Return a clip of a replay.

    Raises:
        NotFound: The replay has no such clip.
    """
    rows = await connection.execute(select(*CLIP_COLUMNS).where(_clip.id == clip_id, *is_of(key)))
    row = rows.first()
    if row is None:
        raise NotFound("this replay has no such clip")
    return read_clip_row(row)


async def find_clip_of_result(
    connection: AsyncConnection, key: ReplayKey, result: str
) -> Clip | None:
    """Return the clip with the result that a request leads to; None if nobody has asked for it."""
    rows = await connection.execute(
        select(*CLIP_COLUMNS).where(_clip.result == result, *is_of(key))
    )
    row = rows.first()
    return None if row is None else read_clip_row(row)


async def count_clips(connection: AsyncConnection, key: ReplayKey) -> int:
    """Count the clips of a replay."""
    return await connection.scalar(select(func.count()).where(*is_of(key))) or 0


async def count_waiting_clips(
    connection: AsyncConnection, project_id: ProjectId | None = None
) -> int:
    """Count the clips that wait to be rendered, of a project or of all."""
    query = select(func.count()).where(_clip.state == "waiting")
    if project_id is not None:
        query = query.where(_clip.project_id == project_id)
    return await connection.scalar(query) or 0


def read_clip_row(row: Row[Any]) -> Clip:
    """Turn a row that has `CLIP_COLUMNS` into a clip."""
    state = ClipState(row.state)
    if state is ClipState.WAITING and row.is_leased:
        state = ClipState.RENDERING
    return Clip(
        id=row.id,
        key=ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)),
        day=row.day,
        request=ClipRequest(
            ClipFormat(row.format),
            None if row.from_ms is None else ReplayRange(row.from_ms, row.to_ms),
            has_taps=row.has_taps,
            has_caption=row.has_caption,
            has_body=row.has_body,
        ),
        state=state,
        percent=row.percent,
        fault=row.fault,
        made_by=None if row.made_by is None else PersonId(row.made_by),
        made_at=row.made_at,
        ended_at=row.ended_at,
        file=(
            None
            if row.object_key is None
            else ClipFile(row.object_key, row.size_bytes, row.width, row.height, row.duration_ms)
        ),
    )


def is_of(key: ReplayKey) -> tuple[Any, Any]:
    """Return the conditions of the clips of a replay."""
    return (_clip.project_id == key.project_id, _clip.replay_id == key.replay_id)
