"""Pins and legal holds of replays, and the rules of projects, in Postgres."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core import clock
from app.core.errors import InvalidInput, NotFound, ReplayHeld
from app.core.ids import PersonId, ProjectId
from app.db.engine import Database
from app.erasure.replay import erase_replay
from app.projects import retention_rules, spending
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.replays import queries
from app.replays.keeping import holds, pins
from app.replays.model import ReplayKey
from app.storage.disk.local import LocalStore
from tests.contract.postgres.test_packs import FIRST, SECOND, make_batch, make_prepared_segment
from tests.support.builders.people import make_project
from tests.support.builders.stored_segments import store_claimed

ADA = PersonId(7)
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def stored(database: Database, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with two replays of one segment each."""
    objects = LocalStore(tmp_path, threads=2)
    batch = make_batch(make_prepared_segment(FIRST, b"A"), make_prepared_segment(SECOND, b"B"))
    await store_claimed(database, objects, batch)
    yield database
    await objects.close()


async def hold(
    database: Database, *keys: ReplayKey, name: str = "Case 4", lasts: timedelta = DAY
) -> list[ReplayKey]:
    """Hold replays for a while."""
    async with database.transaction() as connection:
        return await holds.add_hold(
            connection, keys, name=name, reason="Asked for by court.",
            expires_at=clock.now() + lasts, person_id=ADA,
        )  # fmt: skip


async def erase(database: Database, key: ReplayKey) -> None:
    """Delete a replay as the command line does."""
    await erase_replay(database, key, person_id=None, at=clock.now())


async def test_a_hold_refuses_deletion_and_says_why(stored: Database):
    """The message has the name of the hold, its reason and its end; the replay stays."""
    await hold(stored, FIRST)
    until = f"{clock.now() + DAY:%Y-%m-%d}"
    with pytest.raises(ReplayHeld, match=rf"“Case 4” until {until} .* Asked for by court\."):
        await erase(stored, FIRST)
    async with stored.reading() as connection:
        assert await queries.find_replay(connection, FIRST)
    await erase(stored, SECOND)


async def test_an_expired_or_released_hold_refuses_nothing(stored: Database):
    """A hold counts until it expires or somebody releases it."""
    await hold(stored, FIRST, lasts=-DAY)
    await erase(stored, FIRST)
    await hold(stored, SECOND)
    await hold(stored, SECOND, name="Case 5")
    async with stored.transaction() as connection:
        assert await holds.release_hold(connection, SECOND, "Case 4")
        assert not await holds.release_hold(connection, SECOND, "Case 4")
        left = await holds.find_holds(connection, [FIRST, SECOND])
    assert [each.name for each in left[SECOND]] == ["Case 5"]
    with pytest.raises(ReplayHeld, match="Case 5"):
        await erase(stored, SECOND)


async def test_a_deletion_waits_for_a_hold_on_its_way(stored: Database):
    """A deletion that begins before a hold is committed sees the hold."""
    async with stored.transaction() as connection:
        await holds.add_hold(
            connection, [FIRST], name="Case", reason="Court", expires_at=clock.now() + DAY,
            person_id=None,
        )  # fmt: skip
        erasing = asyncio.create_task(erase(stored, FIRST))
        async with stored.reading() as other:
            while not await other.scalar(
                text("select 1 from pg_locks where locktype = 'advisory' and not granted")
            ):
                await other.rollback()
        assert not erasing.done()
    with pytest.raises(ReplayHeld):
        await erasing


async def test_a_deleted_replay_is_neither_held_nor_pinned(stored: Database):
    """A deletion takes pins along, and what is deleted already can get none."""
    async with stored.transaction() as connection:
        assert await pins.pin_replays(connection, [FIRST, SECOND], person_id=ADA) == [FIRST, SECOND]
        assert (await pins.find_pins(connection, [FIRST]))[FIRST].pinned_by == ADA
    await erase(stored, FIRST)
    async with stored.transaction() as connection:
        assert await pins.count_pins(connection, [ProjectId(1)]) == {1: 1}
        assert await pins.pin_replays(connection, [FIRST], person_id=ADA) == []
    assert await hold(stored, FIRST) == []
    async with stored.transaction() as connection:
        assert await pins.unpin_replays(connection, [FIRST, SECOND]) == 1
        assert await pins.list_pins(connection, [ProjectId(1)], limit=9) == []


@pytest.mark.parametrize(("name", "reason"), [("", "r"), ("n", " \n"), ("n" * 81, "r")])
async def test_a_hold_needs_a_name_and_a_reason(stored: Database, name: str, reason: str):
    """Both are texts that people can read, of limited length."""
    async with stored.transaction() as connection:
        with pytest.raises(InvalidInput, match="of a hold needs"):
            await holds.add_hold(
                connection, [FIRST], name=name, reason=reason, expires_at=clock.now() + DAY,
                person_id=None,
            )  # fmt: skip


async def test_rules_are_read_as_they_were_written(database: Database):
    """A new project keeps everything for ever and turns new data away at a limit."""
    project = await make_project(database)
    rules = ProjectRules(
        follows_server=False, keep_days=30, limit_bytes=20 * 2**30, at_limit=AtLimit.DELETE_OLDEST,
        keep_queries=("has:error", "screen:Checkout*"), rest_hours=24,
    )  # fmt: skip
    async with database.transaction() as connection:
        assert await retention_rules.read_rules(connection, project.id) == ProjectRules()
        await retention_rules.write_rules(connection, project.id, rules)
        await retention_rules.write_server_rules(connection, ServerRules(90, 20), person_id=ADA)
    async with database.reading() as connection:
        assert await retention_rules.read_all_rules(connection) == {project.id: rules}
        assert await retention_rules.read_server_rules(connection) == ServerRules(90, 20)
        assert await spending.read_storage_limits(connection) == {}
        with pytest.raises(NotFound):
            await retention_rules.read_rules(connection, ProjectId(99))


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (ProjectRules(follows_server=False, keep_days=0), "number of days"),
        (ProjectRules(limit_bytes=-1), "storage limit"),
        (ProjectRules(rest_hours=24), "at least one keep rule"),
        (ProjectRules(keep_queries=("a",)), "number of hours"),
        (ProjectRules(keep_queries=("a",), rest_hours=0), "hours"),
        (ProjectRules(keep_queries=("a",) * 11, rest_hours=1), "11 keep rules, 10 are allowed"),
    ],
)
def test_impossible_rules_are_refused(rules: ProjectRules, problem: str):
    """Every number has its limits."""
    with pytest.raises(InvalidInput, match=problem):
        retention_rules.check_rules(rules)


def test_the_longest_time_of_the_server_cuts_every_rule():
    """A project's own rule comes before the default, and the server's longest time before both."""
    for_ever, a_year = ProjectRules(follows_server=False), ProjectRules(False, 365)
    assert ProjectRules().effective_days(ServerRules()) is None
    assert ProjectRules().effective_days(ServerRules(90)) == 90
    assert for_ever.effective_days(ServerRules(90)) is None
    assert for_ever.effective_days(ServerRules(90, 180)) == 180
    assert a_year.effective_days(ServerRules(90, 180)) == 180
