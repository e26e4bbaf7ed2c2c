"""The privacy rules of projects follow Postgres closely, and never give way to laxer ones."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from app.core import clock
from app.core.errors import InvalidInput, ServiceUnavailable
from app.core.ids import PersonId, ProjectId
from app.db import engine
from app.db.engine import Database
from app.projects import privacy_rules, writes
from app.projects.model import RemovalKey
from app.projects.privacy_rules import CLOSED_PRIVACY, DEFAULT_PRIVACY, NEVER_SAVED, PrivacyRules
from app.projects.rule_cache import RuleCache
from app.scrub.rules import OwnPattern, ScrubRules
from app.scrub.taps.rules import TapRegion, TapRules
from tests.support.servers.migrations import upgrade_to
from tests.support.waiting import until

ADA = PersonId(1)
RULES = PrivacyRules(
    ScrubRules(frozenset({"b", "a"}), scrub_ip=True, patterns=(OwnPattern("é", r"\d+"),)),
    TapRules(keypads=True, screens=("Pin*",), regions=(TapRegion("*", 0.0, 50.0, 100.0, 100.0),)),
)


async def make_project(database: Database) -> ProjectId:
    """Add a project."""
    async with database.transaction() as connection:
        return (await writes.add_project(connection, "Shop")).id


async def save(
    database: Database, project_id: ProjectId, rules: PrivacyRules, *, after: int = 0
) -> int:
    """Save a version of a project's rules."""
    async with database.transaction() as connection:
        return await privacy_rules.save_rules(
            connection, project_id, rules, after_version=after, saved_by=ADA
        )


@pytest.fixture
async def cache(database: Database) -> AsyncIterator[RuleCache]:
    """A started cache that reads by itself only once."""
    cache = RuleCache(refresh_s=3_600.0)
    cache.start(database)
    yield cache
    await cache.stop()


async def test_saved_rules_come_back_as_they_were(database: Database):
    """All fields survive, and the same rules are written the same."""
    project_id = await make_project(database)
    async with database.reading() as connection:
        assert await privacy_rules.find_saved_rules(connection, project_id) == NEVER_SAVED
    assert await save(database, project_id, RULES) == 1
    assert await save(database, project_id, DEFAULT_PRIVACY, after=1) == 2
    async with database.reading() as connection:
        versions = await privacy_rules.list_rule_versions(connection, project_id)
    assert [(version.version, version.rules) for version in versions] == [
        (2, DEFAULT_PRIVACY),
        (1, RULES),
    ]
    assert privacy_rules.encode_rules(RULES) == privacy_rules.encode_rules(versions[1].rules)


async def test_of_two_who_save_at_once_one_wins(database: Database):
    """The other is told, also when both have read before either wrote."""
    project_id = await make_project(database)
    results = await asyncio.gather(
        *(save(database, project_id, RULES) for _ in range(5)), return_exceptions=True
    )
    assert min(map(str, results)) == "1"
    assert sum(isinstance(result, InvalidInput) for result in results) == 4


async def test_the_cache_has_the_newest_rules_of_each_project(database: Database, cache: RuleCache):
    """Rules are read at once after `refresh`, and stay the same object until they change."""
    with_rules, without = await make_project(database), await make_project(database)
    await save(database, with_rules, DEFAULT_PRIVACY)
    await save(database, with_rules, RULES, after=1)
    await cache.refresh()
    assert cache.find(with_rules) == RULES
    assert cache.find(without) is DEFAULT_PRIVACY
    before = cache.find(with_rules)
    await cache.refresh()
    assert cache.find(with_rules) is before


async def test_digest_waits_until_the_rules_have_been_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """Without rules nothing is scrubbed; with Postgres away, old ones count for 15 s only."""
    with pytest.raises(ServiceUnavailable):
        await RuleCache().ensure_fresh()
    now_s = 1_000.0
    monkeypatch.setattr("app.projects.rule_cache.monotonic_s", lambda: now_s)
    project_id = await make_project(database)
    cache = RuleCache(refresh_s=3_600.0)
    cache.start(database)
    try:
        await save(database, project_id, RULES)
        await cache.refresh()
        database.block("Postgres is away")
        now_s += 14
        await cache.ensure_fresh()
        assert cache.find(project_id) == RULES
        now_s += 2
        with pytest.raises(ServiceUnavailable):
            await cache.ensure_fresh()
        database.unblock()
        await cache.ensure_fresh()
    finally:
        database.unblock()
        await cache.stop()


async def test_the_cache_reads_again_by_itself(database: Database):
    """Rules that another process saved are here after a while."""
    cache = RuleCache(refresh_s=0.01)
    cache.start(database)
    try:
        project_id = await make_project(database)
        await save(database, project_id, RULES)
        await until(lambda: cache.find(project_id) == RULES)
    finally:
        await cache.stop()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scrub": 1}', '{"newer": {}}'])
async def test_rules_that_cannot_be_read_close(text: str):
    """Rules of a newer release, or damaged ones, let no text and no tap through."""
    assert privacy_rules.decode_rules(text) == CLOSED_PRIVACY


async def test_removals_are_added_up(database: Database):
    """Counts of one project, day and rule are one row, whatever the order of batches."""
    project_id = await make_project(database)
    today = clock.now().date()
    for quantity in (2, 3):
        async with database.transaction() as connection:
            await privacy_rules.add_removals(
                connection,
                {
                    RemovalKey(project_id, today, "card"): quantity,
                    RemovalKey(project_id, today, "email"): 1,
                },
            )
            await privacy_rules.add_removals(connection, {})
    async with database.reading() as connection:
        counts = await privacy_rules.list_removals(connection, project_id, days=30)
    assert [(count.rule, count.quantity) for count in counts] == [("card", 5), ("email", 2)]


async def test_the_migration_keeps_what_is_stored(empty_database_url: str):
    """Rows of the release before stay, say of nothing that it was removed, and take remarks."""
    await upgrade_to(empty_database_url, "0027")
    connection = await engine.connect(empty_database_url)
    try:
        await connection.execute(
            """
            insert into segments (day, retention_class, project_id, replay_id, segment_id,
                received_at, drift_ms, started_at, ended_at, frames, recording, breadcrumbs,
                screens)
            values ('1970-01-01', 3, 1, $1, 0, now(), 0, now(), now(), 0, 'x', 0, '{}')
            """,
            uuid.UUID(int=7),
        )
        await upgrade_to(empty_database_url, "0028")
        assert (
            await connection.fetchval("select count(*) from segments where removals is null") == 1
        )
        await connection.execute("update segments set removals = 'x'")
        assert await connection.fetchval("select count(*) from privacy_rules") == 0
    finally:
        await connection.close()
