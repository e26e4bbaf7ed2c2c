"""Counts of sessions, outcomes and removals end by rules of their own; ids of sessions also."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core.errors import DatabaseUnavailable
from app.core.ids import ProjectId
from app.db.counted_days import CountedDays
from app.db.engine import Database
from app.projects import retention_rules
from app.projects.retention_rules import ProjectRules
from app.releases import expire, sessions
from app.releases.model import SessionCohort, SessionUpdate
from app.retention import inventory, plan_summary
from app.retention.plan import DeleteCounts
from app.retention.rules.change_rules import estimate_rules
from app.retention.run import plan_now, run_retention
from app.retention.session_marks import expire_session_marks
from app.storage.disk.local import LocalStore
from tests.support.builders.aged_data import AgedData
from tests.support.builders.people import make_project

KEEP_7 = ProjectRules(follows_server=False, keep_days=7)
COUNT_TABLES = {
    "outcomes": "insert into outcomes (project_id, day, item_type, outcome, reason, quantity)"
    " values (:project, :day, 'event', 'kept', '', 3)",
    "removal_counts": "insert into removal_counts (project_id, day, rule, quantity)"
    " values (:project, :day, '@email', 3)",
    "release_sessions": "insert into release_sessions"
    " (project_id, release, environment, day, status, quantity)"
    " values (:project, 'shop@1', 'live', :day, 'started', 3)",
}
"""A statement for each table that counts by day."""


@pytest_asyncio.fixture
async def data(database: Database, tmp_path: Path) -> AsyncIterator[AgedData]:
    """An empty server whose data of earlier days a test makes."""
    objects = LocalStore(tmp_path, threads=2)
    yield AgedData(database, objects)
    await objects.close()


async def make_shop(data: AgedData, rules: ProjectRules, name: str = "Shop") -> ProjectId:
    """Add a project with rules."""
    project = await make_project(data.database, name)
    async with data.database.transaction() as connection:
        await retention_rules.write_rules(connection, project.id, rules)
    return project.id


async def add_counts(data: AgedData, project_id: ProjectId, *, age: int) -> None:
    """Add a row with counts of a day to each table of counts."""
    values = {"project": project_id, "day": data.day(age)}
    async with data.database.transaction() as connection:
        for statement in COUNT_TABLES.values():
            await connection.execute(text(statement), values)


async def add_session(
    data: AgedData, project_id: ProjectId, *, age: int, sid: str | None = None
) -> str:
    """Add the beginning of a session; returns its id, or nothing if it was counted already."""
    session_id = sid or secrets.token_hex(16)
    cohort = SessionCohort(project_id, "shop@1", "live", data.day(age), "started")
    async with data.database.transaction() as connection:
        (is_new,) = await sessions.add_sessions(
            connection, [SessionUpdate(project_id, session_id, ((cohort, 1),))]
        )
    return session_id if is_new else ""


async def test_counts_of_old_days_go_by_their_own_rule(data: AgedData):
    """Sessions, outcomes and removals of 30 days outlive content; those of others stay."""
    shop, other = await make_shop(data, KEEP_7), await make_shop(data, ProjectRules(), "Other")
    for project in (shop, other):
        for age in (400, 31, 30):
            await add_counts(data, project, age=age)
    planned_rows = []
    async with data.database.reading() as connection:
        for act in (await plan_now(connection, longest_days=None)).acts:
            assert isinstance(act, DeleteCounts)
            planned_rows.append((act.project_id, act.first_day, act.last_day, act.rows))
    assert planned_rows == [(shop, data.day(400), data.day(31), 6)]
    assert await run_retention(data.database, longest_days=None) == 1
    for table in COUNT_TABLES:
        assert await data.count(table, f"project_id = {shop}") == 1, table
        assert await data.count(table, f"project_id = {other}") == 3, table
    assert await data.count("day_receipts") == 0
    assert await data.count("audit_lines", "action = 'counts_expired'") == 1
    async with data.database.reading() as connection:
        capped = await plan_now(connection, longest_days=29)
    assert plan_summary.list_ended_days(capped.acts) == set()
    assert {act.project_id for act in capped.acts if isinstance(act, DeleteCounts)} == {shop, other}
    assert await run_retention(data.database, longest_days=None) == 0


async def test_a_change_is_not_said_to_delete_what_is_due_already(data: AgedData):
    """Counts that fell due at midnight and wait for the next run go whatever is saved."""
    shop = await make_shop(data, ProjectRules(follows_server=False, keep_days=90))
    for age in (91, 60, 31, 30):
        await add_counts(data, shop, age=age)
    previews = {}
    async with data.database.reading() as connection:
        present = await inventory.read_rule_set(connection)
        for days in (120, 90, 40):
            rules = ProjectRules(follows_server=False, keep_days=days)
            preview = await estimate_rules(connection, shop, rules, present)
            previews[days] = preview.estimate.counts
    assert previews == {120: None, 90: None, 40: CountedDays(data.day(90), data.day(60), 3)}


async def test_counts_of_before_an_update_are_announced_for_a_week(data: AgedData):
    """Nobody knew that rules concern counts when earlier releases kept them for ever."""
    shop = await make_shop(data, KEEP_7)
    await add_counts(data, shop, age=31)
    async with data.database.transaction() as connection:
        await connection.execute(
            text("insert into retention_runs (name, started_at) values ('old counts', now())")
        )
    assert (
        await run_retention(data.database, longest_days=None),
        await run_retention(data.database, longest_days=None),
    ) == (0, 0)
    assert await data.count("audit_lines", "action = 'counts_will_expire'") == 1
    async with data.database.reading() as connection:
        acts = (await plan_now(connection, longest_days=None)).acts
    assert [getattr(act, "waits_until", None) for act in acts] == [data.day(-7)]
    async with data.database.transaction() as connection:
        await connection.execute(
            text("update retention_runs set started_at = now() - interval '7 days'")
        )
    assert await run_retention(data.database, longest_days=None) == 1
    assert await data.count("outcomes") == 0
    assert await data.count("audit_lines", "action = 'counts_expired'") == 1


async def test_ids_of_sessions_go_once_a_day_after_a_month(data: AgedData):
    """One process does it each day; sessions that are counted still do not count twice."""
    shop = await make_shop(data, ProjectRules())
    young = await add_session(data, shop, age=30)
    await add_session(data, shop, age=31)
    assert await expire_session_marks(data.database, longest_days=None) == 1
    assert await data.count("session_marks") == 1
    assert not await add_session(data, shop, age=30, sid=young)
    assert await expire_session_marks(data.database, longest_days=7) == 0
    async with data.database.transaction() as connection:
        await connection.execute(
            text("update retention_runs set started_at = now() - interval '1 day'")
        )
    assert await expire_session_marks(data.database, longest_days=7) == 1
    assert await data.count("release_sessions", f"project_id = {shop}") == 2


async def test_a_turn_that_fails_is_given_back(data: AgedData, monkeypatch: pytest.MonkeyPatch):
    """Ids of sessions go at the next try of the same day."""
    shop = await make_shop(data, ProjectRules())
    await add_session(data, shop, age=31)
    with monkeypatch.context() as patch:
        patch.setattr(
            expire, "delete_old_marks", AsyncMock(side_effect=DatabaseUnavailable("gone"))
        )
        with pytest.raises(DatabaseUnavailable):
            await expire_session_marks(data.database, longest_days=None)
    assert await expire_session_marks(data.database, longest_days=None) == 1
