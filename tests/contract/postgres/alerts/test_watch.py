"""Rules that look at the time: what begins is told once, and so is its end."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.alerts.composing.compose import MessageComposer
from app.alerts.model import AlertRule, AlertRuleSettings, RuleKind, TargetKind
from app.alerts.watch.server import ServerWatcher
from app.alerts.watch.watcher import AlertWatcher
from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages import outbox
from tests.support.builders.alerts import ADDRESSES, add_rule, add_target
from tests.support.servers.server import Keyed, keyed

AT_ONCE = AlertRuleSettings(collect_min=0)


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
    await MessageComposer(database, ADDRESSES).compose_due()
    async with database.reading() as connection:
        rows = await connection.scalars(text("select title from outbox_messages order by id"))
        return list(rows)


async def make_rule(
    database: Database,
    project_id: ProjectId | None,
    kind: RuleKind,
    settings: AlertRuleSettings = AT_ONCE,
) -> AlertRule:
    """Add a rule that tells a webhook."""
    target = await add_target(database, project_id, "https://hook.example/x", TargetKind.WEBHOOK)
    return await add_rule(database, project_id, kind, target, settings=settings)


async def run(database: Database, statement: str, **values: object) -> None:
    """Change the database as the rest of the product would."""
    async with database.transaction() as connection:
        await connection.execute(text(statement), values)


async def add_issue(
    database: Database, project_id: ProjectId, issue_id: str, *, status: str = "open"
) -> None:
    """Add an issue that has been here for long, and that has happened now."""
    await run(
        database,
        "insert into issues (project_id, issue_id, grouping_version, first_seen_at, first_event_id,"
        " last_seen_at, last_event_id, level, kind, title, events, users, replays, status) values"
        " (:project, cast(:issue as uuid), 1, now() - interval '9 days', cast(:issue as uuid),"
        " now(), cast(:issue as uuid), 'error', 'error', :title, 1, 0, 0, :status)",
        project=project_id, issue=issue_id, title=f"Issue {issue_id[-1]}", status=status,
    )  # fmt: skip


async def add_events(
    database: Database, project_id: ProjectId, issue_id: str, events: dict[int, int]
) -> None:
    """Let an issue have happened: how often, by how many hours ago."""
    for hours, quantity in events.items():
        await run(
            database,
            "insert into issue_hours values (:project, cast(:issue as uuid),"
            " date_trunc('hour', cast(:at as timestamptz)), :events)",
            project=project_id, issue=issue_id, events=quantity,
            at=clock.now() - timedelta(hours=hours),
        )  # fmt: skip


async def set_events(
    database: Database, project_id: ProjectId, issue_id: str, quantity: int
) -> None:
    """Set how often an issue has happened in its last hour."""
    await run(
        database,
        "update issue_hours set events = :events where project_id = :project"
        " and issue_id = cast(:issue as uuid) and hour > now() - interval '90 min'",
        project=project_id, issue=issue_id, events=quantity,
    )  # fmt: skip


async def test_silence_is_told_when_it_begins_and_when_it_ends(database: Database, project: Keyed):
    """A project that never got anything is not silent; one that stops getting something is."""
    settings = AlertRuleSettings(collect_min=0, silent_min=30)
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
    settings = AlertRuleSettings(collect_min=0, least_events=20)
    await make_rule(database, project.id, RuleKind.SPIKE, settings)
    issue = "a" * 32
    await add_issue(database, project.id, issue)
    await add_events(database, project.id, issue, dict.fromkeys(range(2, 30), 2))
    assert await look(database) == []
    await add_events(database, project.id, issue, {0: 200})
    [title] = await look(database)
    assert title.startswith("Shop: 200 errors in the last hour")
    assert len(await look(database)) == 1


async def test_an_issue_that_rises_far_above_its_own_hours_is_told(
    database: Database, project: Keyed
):
    """Others that are as busy as ever, rare or ignored are not; the end is told as well."""
    settings = AlertRuleSettings(collect_min=0, least_events=20)
    await make_rule(database, project.id, RuleKind.ISSUE_SPIKE, settings)
    busy, rising, rare, ignored, new = (f"{number:032x}" for number in range(1, 6))
    for issue in (busy, rising, rare):
        await add_issue(database, project.id, issue)
    await add_issue(database, project.id, ignored, status="ignored")
    await add_events(database, project.id, busy, dict.fromkeys(range(30), 300))
    await add_events(database, project.id, rising, dict.fromkeys(range(2, 30), 10))
    await add_events(database, project.id, rare, {0: 19})
    await add_events(database, project.id, ignored, {0: 500})
    assert await look(database) == []
    await add_events(database, project.id, rising, {0: 40})
    assert await look(database) == ["Shop: Spike of an issue: Issue 2"]
    async with database.reading() as connection:
        content = await connection.scalar(text("select content from outbox_messages"))
        subjects = list(await connection.scalars(text("select subject_id from message_subjects")))
    [item] = content["items"]
    assert item["facts"][:2] == [["Last hour", "40"], ["Usual", "10"]]
    assert item["why"].startswith("10 an hour are usual at this time, and 3 times as many")
    assert item["url"] == f"https://replays.example.com/projects/{project.id}/issues/{rising}"
    assert rising in {subject.hex for subject in subjects}
    await add_issue(database, project.id, new)
    await add_events(database, project.id, new, {0: 25})
    await set_events(database, project.id, rising, 24)
    assert (await look(database))[1:] == ["Shop: Spike of an issue: Issue 5"], "it goes on"
    await set_events(database, project.id, rising, 11)
    await run(database, "update issues set status = 'ignored' where title = 'Issue 5'")
    assert (await look(database))[2:] == ["Shop: Spike is over: Issue 2"]
    async with database.reading() as connection:
        contents = await connection.scalars(text("select content from outbox_messages order by id"))
        ends = [content["items"][0]["is_over"] for content in contents]
    assert ends == [False, False, True]
    assert len(await look(database)) == 3


@pytest.mark.parametrize("is_held", [True, False])
async def test_a_spike_goes_on_in_the_issue_that_replaced_its_own(
    database: Database, project: Keyed, *, is_held: bool
):
    """An issue that becomes readable is no other spike."""
    settings = AlertRuleSettings(collect_min=0, least_events=20)
    await make_rule(database, project.id, RuleKind.ISSUE_SPIKE, settings)
    before, after, old = (f"{number:032x}" for number in range(1, 4))
    await add_issue(database, project.id, old)
    for issue in (before, after) if is_held else (before,):
        await add_issue(database, project.id, issue)
        await add_events(database, project.id, issue, {0: 50})
    count = len(await look(database))
    if not is_held:
        await add_issue(database, project.id, after)
        await add_events(database, project.id, after, {0: 50})
    await run(
        database,
        "insert into issue_moves (project_id, issue_id, target_id, events)"
        " values (:project, cast(:before as uuid), cast(:after as uuid), 50)",
        project=project.id, before=before, after=after,
    )  # fmt: skip
    for table in ("issues", "issue_hours"):
        await run(database, f"delete from {table} where issue_id = cast(:id as uuid)", id=before)
    assert len(await look(database)) == count
    async with database.reading() as connection:
        held = await connection.scalars(text("select issue_id from alert_conditions"))
        assert [row.hex for row in held] == [after]


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
    """Sent messages are deleted after a month; waiting ones stay, whatever their age."""
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
