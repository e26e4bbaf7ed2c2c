"""A replay closes once it is quiet, its steps run in order, and each of them is done once."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.closing.closer import Closer
from app.closing.step import ClosedReplay
from app.core.ids import ProjectId, ReplayId
from app.replays import open_replays
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from tests.support import sealing
from tests.support.builders.stored_segments import SegmentWriter, make_prepared_segment
from tests.support.waiting import PATIENCE_S

FIRST, SECOND = (ReplayKey(ProjectId(1), ReplayId(digit * 32)) for digit in "ab")
_TEN_MINUTES: Final = timedelta(minutes=10)


class NotedStep:
    """A step that notes the replays for which it runs, and may fail."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.fails = False
        self.replays: list[ClosedReplay] = []
        self._log = log

    async def run(self, replay: ClosedReplay) -> None:
        """Note a replay."""
        if self.fails:
            raise ValueError(f"{self.name} cannot be done")
        self.replays.append(replay)
        self._log.append(self.name)


@pytest.fixture
def log() -> list[str]:
    """Keep the names of the steps that ran, in order."""
    return []


@pytest.fixture
def steps(log: list[str]) -> list[NotedStep]:
    """Make two steps."""
    return [NotedStep("first", log), NotedStep("second", log)]


@pytest.fixture
async def digest(database, tmp_path):
    """Store segments as digest does; one driver is enough here."""
    store = LocalStore(tmp_path, threads=1)
    yield SegmentWriter(database, store)
    await store.close()


async def run_sql(database, statement: str) -> None:
    """Run a statement."""
    async with database.transaction() as connection:
        await connection.execute(text(statement))


async def read_value(database, statement: str) -> Any:
    """Read one value."""
    async with database.reading() as connection:
        return await connection.scalar(text(statement))


async def let_time_pass(database, minutes: int) -> None:
    """Move everything that is stored of open replays into the past."""
    past = f"interval '{minutes} minutes'"
    await run_sql(database, f"update replays set last_stored_at = last_stored_at - {past}")
    await run_sql(database, f"update open_replays set check_at = check_at - {past}")


async def test_a_replay_closes_after_ten_quiet_minutes(database, digest, steps, log):
    """Not before, counted from when its last segment was stored; then its steps run in order."""
    closer = Closer(database, steps, quiet=_TEN_MINUTES)
    await digest.add(make_prepared_segment(FIRST, 0))
    await let_time_pass(database, 9)
    assert await closer.close_due_replays() == 0
    await digest.add(make_prepared_segment(FIRST, 1))
    await let_time_pass(database, 9)
    assert await closer.close_due_replays() == 0
    assert log == []
    await let_time_pass(database, 2)
    assert await closer.close_due_replays() == 1
    assert log == ["first", "second"]
    assert [replay.key for replay in steps[0].replays] == [FIRST]
    assert await read_value(database, "select closed_at from replays") is not None
    assert await read_value(database, "select count(*) from open_replays") == 0
    assert await closer.close_due_replays() == 0


async def test_a_growing_replay_is_not_leased(database, digest):
    """It comes due between two looks; if its process died, a deletion would wait for the lease."""
    await digest.add(make_prepared_segment(FIRST))
    async with database.transaction() as connection:
        assert await open_replays.is_any_due(connection)
        assert await open_replays.claim_closing_task(connection, _TEN_MINUTES) is None
    await let_time_pass(database, 11)
    async with database.transaction() as connection:
        task = await open_replays.claim_closing_task(connection, _TEN_MINUTES)
    assert task is not None
    assert task.key == FIRST


async def test_a_wrong_clock_of_a_host_does_not_matter(database, digest, steps, log):
    """A replay closes by Postgres' clock, though its segments claim to come from 2040."""
    await digest.add(make_prepared_segment(FIRST))
    await run_sql(database, "update replays set last_received_at = '2040-01-01'")
    await let_time_pass(database, 11)
    assert await Closer(database, steps, quiet=_TEN_MINUTES).close_due_replays() == 1
    assert log == ["first", "second"]


async def test_a_duplicate_does_not_reopen_a_replay(database, digest, steps):
    """Only what changes the replay does."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    await digest.add(make_prepared_segment(FIRST))
    await closer.close_due_replays()
    await digest.add(make_prepared_segment(FIRST))
    assert await read_value(database, "select count(*) from open_replays") == 0


async def test_steps_run_again_after_a_late_segment(database, digest, steps, log):
    """The replay closes a second time, at another time."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    await digest.add(make_prepared_segment(FIRST, 0))
    await closer.close_due_replays()
    await digest.add(make_prepared_segment(FIRST, 1))
    assert await read_value(database, "select closed_at from replays") is None
    await closer.close_due_replays()
    assert log == ["first", "second", "first", "second"]
    first, second = steps[0].replays
    assert first.closed_at < second.closed_at


async def test_a_step_that_fails_keeps_no_other_from_its_turn(database, digest, steps, log):
    """The others are done once; the failing one is tried again, later each time, and reported."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    steps[0].fails = True
    await digest.add(make_prepared_segment(FIRST))
    pauses_s = []
    for _ in range(5):
        await run_sql(database, "update open_replays set check_at = now()")
        assert await closer.close_due_replays() == 0
        pauses_s.append(
            await read_value(
                database,
                "select round(extract(epoch from check_at - now()))::int from open_replays",
            )
        )
    assert log == ["second"]
    assert pauses_s == sorted(pauses_s)
    assert pauses_s[-1] > 60
    await closer._inspect_open_replays()
    assert (closer.counts.open, closer.counts.failing) == (1, 1)
    assert closer.counts.fault == "first cannot be done"
    steps[0].fails = False
    await run_sql(database, "update open_replays set check_at = now()")
    assert await closer.close_due_replays() == 1
    assert log == ["second", "first"]
    await closer._inspect_open_replays()
    assert (closer.counts.open, closer.counts.failing) == (0, 0)


async def test_a_lease_of_a_dead_process_ends(database, digest, steps, log):
    """Until then nobody else runs the steps."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    await digest.add(make_prepared_segment(FIRST))
    leased = "update open_replays set leased_until = now() + interval '{}'"
    await run_sql(database, leased.format("1 minute"))
    assert await closer.close_due_replays() == 0
    await run_sql(database, leased.format("-1 second"))
    assert await closer.close_due_replays() == 1
    assert log == ["first", "second"]


async def test_a_process_that_stops_leaves_its_replays_to_the_next(database, digest, steps, log):
    """Nobody has to wait for the end of its lease."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    begun = asyncio.Event()

    async def wait_for_ever(_replay: ClosedReplay) -> None:
        begun.set()
        await asyncio.Event().wait()

    steps[0].run = wait_for_ever
    await digest.add(make_prepared_segment(FIRST))
    closer.start(is_busy=lambda: False)
    async with asyncio.timeout(PATIENCE_S):
        await begun.wait()
    await closer.stop()
    del steps[0].run
    assert await Closer(database, steps, quiet=sealing.NOW).close_due_replays() == 1
    assert log == ["first", "second"]


async def test_replays_of_older_releases_close_one_after_another(database, digest, steps):
    """The newest comes first, and new replays do not wait for them."""
    closer = Closer(database, steps, quiet=sealing.NOW)
    keys = [ReplayKey(ProjectId(1), ReplayId(f"{number:032x}")) for number in (1, 2, 3)]
    await digest.add(*(make_prepared_segment(key) for key in keys))
    await run_sql(database, "delete from open_replays")
    await run_sql(
        database,
        "update replays set day = '1970-01-01', last_stored_at = null,"
        " last_received_at = now() - interval '1 day',"
        " first_received_at = now() - interval '1 day' - right(replay_id::text, 1)::int"
        " * interval '1 hour'",
    )
    await closer._inspect_open_replays()
    await closer._inspect_open_replays()  # nothing more while these wait
    assert closer.counts.open == 3
    assert await closer.close_due_replays() == 1
    assert [replay.key for replay in steps[0].replays] == keys[:1]
    waits_s = await read_value(
        database,
        "select array_agg(extract(epoch from check_at - now())::float order by check_at)"
        " from open_replays",
    )
    assert 0 < waits_s[0] <= 1 < waits_s[1] <= 2
