"""Alerts about events whose stacks become clear before somebody is told of them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.alerts import judge
from app.alerts.composing.compose import MessageComposer
from app.alerts.composing.describe import FindingDescriber
from app.alerts.current_issue import find_current_issue
from app.alerts.judge import judge_signals
from app.alerts.model import RuleKind
from app.core import clock
from app.core.ids import IssueId, ProjectId
from app.db.engine import Database
from app.erasure.issue import erase_issue
from app.issues.model import ClearedEvent, NewEvent
from app.issues.regrouping import move_events
from app.messages import signals
from app.messages.erase import erase_from_messages, follow_moved_events
from app.messages.model import AlertSignal, SignalKind
from tests.contract.postgres.test_issues import add_batch, make_event
from tests.support.builders.alerts import ADDRESSES, add_rule, add_target
from tests.support.builders.people import make_person
from tests.support.servers.server import keyed

OBFUSCATED = IssueId("a1" * 16)
CLEAR = IssueId("c1" * 16)


@pytest.fixture
async def project_id(database: Database) -> ProjectId:
    """A project."""
    return (await keyed(database, "Shop")).id


def crash(project_id: ProjectId, number: int, issue_id: IssueId) -> NewEvent:
    """Make a crash."""
    return make_event(
        number, project_id=project_id, issue_ids=(issue_id,), level="fatal", release="shop@1"
    )


async def note(database: Database, kind: SignalKind, event: NewEvent) -> None:
    """Note what digest notes of an event."""
    issue_id = None if kind is SignalKind.CRASH else event.issue_ids[0]
    async with database.transaction() as connection:
        new = [AlertSignal(event.project_id, kind, issue_id, event.event_id, release=event.release)]
        await signals.add_signals(connection, new)


async def make_clear(database: Database, event: NewEvent) -> None:
    """Let an event move into the issue of its clear stack."""
    async with database.transaction() as connection:
        day = await connection.scalar(
            text("select day from events where event_id = :id"), {"id": event.event_id}
        )
        assert day is not None
        cleared = ClearedEvent(
            project_id=event.project_id,
            event_id=event.event_id,
            day=day,
            title="Clear",
            culprit=None,
            exception_type="Clear",
            exception_value=None,
            issue_ids=(CLEAR,),
            symbolicated=b"packed",
        )
        moved = await move_events.write_cleared_events(connection, event.project_id, [cleared])
        await follow_moved_events(connection, event.project_id, moved.issues, moved.replaced)


async def read_messages(database: Database) -> list[Any]:
    """Compose what is due; return the items of all messages."""
    await MessageComposer(database, ADDRESSES).compose_due()
    async with database.reading() as connection:
        rows = await connection.scalars(text("select content from outbox_messages order by id"))
        return [item for content in rows for item in content["items"]]


@pytest.mark.parametrize("is_judged_first", [True, False])
@pytest.mark.parametrize(
    ("rule", "signal"),
    [(RuleKind.NEW_ISSUE, SignalKind.NEW_ISSUE), (RuleKind.FIRST_CRASH, SignalKind.CRASH)],
)
@pytest.mark.parametrize("is_known", [True, False])
async def test_a_crash_is_told_by_its_clear_issue(
    database: Database,
    project_id: ProjectId,
    rule: RuleKind,
    signal: SignalKind,
    *,
    is_judged_first: bool,
    is_known: bool,
):
    """Whenever it moves it is told, but not as new if the clear issue was here before."""
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, rule, target)
    if is_known:
        await add_batch(database, crash(project_id, 0, CLEAR))
    event = crash(project_id, 5, OBFUSCATED)
    await add_batch(database, event)
    await note(database, signal, event)
    if is_judged_first:
        await judge_signals(database)
    await make_clear(database, event)
    # One that comes later does not make the issue an old one.
    await add_batch(database, crash(project_id, 9, CLEAR))
    await judge_signals(database)
    await make_due(database)
    items = await read_messages(database)
    if is_known and rule is RuleKind.NEW_ISSUE:
        assert items == []
    else:
        assert [item["ids"]["issue_id"] for item in items] == [CLEAR]
        assert items[0]["ids"]["event_id"] == event.event_id


async def test_what_was_judged_is_told_when_only_the_issue_is_left(
    database: Database, project_id: ProjectId
):
    """An event that has expired since leaves the issue that took its place."""
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, RuleKind.NEW_ISSUE, target)
    event = crash(project_id, 5, OBFUSCATED)
    await add_batch(database, event)
    await note(database, SignalKind.NEW_ISSUE, event)
    await judge_signals(database)
    await make_clear(database, event)
    async with database.transaction() as connection:
        await connection.execute(text("delete from events"))
    await make_due(database)
    assert [item["ids"]["issue_id"] for item in await read_messages(database)] == [CLEAR]


async def make_due(database: Database) -> None:
    """Let everything that was found be due."""
    async with database.transaction() as connection:
        await connection.execute(
            text("update alert_findings set due_at = now() - cast(:late as interval)"),
            {"late": timedelta(seconds=1)},
        )


async def test_only_the_signal_that_cannot_be_judged_is_dropped(
    database: Database, project_id: ProjectId, monkeypatch: pytest.MonkeyPatch
):
    """One that fails goes, whatever it did to its transaction, and the others are judged."""
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, RuleKind.NEW_ISSUE, target)
    events = [crash(project_id, number, IssueId(f"{number + 1:032x}")) for number in range(3)]
    await add_batch(database, *events)
    for event in events:
        await note(database, SignalKind.NEW_ISSUE, event)
    real = find_current_issue

    async def failing(connection: Any, *arguments: Any) -> Any:
        if arguments[2] == events[1].event_id:
            await connection.execute(text("select 1 / 0"))
        return await real(connection, *arguments)

    monkeypatch.setattr(judge, "find_current_issue", failing)
    assert await judge_signals(database) == 3
    async with database.reading() as connection:
        event_ids = await connection.scalars(
            text("select event_id from alert_findings order by id")
        )
        assert [row.hex for row in event_ids] == [events[0].event_id, events[2].event_id]
        assert await connection.scalar(text("select count(*) from signals")) == 0


async def read_outbox(database: Database) -> list[tuple[str, str, bool]]:
    """Return title, state and whether there is a content, of all messages."""
    async with database.reading() as connection:
        query = "select title, state, content is not null as is_here from outbox_messages"
        rows = await connection.execute(text(f"{query} order by id"))
        return [(row.title, row.state, row.is_here) for row in rows]


@pytest.mark.parametrize("is_expired", [True, False])
async def test_an_erased_issue_is_found_in_messages_about_an_earlier_one(
    database: Database, project_id: ProjectId, *, is_expired: bool
):
    """A message follows its event, and without the event the issue that took the place of its own.

    The clear issue is deleted by a person, who has seen no other one. A message that has left is
    counted once.
    """
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, RuleKind.NEW_ISSUE, target)
    event, other = crash(project_id, 5, OBFUSCATED), crash(project_id, 6, OBFUSCATED)
    await add_batch(database, event, other)
    await note(database, SignalKind.NEW_ISSUE, event)
    await judge_signals(database)
    await make_due(database)
    await read_messages(database)
    if is_expired:
        async with database.transaction() as connection:
            await connection.execute(
                text("delete from events where event_id = :id"), {"id": event.event_id}
            )
        await make_clear(database, other)
    else:
        await make_clear(database, event)
    person = await make_person(database)
    async with database.transaction() as connection:
        # One whose target was removed after a try has no content any more, but a title.
        state = "sent', content = content" if is_expired else "cancelled', content = null"
        await connection.execute(text(f"update outbox_messages set tries = 1, state = '{state}"))
    await erase_issue(database, (project_id, CLEAR), person_id=person.id, at=clock.now())
    state = "sent" if is_expired else "cancelled"
    assert await read_outbox(database) == [("Erased", state, False)]
    async with database.transaction() as connection:
        counted = await connection.scalar(
            text("select detail ->> 'messages' from audit_lines where action = 'issue_deleted'")
        )
        assert counted == "1"
        assert await erase_from_messages(connection, project_id, [event.event_id]) == 0


async def test_an_issue_that_is_erased_while_a_message_is_written_is_not_told(
    database: Database, project_id: ProjectId, monkeypatch: pytest.MonkeyPatch
):
    """A message that was read before an erasure does not leave after it."""
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, RuleKind.NEW_ISSUE, target)
    event = crash(project_id, 5, OBFUSCATED)
    await add_batch(database, event)
    await note(database, SignalKind.NEW_ISSUE, event)
    await judge_signals(database)
    await make_due(database)
    person = await make_person(database)
    real = FindingDescriber.describe

    async def erase_meanwhile(*arguments: Any) -> Any:
        item = await real(*arguments)
        if item is not None:
            await erase_issue(
                database, (project_id, OBFUSCATED), person_id=person.id, at=clock.now()
            )
        return item

    monkeypatch.setattr(FindingDescriber, "describe", erase_meanwhile)
    assert await read_messages(database) == []
    assert await read_messages(database) == []
    assert await read_outbox(database) == []


async def test_an_event_that_moves_while_a_message_is_written_names_both_issues(
    database: Database, project_id: ProjectId, monkeypatch: pytest.MonkeyPatch
):
    """The message says what was read, and is found by the issue that the event has now."""
    target = await add_target(database, project_id, "https://hook.example")
    await add_rule(database, project_id, RuleKind.NEW_ISSUE, target)
    event, other = crash(project_id, 5, OBFUSCATED), crash(project_id, 6, OBFUSCATED)
    await add_batch(database, event, other)
    await note(database, SignalKind.NEW_ISSUE, event)
    await judge_signals(database)
    await make_due(database)
    real = FindingDescriber.describe

    async def move_meanwhile(*arguments: Any) -> Any:
        item = await real(*arguments)
        await make_clear(database, event)
        return item

    monkeypatch.setattr(FindingDescriber, "describe", move_meanwhile)
    assert len(await read_messages(database)) == 1
    async with database.reading() as connection:
        named = await connection.scalars(text("select subject_id from message_subjects"))
        assert {row.hex for row in named} == {OBFUSCATED, CLEAR, event.event_id}
