"""Work that one process of all does: it is taken, renewed, lost, given up and taken over."""

import asyncio
import math
import secrets
from datetime import datetime, timedelta

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.engine import Database
from app.processes.duties import ProcessDuty
from tests.support.waiting import PATIENCE_S, until

SHORT = timedelta(seconds=0.3)
LONG = timedelta(seconds=3)
"""A lease that outlasts every pause of a busy machine."""
HOUR = timedelta(hours=1)


def make_duty(
    database: Database, *, pause: timedelta = timedelta(0), lease: timedelta = HOUR
) -> ProcessDuty:
    """Make the duty of one more process."""
    return ProcessDuty(database, secrets.token_hex(16), "sweep", pause=pause, lease=lease)


async def do_nothing() -> None:
    """Work that is done at once."""


async def wait_for_ever() -> None:
    """Work that is not done before it is interrupted."""
    await asyncio.Event().wait()


async def let_hours_pass(database: Database, hours: int) -> None:
    """Make everything that is written about duties older."""
    async with database.transaction() as connection:
        await connection.execute(
            text(
                "update duties set held_until = held_until - cast(:age as interval),"
                " done_at = done_at - cast(:age as interval)"
            ),
            {"age": timedelta(hours=hours)},
        )


async def test_one_of_many_processes_has_a_duty(database):
    """One of eight processes that ask at once does the work, and keeps the duty afterwards."""
    rivals = [make_duty(database) for _ in range(8)]
    rounds = [
        await asyncio.gather(*(duty.perform(do_nothing) for duty in rivals)) for _ in range(3)
    ]
    assert rounds[0].count(True) == 1
    assert rounds == [rounds[0]] * 3


async def test_a_dead_holder_is_followed_by_another_process(database):
    """When a lease has run out, the next who asks has the duty."""
    holder, heir = make_duty(database), make_duty(database)
    assert await holder.perform(do_nothing)
    assert not await heir.perform(do_nothing)
    await let_hours_pass(database, 2)
    forget_times([holder, heir])
    assert await heir.perform(do_nothing)
    assert not await holder.perform(do_nothing)


async def test_a_duty_that_is_given_up_is_free_at_once(database):
    """A process that stops lets others go on without waiting for its lease."""
    holder = make_duty(database)
    assert await holder.perform(do_nothing)
    await holder.give_up()
    assert await make_duty(database).perform(do_nothing)
    await holder.give_up()  # it is not its own any more
    assert not await make_duty(database).perform(do_nothing)


async def test_long_work_keeps_its_duty(database):
    """The lease is renewed while the work goes on, so that nobody else begins it."""
    holder, rival = make_duty(database, lease=LONG), make_duty(database, lease=LONG)
    working = asyncio.create_task(holder.perform(wait_for_ever))
    async with database.reading() as connection:
        query = text("select held_until from duties")
        first = await until_not_none(connection, query)
        async with asyncio.timeout(PATIENCE_S):
            while await until_not_none(connection, query) == first:
                assert not await rival.perform(do_nothing)
                await connection.rollback()
                await asyncio.sleep(0.02)
    forget_times([rival])
    assert not await rival.perform(do_nothing)
    assert not working.done()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def until_not_none(connection: AsyncConnection, query: TextClause) -> datetime:
    """Read a value that appears soon."""
    while True:
        value: datetime | None = (await connection.execute(query)).scalar_one_or_none()
        await connection.rollback()
        if value is not None:
            return value
        await asyncio.sleep(0.01)


async def test_work_stops_when_its_duty_is_taken_over(database):
    """A process that was held up for longer than its lease is interrupted when it goes on."""
    holder = make_duty(database, lease=SHORT)
    working = asyncio.create_task(holder.perform(wait_for_ever))
    async with database.reading() as connection:
        await until_not_none(connection, text("select held_until from duties"))
    async with database.transaction() as connection:
        await connection.execute(
            text("update duties set process_id = :id, held_until = now() + interval '1 h'"),
            {"id": secrets.token_hex(16)},
        )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(working), 10)
    assert not await holder.perform(do_nothing)


async def test_work_stops_when_its_duty_cannot_be_renewed(database, monkeypatch):
    """While Postgres is away nobody knows who holds a duty, so its work ends with the lease."""
    holder = make_duty(database, lease=SHORT)
    working = asyncio.create_task(holder.perform(wait_for_ever))
    await until(lambda: holder._held_until_s > 0)
    database.block("away")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(working, 10)
    database.unblock()
    assert await holder.perform(do_nothing)


async def test_hourly_work_is_done_once_an_hour_in_all(database):
    """After the first round of each process, one of them works when an hour has passed."""
    processes = [make_duty(database, pause=HOUR, lease=SHORT) for _ in range(4)]
    for duty in processes:
        assert await duty.perform(do_nothing), "a process that starts may be a new release"
    assert not any([await duty.perform(do_nothing) for duty in processes])
    await let_hours_pass(database, 2)
    forget_times(processes)
    assert [await duty.perform(do_nothing) for duty in processes].count(True) == 1


def forget_times(processes: list[ProcessDuty]) -> None:
    """Let the processes forget until when the duty is held, as if so much time had passed."""
    for duty in processes:
        duty._free_at_s = duty._held_until_s = -math.inf


async def test_work_that_fails_is_not_done(database):
    """A failure is passed on, and the same process may try again before the hour is over."""
    duty = make_duty(database, pause=HOUR)

    async def fail() -> None:
        raise ValueError("no")

    assert await duty.perform(do_nothing)
    await let_hours_pass(database, 2)
    with pytest.raises(ValueError, match="no"):
        await duty.perform(fail)
    assert await duty.perform(do_nothing)
    assert not await duty.perform(do_nothing)
