"""Replays that may still grow, and those that have closed and wait for what follows.

    first segment ─► row ─ no segment for a while ─► closed ─ each step is done ─► no row
                      ▲                                │
                      └──── a late segment reopens ────┘

A row is leased to one process at a time, and claimed with SKIP LOCKED, so that processes never wait
for one another. All times are those of Postgres: when the last segment was stored, when to look
again, and how long a lease lasts.

Digest locks the row of a replay before the row here, deletion likewise, and a closing never holds
both, so that none of them waits for another that waits for it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.days import OLD_DAY
from app.core.ids import ProjectId, ReplayId
from app.db.engine import get_driver
from app.db.text import clean
from app.replays.model import ReplayKey

LEASE: Final = timedelta(minutes=30)
"""The time within which a process must finish or stop the steps of a replay."""
_POSTPONED: Final = 1_000
"""Rows that are put off with one statement."""
_FAULT_BYTES: Final = 500
_OLD_LOCK: Final = 0x6F6C6472
"""The lock of the process that opens replays of older releases."""

_POSTPONE_GROWING: Final = f"""
    update open_replays o set check_at = r.quiet_at, tries = 0, fault = null
    from (
        select w.project_id, w.replay_id,
            coalesce(r.last_stored_at, r.last_received_at) + $1::interval as quiet_at
        from (
            select project_id, replay_id from open_replays
            where check_at <= now() and (leased_until is null or leased_until <= now())
            order by check_at limit {_POSTPONED} for update skip locked
        ) w join replays r using (project_id, replay_id)
    ) r
    where o.project_id = r.project_id and o.replay_id = r.replay_id
      and r.quiet_at > now() and r.quiet_at <= now() + $1::interval
    """  # noqa: S608 - made of a number
"""A time further ahead than the pause comes from a host whose clock is wrong: it is ignored."""
_CLAIM: Final = """
    update open_replays o set leased_until = now() + $1::interval, tries = least(o.tries + 1, 1000)
    from (
        select project_id, replay_id from open_replays w
        where check_at <= now() and (leased_until is null or leased_until <= now())
          and not exists (
              select from replays r
              where r.project_id = w.project_id and r.replay_id = w.replay_id
                and coalesce(r.last_stored_at, r.last_received_at) > now() - $2::interval
                and coalesce(r.last_stored_at, r.last_received_at) <= now()
          )
        order by check_at limit 1 for update of w skip locked
    ) next
    where o.project_id = next.project_id and o.replay_id = next.replay_id
    returning o.project_id, o.replay_id, o.check_at, o.leased_until, o.tries, o.steps_done
    """
_CLOSE: Final = """
    update replays set closed_at = coalesce(closed_at, now())
    where project_id = $1 and replay_id = $2
      and (coalesce(last_stored_at, last_received_at) <= now() - $3::interval
           or coalesce(last_stored_at, last_received_at) > now() + $3::interval)
    returning day, closed_at
    """
_IS_ANY_DUE: Final = """
    select exists (
        select from open_replays
        where check_at <= now() and (leased_until is null or leased_until <= now())
    )
    """
_EXISTS: Final = "select true from replays where project_id = $1 and replay_id = $2"
_IS_OURS: Final = "project_id = $1 and replay_id = $2 and leased_until = $3"
_NOTE_STEP: Final = f"""
    update open_replays set steps_done = array_append(steps_done, $4)
    where {_IS_OURS} and check_at = $5
    """  # noqa: S608 - made of constants
_FINISH: Final = f"delete from open_replays where {_IS_OURS} and check_at = $4"  # noqa: S608 - as above
_RELEASE: Final = f"""
    update open_replays set leased_until = null, tries = $4::smallint, fault = $5,
        check_at = case when check_at = $6 then now() + $7::interval else check_at end
    where {_IS_OURS}
    """  # noqa: S608 - made of constants
"""A late segment that reopened the replay meanwhile has set the time of the next look already."""
_FORGET: Final = f"delete from open_replays where {_IS_OURS}"  # noqa: S608 - as above
_SWEEP_AGAIN: Final = """
    update tombstones set swept_at = null where project_id = $1 and replay_id = $2
    """
_ERASE: Final = """
    delete from open_replays where project_id = $1 and replay_id = $2
      and (leased_until is null or leased_until <= now())
    """
_FIND_OLD: Final = f"""
    insert into open_replays (project_id, replay_id, check_at)
    select project_id, replay_id,
        now() + (row_number() over (order by newest desc) - 1) * $1::interval
    from (
        select project_id, replay_id, first_received_at as newest from replays
        where day = '{OLD_DAY}' and closed_at is null
          and coalesce(last_stored_at, last_received_at) < now() - interval '1 hour'
        order by first_received_at desc limit $2
    ) old
    on conflict do nothing
    """  # noqa: S608 - made of a date
_OLD_WAIT: Final = f"""
    select exists (
        select from open_replays join replays using (project_id, replay_id)
        where day = '{OLD_DAY}' and tries < 4
    )
    """  # noqa: S608 - made of a date
_TRY_OLD_LOCK: Final = f"select pg_try_advisory_xact_lock({_OLD_LOCK})"
_COUNT: Final = """
    select count(*) as open,
        count(*) filter (where tries >= $1 and fault is not null) as failing,
        (array_agg(fault order by check_at) filter (where tries >= $1))[1] as fault,
        extract(epoch from now() - min(check_at) filter (where leased_until is null))::float8
            as late_s
    from (select * from open_replays order by check_at limit 10000) o
    """


@dataclass(frozen=True, slots=True)
class ClosingTask:
    """A replay that is due, leased to this process."""

    key: ReplayKey
    check_at: datetime
    leased_until: datetime
    tries: int
    """The number of tries in a row, this one included."""
    steps_done: tuple[str, ...]
    """The steps that were done since the replay closed."""


@dataclass(frozen=True, slots=True)
class OpenReplayCounts:
    """The numbers of replays that are open or wait for a step, in all processes."""

    open: int
    failing: int
    """Replays of which a step has failed several times in a row."""
    fault: str | None
    """The error of one of them; None if none fails."""
    late_s: float
    """Seconds for which the longest waiting one has been due; 0 if none is due."""


async def postpone_growing(connection: AsyncConnection, quiet: timedelta) -> None:
    """Put off the replays that are due and have got a segment since.

    Args:
        connection: The transaction of the caller.
        quiet: The time without a segment after which a replay closes.
    """
    await (await get_driver(connection)).execute(_POSTPONE_GROWING, quiet)


async def is_any_due(connection: AsyncConnection) -> bool:
    """Tell whether a replay is due that no process has leased."""
    return bool(await (await get_driver(connection)).fetchval(_IS_ANY_DUE))


async def claim_closing_task(connection: AsyncConnection, quiet: timedelta) -> ClosingTask | None:
    """Lease the replay that has been due longest; None if none is.

    One that still grows is left out: if this process died, its deletion would wait for the lease.

    Args:
        connection: The transaction of the caller.
        quiet: The time without a segment after which a replay closes.
    """
    row = await (await get_driver(connection)).fetchrow(_CLAIM, LEASE, quiet)
    if row is None:
        return None
    return ClosingTask(
        ReplayKey(ProjectId(row["project_id"]), ReplayId(row["replay_id"].hex)),
        row["check_at"],
        row["leased_until"],
        row["tries"],
        tuple(row["steps_done"]),
    )


async def close_replay(
    connection: AsyncConnection, key: ReplayKey, quiet: timedelta
) -> tuple[date, datetime] | None:
    """Mark a replay as closed, unless it has got a segment within the pause.

    Returns:
        Its day, and when it closed; None if it goes on, or is deleted.
    """
    row = await (await get_driver(connection)).fetchrow(_CLOSE, *key, quiet)
    return None if row is None else (row["day"], row["closed_at"])


async def is_stored(connection: AsyncConnection, key: ReplayKey) -> bool:
    """Tell whether there is a replay; False once it is deleted."""
    return bool(await (await get_driver(connection)).fetchval(_EXISTS, *key))


async def note_step(connection: AsyncConnection, task: ClosingTask, step: str) -> None:
    """Note that a step is done, unless a late segment has reopened the replay meanwhile."""
    driver = await get_driver(connection)
    await driver.execute(_NOTE_STEP, *task.key, task.leased_until, step, task.check_at)


async def finish_closing(connection: AsyncConnection, task: ClosingTask) -> bool:
    """Delete the row of a replay of which every step is done; False if it was reopened."""
    driver = await get_driver(connection)
    gone = await driver.execute(_FINISH, *task.key, task.leased_until, task.check_at)
    return bool(gone == "DELETE 1")


async def release_closing(
    connection: AsyncConnection,
    task: ClosingTask,
    *,
    pause: timedelta,
    tries: int = 0,
    fault: str | None = None,
) -> None:
    """Return a replay that is to be looked at again after a pause.

    Args:
        connection: The transaction of the caller.
        task: The replay.
        pause: The time to the next look.
        tries: The tries in a row that have failed.
        fault: Why the last one failed, for people.
    """
    driver = await get_driver(connection)
    text = None if fault is None else clean(fault, limit_bytes=_FAULT_BYTES)
    await driver.execute(_RELEASE, *task.key, task.leased_until, tries, text, task.check_at, pause)


async def forget_deleted(connection: AsyncConnection, task: ClosingTask) -> None:
    """Delete the row of a deleted replay, and have the sweep look under its prefix once more."""
    driver = await get_driver(connection)
    await driver.execute(_FORGET, *task.key, task.leased_until)
    await driver.execute(_SWEEP_AGAIN, *task.key)


async def erase_open_replay(connection: AsyncConnection, key: ReplayKey) -> None:
    """Delete the row of a replay that is being deleted; while it is leased, the row stays.

    Whoever has the lease, or claims the row when it has ended, finds the replay gone.
    """
    await (await get_driver(connection)).execute(_ERASE, *key)


async def open_old_replays(connection: AsyncConnection, *, limit: int, pause: timedelta) -> None:
    """Let replays of releases before days close one after another, the newest first.

    Does nothing while earlier ones wait, or while another process does the same. Those of which a
    step fails again and again hold up no others.

    Args:
        connection: The transaction of the caller.
        limit: The most replays that are opened at once.
        pause: The time from one to the next, which bounds what this costs.
    """
    driver = await get_driver(connection)
    if await driver.fetchval(_TRY_OLD_LOCK) and not await driver.fetchval(_OLD_WAIT):
        await driver.execute(_FIND_OLD, pause, limit)


async def count_open_replays(
    connection: AsyncConnection, *, failing_tries: int
) -> OpenReplayCounts:
    """Count the replays that are open or wait for a step, up to ten thousand.

    Args:
        connection: The connection to read with.
        failing_tries: The tries in a row from which a replay counts as failing.
    """
    (row,) = await (await get_driver(connection)).fetch(_COUNT, failing_tries)
    late_s = row["late_s"] or 0.0
    return OpenReplayCounts(row["open"], row["failing"], row["fault"], max(0.0, late_s))
