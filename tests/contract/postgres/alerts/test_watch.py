"""Rules that look at the time: what begins is told once, and so is its end."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.alerts.compose import Composer
from app.alerts.model import AlertRule, RuleKind, RuleSettings, TargetKind
from app.alerts.watch.server import ServerWatcher
from app.alerts.watch.watcher import AlertWatcher
from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages import outbox
from tests.support.builders.alerts import ADDRESSES, add_rule, add_target
from tests.support.servers.server import Keyed, keyed

AT_ONCE = RuleSettings(collect_min=0)


@pytest.fixture
async def project(database: Database) -> Keyed:
    """A project."""
    return await keyed(database, "Shop")


async def look(database: Database) -> list[str]:
    """Let all rules look once; return the titles of all messages so far."""
    server = ServerWatcher(
        database, ADDRESSES, data_dir=None, longest_days=None, heartbeat_s=5, silent_after_s=60
    )
    watcher = AlertWatcher(database, ADDRESSES, server)
    await watcher.work()
    await Composer(database, ADDRESSES).compose_due()
    async with database.reading() as connection:
        rows = await connection.scalars(text("select title from outbox_messages order by id"))
        return list(rows)


async def make_rule(
    database: Database,
    project_id: ProjectId | None,
    kind: RuleKind,
    settings: RuleSettings = AT_ONCE,
) -> AlertRule:
    """Add a rule that tells a webhook."""
    target = await add_target(database, project_id, "https://hook.example/x", TargetKind.WEBHOOK)
    return await add_rule(database, project_id, kind, target, settings=settings)


async def run(database: Database, statement: str, **values: object) -> None:
    """Change the database as the rest of the product would."""
    async with database.transaction() as connection:
        await connection.execute(text(statement), values)


async def test_silence_is_told_when_it_begins_and_when_it_ends(database: Database, project: Keyed):
    """A project that never got anything is not silent; one that stops getting something is."""
    settings = RuleSettings(collect_min=0, silent_min=30)
    await make_rule(database, project.id, RuleKind.SILENCE, settings)
    assert await look(database) == []
    use = (
        "insert into key_spending values (:key, 1, 1, now() - cast(:ago as interval))"
        " on conflict (public_key) do update set last_used_at = excluded.last_used_at"
    )
    await run(database, use, key=project.key, ago=timedelta(minutes=29))
    assert await look(database) == []
    await run(database, use, key=project.key, ago=timedelta(minutes=31))
    assert await look(database) == ["Shop: Nothing received for 30 minutes"]
    assert len(await look(database)) == 1
    await run(database, use, key=project.key, ago=timedelta(0))
    assert (await look(database))[1:] == ["Shop: Envelopes are received again"]
    assert len(await look(database)) == 2
    await run(database, use, key=project.key, ago=timedelta(minutes=45))
    assert len(await look(database)) == 3, "the next silence is told again"


async def test_a_release_that_crashes_too_often_is_told_once(database: Database, project: Keyed):
    """Each release by itself, and again when it has recovered."""
    await make_rule(database, project.id, RuleKind.CRASH_FREE)
    count = (
        "insert into release_sessions values (:project, :release, 'production',"
        " (now() at time zone 'utc')::date, :status, :quantity) on conflict"
        " (project_id, release, environment, day, status) do update set quantity = :quantity"
    )
    for release, crashed in (("shop@1", 5), ("shop@2", 50)):
        for status, quantity in (("started", 1_000), ("crashed", crashed)):
            await run(
                database, count,
                project=project.id, release=release, status=status, quantity=quantity,
            )  # fmt: skip
    assert await look(database) == ["Shop: shop@2: 95 % of sessions without a crash"]
    await run(
        database, count, project=project.id, release="shop@2", status="started", quantity=100_000
    )
    assert (await look(database))[1:] == ["Shop: shop@2 crashes less often again"]


async def test_a_spike_is_found_in_the_counts_of_issues(database: Database, project: Keyed):
    """An issue that rises far above its project's usual hour."""
    settings = RuleSettings(collect_min=0, least_events=20)
    await make_rule(database, project.id, RuleKind.SPIKE, settings)
    issue = "a" * 32
    now = clock.now()
    await run(
        database,
        "insert into issues (project_id, issue_id, grouping_version, first_seen_at, first_event_id,"
        " last_seen_at, last_event_id, level, kind, title, events, users, replays) values"
        " (:project, cast(:issue as uuid), 1, now() - interval '9 days', cast(:issue as uuid),"
        " now(), cast(:issue as uuid), 'error', 'error', 'Boom', 1, 0, 0)",
        project=project.id, issue=issue,
    )  # fmt: skip
    add = (
        "insert into issue_hours values (:project, cast(:issue as uuid),"
        " date_trunc('hour', cast(:at as timestamptz)), :events)"
    )
    for hours in range(2, 30):
        at = now - timedelta(hours=hours)
        await run(database, add, project=project.id, issue=issue, at=at, events=2)
    assert await look(database) == []
    await run(database, add, project=project.id, issue=issue, at=now, events=200)
    [title] = await look(database)
    assert title.startswith("Shop: 200 errors in the last hour")
    assert len(await look(database)) == 1


async def test_admins_of_the_server_are_told_what_needs_them(database: Database, project: Keyed):
    """Quarantine, limits and processes that are gone."""
    for kind in (RuleKind.QUARANTINE, RuleKind.LIMITED, RuleKind.PROCESS, RuleKind.BACKLOG):
        await make_rule(database, None, kind)
    assert await look(database) == []
    await run(
        database,
        "insert into quarantine (project_id, received_at, item_types, reason, body)"
        " values (:project, now(), '{event}', 'x', '')",
        project=project.id,
    )
    await run(
        database,
        "insert into outcomes values (:project, :day, 'event', 'limited', 'rate', 7)",
        project=project.id,
        day=clock.now().date(),
    )
    assert sorted(await look(database)) == [
        "This server: 1 envelope in quarantine",
        "This server: Shop meets its limits",
    ]
    await run(database, "delete from quarantine")
    assert (await look(database))[2:] == ["This server: Quarantine is empty again"]


async def test_the_log_forgets_messages_after_a_month(database: Database, project: Keyed):
    """What waits stays, whatever its age."""
    rule = await make_rule(database, project.id, RuleKind.SILENCE)
    for state, days in (("sent", 31), ("sent", 29), ("waiting", 90)):
        await run(
            database,
            "insert into outbox_messages (key, batch, project_id, rule_id, kind, title, content,"
            " state, due_at, made_at, ended_at) values (gen_random_uuid(), gen_random_uuid(),"
            " :project, :rule, 'alert', :title, '{}', :state, now(), now(),"
            " case when :state = 'sent' then now() - cast(:age as interval) end)",
            project=project.id, rule=rule.id, state=state, title=f"{state} {days}",
            age=timedelta(days=days),
        )  # fmt: skip
    await look(database)
    async with database.reading() as connection:
        left = await outbox.list_messages(connection, project.id, before=None, limit=10)
    assert sorted(message.title for message in left) == ["sent 29", "waiting 90"]
