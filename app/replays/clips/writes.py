"""Adds clips, leases them to processes that render them, and ends them; the caller commits.

    added ─► waiting ─► leased, and renewed while it is rendered ─► ready │ failed
                ▲                            │
                └── later, after an outage ──┘   a process that dies lets its lease run out

A clip that was deleted meanwhile has no row: the process that renders it notices this when it
renews the lease, or at the end at the latest.
"""

import secrets
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId
from app.db.text import clean
from app.replays import locks, pictures
from app.replays.clips.model import Clip, ClipFile, ClipRequest, ClipTask
from app.replays.clips.queries import (
    CLIP_COLUMNS,
    find_clip_of_result,
    get_clip,
    is_of,
    read_clip_row,
)
from app.replays.clips.tables import replay_clips
from app.replays.deletion import outgoing
from app.replays.model import ReplayKey
from app.replays.tables import expiring_objects

LEASE: Final = timedelta(seconds=30)
"""A process that renders renews its lease every few seconds."""
_FAULT_BYTES: Final = 500
_clip: Final = replay_clips.c
_CLAIM: Final = text(
    """
    update replay_clips c
    set leased_until = now() + cast(:lease_for as interval), lease = cast(:lease as uuid),
        tries = c.tries + 1, percent = 0
    where c.id = (
        select w.id from replay_clips w
        where w.state = 'waiting' and w.due_at <= now()
          and (w.leased_until is null or w.leased_until <= now())
          -- A whole replay may take a minute: short clips that were asked for meanwhile come first.
          and (cast(:most_ms as bigint) is null or w.to_ms - w.from_ms <= :most_ms)
        -- Projects take turns: those that had none yet, then the one whose turn is longest ago.
        order by coalesce(array_position(:served, w.project_id), 0), w.made_at + interval '1 minute'
            * (least(coalesce(w.to_ms - w.from_ms, 3600000), 3600000) / 3600000.0), w.id
        limit 1 for update skip locked
    )
    returning c.id, c.tries
    """
).bindparams(bindparam("served", type_=ARRAY(BigInteger)))

_DELETE_STRAY: Final = text(
    """
    with stray as (
        delete from replay_clips c where not exists (
            select from replays r
            where r.project_id = c.project_id and r.replay_id = c.replay_id
        )
        returning c.project_id, c.replay_id, c.object_key
    ),
    discarded as (
        insert into object_outbox (project_id, replay_id, object_key, added_at)
        select project_id, replay_id, object_key, now() from stray where object_key is not null
    )
    select replay_id from stray
    """
)


async def add_clip(
    connection: AsyncConnection,
    key: ReplayKey,
    request: ClipRequest,
    *,
    day: date,
    result: str,
    person_id: PersonId,
) -> Clip:
    """Add a clip that waits to be rendered, or return the one that leads to the same result.

    A clip that failed waits again.

    Args:
        connection: The transaction of the caller.
        key: The replay, which is locked for adding.
        request: The range and what is drawn.
        day: The day of the replay.
        result: The name of the result.
        person_id: The person who asks.

    Raises:
        NotFound: Somebody deleted the same clip at this moment.
    """
    wanted = request.range
    statement = upsert(replay_clips).values(
        id=secrets.token_hex(16),
        project_id=key.project_id,
        replay_id=key.replay_id,
        day=day,
        result=result,
        format=request.format.value,
        from_ms=None if wanted is None else wanted.from_ms,
        to_ms=None if wanted is None else wanted.to_ms,
        has_taps=request.has_taps,
        has_caption=request.has_caption,
        has_body=request.has_body,
        made_by=person_id,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            constraint="uq_replay_clips_project_id",
            set_={
                "state": "waiting",
                "due_at": func.now(),
                # It waits behind clips that were asked for meanwhile.
                "made_at": func.now(),
                "tries": 0,
                "fault": None,
                "ended_at": None,
            },
            where=_clip.state == "failed",
        )
    )
    clip = await find_clip_of_result(connection, key, result)
    if clip is None:
        raise NotFound("this clip was deleted just now")
    return clip


async def claim_clip(
    connection: AsyncConnection, *, most_ms: int | None = None, served: Sequence[ProjectId] = ()
) -> ClipTask | None:
    """Lease the clip that is next: projects take turns, and a long one comes after short ones.

    Args:
        connection: The transaction of the caller.
        most_ms: The longest range of the replay to take; None for any clip.
        served: The projects that had a turn, the one whose turn was last at the end.
    """
    lease = secrets.token_hex(16)
    parameters = {"lease": lease, "lease_for": LEASE, "most_ms": most_ms, "served": list(served)}
    row = (await connection.execute(_CLAIM, parameters)).first()
    if row is None:
        return None
    found = await connection.execute(select(*CLIP_COLUMNS).where(_clip.id == row.id.hex))
    return ClipTask(read_clip_row(found.one()), lease, row.tries)


async def renew_lease(connection: AsyncConnection, task: ClipTask, *, percent: int) -> bool:
    """Renew a lease, and save the percentage that is rendered.

    A clip that this process has finished at the same moment stays as it is.

    Returns:
        False if the clip was deleted meanwhile, or leased to another process.
    """
    renewed = await connection.execute(
        update(replay_clips)
        .where(*_is_leased_as(task))
        .values(leased_until=func.now() + LEASE, percent=percent)
    )
    if renewed.rowcount:
        return True
    finished = await connection.execute(
        select(_clip.id).where(
            _clip.id == task.clip.id, _clip.state == "ready", _clip.lease == task.lease
        )
    )
    return finished.first() is not None


async def postpone_clip(
    connection: AsyncConnection, task: ClipTask, reason: str, *, after: timedelta
) -> None:
    """Release the lease of a clip that cannot be rendered now, and make it wait."""
    await connection.execute(
        update(replay_clips)
        .where(*_is_leased_as(task))
        .values(
            due_at=func.now() + after,
            leased_until=None,
            fault=clean(reason, limit_bytes=_FAULT_BYTES),
        )
    )


async def fail_clip(connection: AsyncConnection, task: ClipTask, reason: str) -> None:
    """Note that a clip cannot be rendered, and why."""
    await connection.execute(
        update(replay_clips)
        .where(*_is_leased_as(task))
        .values(
            state="failed",
            leased_until=None,
            fault=clean(reason, limit_bytes=_FAULT_BYTES),
            ended_at=func.now(),
        )
    )


async def finish_clip(connection: AsyncConnection, task: ClipTask, file: ClipFile) -> bool:
    """Point a clip at its file, which is stored and expires otherwise.

    Returns:
        False if the clip or its replay was deleted meanwhile, somebody else renders it, or the
        file has expired: then the file goes to the sweep, a deleted replay is verified once more,
        and a clip whose file expired waits again.
    """
    key = task.clip.key
    is_deleted = await locks.lock_for_adding(connection, [key])
    ended = await connection.execute(
        update(replay_clips)
        .where(*_is_leased_as(task))
        .values(
            state="ready",
            leased_until=None,
            percent=100,
            fault=None,
            ended_at=func.now(),
            object_key=file.object_key,
            size_bytes=file.size_bytes,
            width=file.width,
            height=file.height,
            duration_ms=file.duration_ms,
        )
    )
    is_ours = ended.rowcount > 0
    kept = await connection.execute(
        delete(expiring_objects).where(expiring_objects.c.object_key == file.object_key)
    )
    if is_ours and not is_deleted and kept.rowcount:
        return True
    if is_ours and is_deleted:
        await connection.execute(delete(replay_clips).where(_clip.id == task.clip.id))
    elif is_ours:
        # The process was held up: the row must not stay ready with a file that the sweep deletes.
        await connection.execute(
            update(replay_clips)
            .where(_clip.id == task.clip.id)
            .values(
                state="waiting",
                lease=None,
                percent=0,
                ended_at=None,
                object_key=None,
                size_bytes=None,
                width=None,
                height=None,
                duration_ms=None,
            )
        )
    await pictures.discard_object(connection, key, file.object_key, at=clock.now())
    if is_deleted:
        await outgoing.request_another_sweep(connection, key)
    return False


async def delete_clip(connection: AsyncConnection, key: ReplayKey, clip_id: str) -> Clip:
    """Delete a clip and hand its file to the sweep; whoever renders it now stops.

    Raises:
        NotFound: The replay has no such clip.
    """
    clip = await get_clip(connection, key, clip_id)
    gone = await connection.execute(
        delete(replay_clips).where(_clip.id == clip_id, *is_of(key)).returning(_clip.object_key)
    )
    object_key = gone.scalar()
    if object_key is not None:
        await pictures.discard_object(connection, key, object_key, at=clock.now())
    return clip


async def delete_stray_clips(connection: AsyncConnection) -> int:
    """Delete clips without a replay, and hand their files to the sweep; returns how many.

    A process of the release before, which does not know clips, leaves them behind when it deletes
    a replay.
    """
    return len((await connection.execute(_DELETE_STRAY)).all())


def _is_leased_as(task: ClipTask) -> tuple[Any, ...]:
    return (_clip.id == task.clip.id, _clip.state == "waiting", _clip.lease == task.lease)
