"""Reads and writes the rows of erasures; the caller commits."""

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import cast, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert as upsert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import NotFound
from app.core.ids import PersonId, ProjectId, ReplayId
from app.erasure.jobs import scopes
from app.erasure.jobs.model import (
    UNREACHABLE,
    Erasure,
    ErasureHold,
    ErasureKind,
    ErasureState,
    UnreachableHost,
)
from app.erasure.jobs.scopes import ErasureScope
from app.erasure.jobs.tables import erasure_holds, erasures
from app.replays.keeping.model import ReplayHold
from app.replays.model import ReplayKey

HOLDS_SHOWN: Final = 100


def new_act_id() -> str:
    """Make the id that the jobs of one act share."""
    return secrets.token_hex(16)


async def add_erasure(
    connection: AsyncConnection,
    kind: ErasureKind,
    scope: ErasureScope,
    *,
    act_id: str,
    project_id: ProjectId,
    project_name: str,
    summary: Mapping[str, Any],
    person_id: PersonId | None,
    at: datetime,
    phase: str,
) -> Erasure:
    """Add a job; workers take it as soon as the transaction is committed."""
    row = await connection.execute(
        insert(erasures)
        .values(
            act_id=act_id,
            project_id=project_id,
            project_name=project_name,
            what=kind.value,
            criteria=scopes.write_scope(scope),
            summary=dict(summary),
            requested_at=at,
            requested_by=person_id,
            state=ErasureState.WAITING.value,
            phase=phase,
            worked_at=at,
        )
        .returning(erasures)
    )
    return to_erasure(row.one())


async def is_any_open(connection: AsyncConnection) -> bool:
    """Tell whether there is a job that has not finished."""
    return bool(await connection.scalar(select(exists().where(erasures.c.finished_at.is_(None)))))


async def lock_next_erasure(
    connection: AsyncConnection, *, worked_before: datetime
) -> Erasure | None:
    """Lock the open job that has waited longest; return None if there is no free one.

    The lock lasts as long as the transaction of one step, so a process that dies holds nothing.

    Args:
        connection: The transaction of the step.
        worked_before: Skip jobs that a process has worked on at or after this time.
    """
    row = (
        await connection.execute(
            select(erasures)
            .where(erasures.c.finished_at.is_(None), erasures.c.worked_at < worked_before)
            .order_by(erasures.c.worked_at, erasures.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
    ).first()
    return to_erasure(row) if row else None


async def lock_erasure(
    connection: AsyncConnection, erasure_id: int, *, waits: bool = False
) -> Erasure | None:
    """Lock a job for a step.

    Args:
        connection: The transaction of the step.
        erasure_id: The job.
        waits: True to wait for a process that works on it, and then to see what that has done.

    Returns:
        None if the job has finished, or if another process works on it and is not waited for.
    """
    row = (
        await connection.execute(
            select(erasures)
            .where(erasures.c.id == erasure_id, erasures.c.finished_at.is_(None))
            .with_for_update(skip_locked=not waits)
        )
    ).first()
    return to_erasure(row) if row else None


async def save_step(
    connection: AsyncConnection,
    erasure: Erasure,
    *,
    counts: Mapping[str, int],
    size_bytes: int,
) -> None:
    """Save how far a job is after a step, and add what the step erased to its counts.

    Args:
        connection: The transaction of the step.
        erasure: The job with its new state, phase and position.
        counts: The numbers of things that the step erased, by the names in `COUNTED`.
        size_bytes: The bytes that the step erased.
    """
    total = Counter(erasure.counts)
    total.update({name: number for name, number in counts.items() if number})
    await connection.execute(
        update(erasures)
        .where(erasures.c.id == erasure.id)
        .values(
            state=erasure.state.value,
            phase=erasure.phase,
            position=erasure.position,
            counts=dict(total),
            size_bytes=erasures.c.size_bytes + size_bytes,
            covers_until=erasure.covers_until,
            worked_at=func.now(),
            problem=erasure.problem,
        )
    )


async def note_unreachable(
    connection: AsyncConnection, erasure_id: int, hosts: Sequence[UnreachableHost]
) -> None:
    """Note the hosts whose journals an erasure does not cover, instead of those noted before."""
    written = [
        {"name": host.name, "seen_at": host.seen_at.isoformat(), "waiting": host.waiting}
        for host in hosts
    ]
    await connection.execute(
        update(erasures)
        .where(erasures.c.id == erasure_id)
        .values(summary=erasures.c.summary.op("||")(cast({UNREACHABLE: written}, JSONB)))
    )


async def finish_erasure(connection: AsyncConnection, erasure_id: int) -> None:
    """Close the receipt of a job: nothing is left, and its criteria are forgotten."""
    await connection.execute(
        update(erasures)
        .where(erasures.c.id == erasure_id)
        .values(
            state=ErasureState.FINISHED.value,
            criteria=None,
            position=None,
            problem=None,
            verified_at=func.now(),
            finished_at=func.now(),
        )
    )


async def note_holds(
    connection: AsyncConnection, erasure_id: int, holds: Mapping[ReplayKey, Sequence[ReplayHold]]
) -> None:
    """Note the replays that legal holds keep from an erasure, with each hold."""
    for key, of_replay in sorted(holds.items()):
        for hold in of_replay:
            values = {"reason": hold.reason, "expires_at": hold.expires_at}
            await connection.execute(
                upsert(erasure_holds)
                .values(
                    erasure_id=erasure_id,
                    project_id=key.project_id,
                    replay_id=key.replay_id,
                    name=hold.name,
                    **values,
                )
                .on_conflict_do_update(
                    index_elements=list(erasure_holds.primary_key.columns), set_=values
                )
            )


async def list_held_keys(
    connection: AsyncConnection, erasure_id: int, *, limit: int | None = None
) -> list[ReplayKey]:
    """Return the replays that are noted as held, in the order of their keys."""
    query = (
        select(erasure_holds.c.project_id, erasure_holds.c.replay_id)
        .distinct()
        .where(erasure_holds.c.erasure_id == erasure_id, erasure_holds.c.ended_at.is_(None))
        .order_by(erasure_holds.c.project_id, erasure_holds.c.replay_id)
    )
    rows = await connection.execute(query.limit(limit) if limit else query)
    return [ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)) for row in rows]


async def note_ended_holds(
    connection: AsyncConnection, erasure_id: int, keys: Sequence[ReplayKey], *, at: datetime
) -> None:
    """Note that holds no longer keep some replays."""
    for key in keys:
        await connection.execute(
            update(erasure_holds)
            .where(
                erasure_holds.c.erasure_id == erasure_id,
                erasure_holds.c.project_id == key.project_id,
                erasure_holds.c.replay_id == key.replay_id,
                erasure_holds.c.ended_at.is_(None),
            )
            .values(ended_at=at)
        )


async def list_holds(
    connection: AsyncConnection, erasure_id: int, *, first: int = 0
) -> tuple[list[ErasureHold], int]:
    """Return `HOLDS_SHOWN` of the noted holds from a row on, and the number of all of them."""
    where = erasure_holds.c.erasure_id == erasure_id
    total = await connection.scalar(select(func.count()).select_from(erasure_holds).where(where))
    rows = await connection.execute(
        select(erasure_holds)
        .where(where)
        .order_by(erasure_holds.c.replay_id, erasure_holds.c.name)
        .offset(first)
        .limit(HOLDS_SHOWN)
    )
    holds = [
        ErasureHold(ReplayId(row.replay_id), row.name, row.reason, row.expires_at, row.ended_at)
        for row in rows
    ]
    return holds, int(total or 0)


async def get_erasure(connection: AsyncConnection, erasure_id: int) -> Erasure:
    """Return an erasure.

    Raises:
        NotFound: There is none with this id.
    """
    row = (await connection.execute(select(erasures).where(erasures.c.id == erasure_id))).first()
    if row is None:
        raise NotFound(f"no erasure {erasure_id}")
    return to_erasure(row)


async def list_erasures(
    connection: AsyncConnection,
    project_ids: Sequence[ProjectId] | None,
    *,
    before: int | None = None,
    limit: int,
) -> list[Erasure]:
    """Return erasures, the newest first.

    Args:
        connection: The connection to read with.
        project_ids: The projects; None for all, deleted ones included.
        before: The id before which the part begins; None for the newest.
        limit: The most erasures that are returned.
    """
    query = select(erasures).order_by(erasures.c.id.desc()).limit(limit)
    if project_ids is not None:
        query = query.where(erasures.c.project_id.in_(project_ids))
    if before is not None:
        query = query.where(erasures.c.id < before)
    return [to_erasure(row) for row in await connection.execute(query)]


async def list_act(connection: AsyncConnection, act_id: str) -> list[Erasure]:
    """Return the jobs of one act, by the name of their project."""
    rows = await connection.execute(
        select(erasures)
        .where(erasures.c.act_id == act_id)
        .order_by(erasures.c.project_name, erasures.c.id)
    )
    return [to_erasure(row) for row in rows]


async def read_clock(connection: AsyncConnection) -> datetime:
    """Return the time of Postgres, by which jobs note when they were worked on."""
    now: datetime | None = await connection.scalar(select(func.clock_timestamp()))
    assert now is not None  # noqa: S101 - it is a clock
    return now


def to_erasure(row: Row[Any]) -> Erasure:
    """Turn a row of the table into its value."""
    return Erasure(
        id=row.id,
        act_id=row.act_id,
        project_id=ProjectId(row.project_id),
        project_name=row.project_name,
        kind=ErasureKind(row.what),
        scope=None if row.criteria is None else scopes.read_scope(row.criteria),
        summary=row.summary,
        requested_at=row.requested_at,
        requested_by=None if row.requested_by is None else PersonId(row.requested_by),
        state=ErasureState(row.state),
        phase=row.phase,
        position=row.position,
        counts=row.counts,
        size_bytes=row.size_bytes,
        covers_until=row.covers_until,
        worked_at=row.worked_at,
        problem=row.problem,
        verified_at=row.verified_at,
        finished_at=row.finished_at,
    )
