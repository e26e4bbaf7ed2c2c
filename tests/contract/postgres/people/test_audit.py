"""The audit log and the view log are append-only and keep lines for a year."""

from datetime import timedelta

import pytest

from app.audit import queries, writes
from app.audit.model import Action
from app.core import clock
from app.core.errors import DatabaseUnusable
from app.core.ids import PersonId, ProjectId, ReplayId
from app.db.engine import Database

ADA, EVE = PersonId(1), PersonId(2)
SHOP, ZOO = ProjectId(1), ProjectId(2)
REPLAY, OTHER = ReplayId("ab" * 16), ReplayId("cd" * 16)


async def add_lines_and_views(database: Database) -> None:
    """Add three lines and three views."""
    async with database.transaction() as connection:
        await writes.add_audit_line(connection, Action.SIGN_IN, person_id=ADA)
        await writes.add_audit_line(
            connection,
            Action.REPLAY_DELETED,
            person_id=EVE,
            project_id=SHOP,
            subject=REPLAY,
            detail={"segments": 12, "reason": "asked\0 for", "long": "x" * 300},
        )
        await writes.add_audit_line(connection, Action.KEY_ADDED, person_id=None, project_id=ZOO)
        for person in (ADA, EVE, ADA):
            await writes.add_replay_view(connection, person, SHOP, replay_id=REPLAY)


async def test_lines_say_who_did_what_to_what(database: Database):
    """Each action is one line, newest first, whose texts are cleaned and cut."""
    await add_lines_and_views(database)
    async with database.reading() as connection:
        key, deleted, sign_in = await queries.list_audit_lines(connection)
        (shop_line,) = await queries.list_audit_lines(connection, project_id=SHOP)
        newest_line = await queries.list_audit_lines(connection, limit=1)
        older_lines = await queries.list_audit_lines(connection, before_id=newest_line[-1].id)
    assert (key.action, key.person_id, key.project_id, key.subject) == (
        "key_added",
        None,
        ZOO,
        None,
    )
    assert (sign_in.action, sign_in.person_id, dict(sign_in.detail)) == ("sign_in", ADA, {})
    assert shop_line == deleted
    assert (deleted.person_id, deleted.subject) == (EVE, REPLAY)
    assert deleted.detail == {"segments": 12, "reason": "asked for", "long": "x" * 197 + "…"}
    assert abs(clock.now() - deleted.at) < timedelta(minutes=5)
    assert newest_line + older_lines == [key, deleted, sign_in]


async def test_every_view_is_one_row(database: Database):
    """The log keeps every view, and a list shows a person the replays that they have seen."""
    await add_lines_and_views(database)
    async with database.reading() as connection:
        views = await queries.list_replay_views(connection, SHOP)
        assert [view.person_id for view in views] == [ADA, EVE, ADA]
        older_views = await queries.list_replay_views(
            connection, SHOP, before_id=views[0].id, limit=1
        )
        assert older_views == views[1:2]
        assert await queries.list_replay_views(connection, ZOO) == []
        listed_replays = [(SHOP, REPLAY), (SHOP, OTHER), (ZOO, REPLAY)]
        assert await queries.find_seen_replays(connection, ADA, listed_replays) == {(SHOP, REPLAY)}
        assert await queries.find_seen_replays(connection, ADA, []) == set()


async def test_a_replay_can_be_marked_as_seen_without_a_view(database: Database):
    """The mark belongs to one person, may be set twice, and adds no view."""
    async with database.transaction() as connection:
        await writes.mark_seen(connection, ADA, [(ZOO, OTHER), (ZOO, OTHER)])
        await writes.mark_seen(connection, ADA, [(ZOO, OTHER)])
        await writes.mark_seen(connection, ADA, [])
    async with database.reading() as connection:
        assert await queries.find_seen_replays(connection, ADA, [(ZOO, OTHER)]) == {(ZOO, OTHER)}
        assert await queries.find_seen_replays(connection, EVE, [(ZOO, OTHER)]) == set()
        assert await queries.list_replay_views(connection, ZOO) == []


@pytest.mark.parametrize("table", ["audit_lines", "view_log"])
@pytest.mark.parametrize(
    "statement",
    ["update {} set at = now()", "delete from {}", "truncate {}", "truncate {} cascade"],
)
async def test_a_line_cannot_be_changed_or_removed(database: Database, table: str, statement: str):
    """Postgres itself refuses to change or remove a line."""
    await add_lines_and_views(database)
    with pytest.raises(DatabaseUnusable, match="append-only"):
        async with database.transaction() as connection:
            await connection.exec_driver_sql(statement.format(table))
    async with database.reading() as connection:
        count = await connection.exec_driver_sql(f"select count(*) from {table}")
        assert count.scalar_one() == 3


async def test_lines_are_deleted_after_a_year(database: Database):
    """Lines older than 365 days are deleted, and no others."""
    await add_lines_and_views(database)
    async with database.transaction() as connection:
        for age in ("365 days 1 minute", "364 days 23 hours"):
            await connection.exec_driver_sql(
                "insert into view_log (at, person_id, project_id, replay_id) "
                f"values (now() - interval '{age}', 1, 1, gen_random_uuid())"
            )
        assert await writes.delete_old_lines(connection) == 1
        assert len(await queries.list_replay_views(connection, SHOP)) == 4
        assert len(await queries.list_audit_lines(connection)) == 3
