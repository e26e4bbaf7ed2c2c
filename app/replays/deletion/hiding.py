"""Hides replays that are being deleted: their own rows go, and their tombstones come.

From the commit on nobody sees such a replay, and late segments meet the tombstone. Its parts may go
in the same transaction or in later ones (`erase.remove_parts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Date, Integer, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.types import Hex32
from app.replays.model import ReplayKey
from app.replays.queries import KEY_ARRAYS, to_key_arrays
from app.replays.tables import tombstones

_BY_PERSON: Final = "person"
_BY_COMMAND: Final = "command line"
_PARTS_OF_REPLAYS: Final = ("replay_shares", "replay_tickets")
_HIDE: Final = (
    text(
        """
    with gone as (
        delete from replays r
        using unnest(:project_ids, :replay_ids) as wanted (project_id, replay_id)
        where r.project_id = wanted.project_id and r.replay_id = wanted.replay_id
        returning r.project_id, r.replay_id, r.day, r.segments, r.video_bytes
    ),
    marks as (
        insert into tombstones (
            project_id, replay_id, day, deleted_at, deleted_by, reason, segments, video_bytes,
            erasure_id, has_parts
        )
        select project_id, replay_id, day, cast(:at as timestamptz), cast(:person_id as bigint),
            cast(:reason as text), segments, video_bytes, cast(:erasure_id as bigint),
            cast(:has_parts as boolean)
        from gone
        on conflict do nothing
    ),
    ended_shares as (
        -- Links and pictures of the replay answer nobody any more, whoever deletes it.
        delete from replay_shares s using gone
        where s.project_id = gone.project_id and s.replay_id = gone.replay_id
        returning s.project_id, s.replay_id
    ),
    ended_clips as (
        -- Their objects lie under the prefix of the replay, where the sweep finds them.
        delete from replay_clips c using gone
        where c.project_id = gone.project_id and c.replay_id = gone.replay_id
        returning c.project_id, c.replay_id, c.object_key
    ),
    clips_elsewhere as (
        -- Those that were made before the replay got its own day do not lie under that prefix.
        insert into object_outbox (object_key, added_at)
        select object_key, cast(:at as timestamptz) from ended_clips where object_key like 'p/%'
    ),
    ended_tickets as (
        delete from replay_tickets t using gone
        where t.project_id = gone.project_id and t.replay_id = gone.replay_id
        returning t.project_id, t.replay_id
    )
    select gone.*, (
        select count(*) from ended_shares s
        where s.project_id = gone.project_id and s.replay_id = gone.replay_id
    ) as shares, (
        select count(*) from ended_clips c
        where c.project_id = gone.project_id and c.replay_id = gone.replay_id
    ) as clips, (
        select count(*) from ended_tickets t
        where t.project_id = gone.project_id and t.replay_id = gone.replay_id
    ) as tickets
    from gone order by project_id, replay_id
    """
    )
    .bindparams(*KEY_ARRAYS)
    .columns(
        project_id=BigInteger,
        replay_id=Hex32,
        day=Date,
        segments=Integer,
        video_bytes=BigInteger,
        shares=BigInteger,
        clips=BigInteger,
        tickets=BigInteger,
    )
)


@dataclass(frozen=True, slots=True)
class DeletionAuthor:
    """The person or rule that deletes replays, with the time and the reason."""

    person_id: PersonId | None
    """None for the command line, or for a rule."""
    at: datetime
    reason: str | None = None
    """None for a wish of the person, or of whoever uses the command line."""

    @property
    def reason_text(self) -> str:
        """The reason as tombstones keep it."""
        return self.reason or (_BY_PERSON if self.person_id is not None else _BY_COMMAND)


@dataclass(frozen=True, slots=True)
class HiddenReplay:
    """A replay that nobody sees any more, and whose parts may still be here."""

    key: ReplayKey
    day: date | None
    """The day of its segments; None if a process of the release before hid it."""
    segments: int
    video_bytes: int
    shares: int = 0
    """Links and pictures of it that were handed out, and that answer nobody any more."""
    clips: int = 0
    """Clips of it, rendered or waiting."""
    tickets: int = 0
    """Addresses of tickets that were kept with it."""


async def hide_replays(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    author: DeletionAuthor,
    *,
    erasure_id: int | None = None,
    leaves_parts: bool = False,
) -> list[HiddenReplay]:
    """Delete the rows, shares and clips of replays and leave their tombstones, in one statement.

    From the commit on nobody sees these replays, and late segments meet the tombstones. What
    belongs to them goes with `remove_parts`, in the same transaction or in later ones.

    Call it with the replays locked (`locks.lock_all_for_deletion`).

    Args:
        connection: The transaction of the caller.
        keys: The replays; those that are gone already are left out.
        author: The person or rule that deletes them, with time and reason.
        erasure_id: The erasure that removes their parts later; None if the caller does it.
        leaves_parts: True if the caller removes their parts in a later transaction.
    """
    if not keys:
        return []
    parameters = to_key_arrays(keys) | {
        "at": author.at,
        "person_id": author.person_id,
        "reason": author.reason_text,
        "erasure_id": erasure_id,
        "has_parts": leaves_parts or erasure_id is not None,
    }
    rows = await connection.execute(_HIDE, parameters)
    return [
        replace(_to_hidden(row), shares=row.shares, clips=row.clips, tickets=row.tickets)
        for row in rows
    ]


async def delete_parts_of_hidden(connection: AsyncConnection) -> None:
    """Delete shares and tickets whose replay is gone.

    A process of the release before, which runs beside this one during an upgrade, hides a replay
    without knowing them. Clips have objects, so `clips.writes.delete_stray_clips` looks for them.
    """
    for table in _PARTS_OF_REPLAYS:
        await connection.execute(
            text(
                f"""
                delete from {table} p where not exists (
                    select from replays r
                    where r.project_id = p.project_id and r.replay_id = p.replay_id
                )
                """  # noqa: S608 - our own names
            )
        )


async def read_hidden_replays(
    connection: AsyncConnection, erasure_id: int, *, limit: int
) -> list[HiddenReplay]:
    """Read some replays that an erasure has hidden and whose parts are still here."""
    rows = await connection.execute(
        select(tombstones)
        .where(tombstones.c.erasure_id == erasure_id, tombstones.c.has_parts)
        .order_by(tombstones.c.project_id, tombstones.c.replay_id)
        .limit(limit)
    )
    return [_to_hidden(row) for row in rows]


async def add_tombstones(
    connection: AsyncConnection,
    keys: Sequence[ReplayKey],
    author: DeletionAuthor,
    *,
    erasure_id: int,
) -> None:
    """Keep late segments of replays out that are not here, and have their objects looked for."""
    if not keys:
        return
    values = {
        "deleted_at": author.at,
        "deleted_by": author.person_id,
        "reason": author.reason_text,
        "segments": 0,
        "video_bytes": 0,
        "erasure_id": erasure_id,
    }
    await connection.execute(
        insert(tombstones).on_conflict_do_nothing(),
        [{**key._asdict(), **values} for key in sorted(keys)],
    )


async def list_erased_keys(
    connection: AsyncConnection, erasure_id: int, *, after: ReplayId, limit: int
) -> list[ReplayKey]:
    """Return replays that an erasure has hidden, in the order of their ids.

    Args:
        connection: The connection to read with.
        erasure_id: The erasure.
        after: The id after which the part begins; empty to begin.
        limit: The most replays that are returned.
    """
    mark = tombstones.c
    query = select(mark.project_id, mark.replay_id).where(mark.erasure_id == erasure_id)
    if after:
        query = query.where(mark.replay_id > after)
    rows = await connection.execute(query.order_by(mark.replay_id).limit(limit))
    return [ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id)) for row in rows]


async def count_unswept(connection: AsyncConnection, erasure_id: int) -> int:
    """Count the replays of an erasure whose objects are not verified to be gone."""
    waiting = await connection.scalar(
        select(func.count())
        .select_from(tombstones)
        .where(tombstones.c.erasure_id == erasure_id, tombstones.c.swept_at.is_(None))
    )
    return int(waiting or 0)


def _to_hidden(row: Row[Any]) -> HiddenReplay:
    key = ReplayKey(ProjectId(row.project_id), ReplayId(row.replay_id))
    return HiddenReplay(key, row.day, row.segments, row.video_bytes)
