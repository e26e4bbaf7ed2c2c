"""Messages are made of findings when their rule allows: limits, quiet times, summaries."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.alerts.composing.compose import MessageComposer
from app.alerts.model import AlertRuleSettings, RuleKind, TellWhen
from app.core import clock
from app.core.ids import ProjectId
from app.db.engine import Database
from app.messages import outbox
from app.messages.model import LoggedMessage
from tests.support.builders.alerts import (
    ADDRESSES,
    AT_ONCE,
    add_finding,
    add_rule,
    add_target,
    make_sender,
)
from tests.support.servers.receivers import serving_webhook
from tests.support.servers.server import keyed


@pytest.fixture
async def project_id(database: Database) -> ProjectId:
    """A project."""
    return (await keyed(database, "Shop")).id


async def compose(database: Database) -> int:
    """Make the messages that are due."""
    return await MessageComposer(database, ADDRESSES).compose_due()


async def read_log(database: Database, project_id: ProjectId) -> list[LoggedMessage]:
    """Return the messages of a project, the oldest first."""
    async with database.reading() as connection:
        log = await outbox.list_messages(connection, project_id, before=None, limit=1_000)
    return log[::-1]


async def test_beyond_its_limit_a_rule_collects(database: Database, project_id: ProjectId):
    """Nothing is lost: what may not be sent in this hour comes together in the next."""
    async with serving_webhook() as receiver:
        target = await add_target(database, project_id, receiver.url)
        settings = AlertRuleSettings(collect_min=0, hourly=2)
        rule = await add_rule(database, project_id, RuleKind.SPIKE, target, settings=settings)
        for number in range(2):
            await add_finding(database, rule, f"spike {number}")
            assert await compose(database) == 1
        for number in range(15):
            await add_finding(database, rule, f"late {number}")
        assert await compose(database) == 0
        async with database.transaction() as connection:
            await connection.execute(
                text("update outbox_messages set made_at = made_at - interval '61 min'")
            )
            await connection.execute(text("update alert_findings set due_at = now()"))
        assert await compose(database) == 1
        await make_sender(database).work()
        data = receiver.requests[-1].json()["data"]
        assert len(data["items"]) == 10
        assert data["more"] == 5
        assert "15 spikes of errors" in data["headline"]


async def test_in_quiet_times_a_rule_waits(database: Database, project_id: ProjectId):
    """Findings of the night become one message in the morning."""
    now = clock.now()
    settings = AlertRuleSettings(
        collect_min=0,
        quiet_from=f"{now - timedelta(hours=1):%H:%M}",
        quiet_until=f"{now + timedelta(hours=1):%H:%M}",
    )
    target = await add_target(database, project_id, "https://hook.example")
    rule = await add_rule(database, project_id, RuleKind.SPIKE, target, settings=settings)
    await add_finding(database, rule, "spike")
    assert await compose(database) == 0
    async with database.reading() as connection:
        due_at = await connection.scalar(text("select due_at from alert_findings"))
    assert due_at is not None
    assert due_at > now + timedelta(minutes=58)


async def test_a_rule_that_is_off_or_without_targets_drops_what_it_found(
    database: Database, project_id: ProjectId
):
    """Nothing waits for ever, and nothing comes late when it is switched on again."""
    rule = await add_rule(database, project_id, RuleKind.SPIKE)
    await add_finding(database, rule, "spike")
    assert await compose(database) == 0
    async with database.reading() as connection:
        assert await connection.scalar(text("select count(*) from alert_findings")) == 0


async def test_a_daily_summary_says_so(database: Database, project_id: ProjectId):
    """Everything of a day is one message, quiet time or not."""
    settings = AlertRuleSettings(tell=TellWhen.DAILY, quiet_from="00:00", quiet_until="23:59")
    target = await add_target(database, project_id, "https://hook.example")
    rule = await add_rule(database, project_id, RuleKind.SPIKE, target, settings=settings)
    for number in range(3):
        await add_finding(database, rule, f"spike {number}")
    assert await compose(database) == 1
    [message] = await read_log(database, project_id)
    assert message.title == "Shop: 3 in today's summary, spikes of errors"


async def test_several_composers_make_each_message_once(database: Database, project_id: ProjectId):
    """Only one of all processes makes the message of a finding."""
    target = await add_target(database, project_id, "https://hook.example")
    rule = await add_rule(database, project_id, RuleKind.SPIKE, target, settings=AT_ONCE)
    await add_finding(database, rule, "spike")
    counts = await asyncio.gather(*(compose(database) for _ in range(6)))
    assert sum(counts) == 1
