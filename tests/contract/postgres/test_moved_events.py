"""Events whose stacks become clear later: they move between issues, with all that counts them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from app.core.errors import ServiceUnavailable
from app.core.ids import IssueId, PersonId
from app.core.ticket_address import read_ticket_address
from app.db.engine import Database
from app.issues import status, tickets
from app.issues.model import ClearedEvent, NewEvent
from app.issues.regrouping import move_events, replaced_issues
from tests.contract.postgres.test_issues import (
    NOON,
    PROJECT,
    add_batch,
    empty_tables,
    make_event,
    read_all_tables,
    read_rows,
)

OBFUSCATED = [IssueId(f"{number:032x}") for number in (0xA1, 0xA2, 0xA3)]
CLEAR = [IssueId(f"{number:032x}") for number in (0x1, 0xA2, 0xF1)]
"""One of them is an obfuscated one at the same time, as after a build with other names."""


def clear_title(event: NewEvent) -> str:
    """Return the title that an event has with its clear stack."""
    return f"Clear: {event.event_id[-2:]}"


async def make_clear(database: Database, events: Sequence[tuple[NewEvent, IssueId]]) -> set[str]:
    """Write the clear columns of stored events; returns the ids of those that moved."""
    async with database.transaction() as connection:
        rows = await connection.execute(text("select event_id, day from events"))
        days = {row.event_id.hex: row.day for row in rows}
        cleared = [
            ClearedEvent(
                project_id=PROJECT,
                event_id=event.event_id,
                day=days[event.event_id],
                title=clear_title(event),
                culprit="com.example.Cart in pay",
                exception_type="Clear",
                exception_value=None,
                issue_ids=(issue_id,),
                symbolicated=b"packed",
            )
            for event, issue_id in events
            if event.event_id in days
        ]
        result = await move_events.write_cleared_events(connection, PROJECT, cleared)
    return {event.event_id for _, event in result.moved}


def as_sent_clear(event: NewEvent, issue_id: IssueId) -> NewEvent:
    """Return an event as it is stored if its files are here before it comes."""
    return replace(
        event,
        title=clear_title(event),
        culprit="com.example.Cart in pay",
        exception_type="Clear",
        exception_value=None,
        issue_ids=(issue_id,),
        symbolicated=b"packed",
    )


async def read_event_rows(database: Database) -> list[dict[str, Any]]:
    """Return the rows of events in the order of their ids."""
    rows = await read_rows(database, "events")
    return sorted(rows, key=lambda row: row["event_id"].hex)


async def resolve(database: Database, issue_id: IssueId, *, word: Any = "resolved") -> None:
    """Give an issue a status, an hour after noon."""
    async with database.transaction() as connection:
        at = NOON + timedelta(hours=1)
        await status.set_issue_status(connection, (PROJECT, issue_id), word, at=at)


async def find_successor(database: Database, issue_id: IssueId) -> IssueId | None:
    """Return the issue that the address of another one leads to."""
    async with database.reading() as connection:
        return await replaced_issues.find_successor(connection, (PROJECT, issue_id))


@pytest.mark.parametrize("seed", range(6))
async def test_order_of_event_and_file_makes_no_difference(database, seed):
    """Issues count the same whether events come clear or become clear later, in any order."""
    chance = random.Random(seed)
    sent = [make_event(number, issue_ids=(chance.choice(OBFUSCATED),)) for number in range(60)]
    clear = [(event, chance.choice(CLEAR)) for event in sent]
    await add_batch(database, *(as_sent_clear(event, issue_id) for event, issue_id in clear))
    expected = await read_all_tables(database)
    expected_events = await read_event_rows(database)
    await empty_tables(database)
    chance.shuffle(clear)
    late = chance.randrange(60)
    await add_batch(database, *(event for event, _ in clear[:late]))
    await add_batch(database, *(as_sent_clear(event, issue) for event, issue in clear[late:]))
    while late > 0:
        size = chance.randint(1, 20)
        # Some of them again, as after a crash.
        await make_clear(database, clear[max(0, late - size - 3) : late])
        late -= size
    assert await read_all_tables(database) == expected
    assert await read_event_rows(database) == expected_events


async def test_replaced_issue_hands_on_its_status_and_its_address(database):
    """The issue that takes all events of a resolved one is resolved, and stands at its address."""
    events = [make_event(number) for number in range(4)]
    await add_batch(database, *events)
    old = events[0].issue_ids[0]
    await resolve(database, old)
    await make_clear(database, [(event, CLEAR[0]) for event in events])
    (issue,) = await read_rows(database, "issues")
    assert (issue["issue_id"].hex, issue["events"], issue["status"]) == (CLEAR[0], 4, "resolved")
    assert issue["resolved_release"] == "shop@1.2"
    assert not issue["is_regressed"]
    assert await find_successor(database, old) == CLEAR[0]
    assert await find_successor(database, CLEAR[0]) is None


async def test_replaced_issue_hands_on_its_tickets(database):
    """A ticket that people keep with an issue is found with the one that replaces it."""
    events = [make_event(number) for number in range(2)]
    await add_batch(database, *events)
    old = (PROJECT, events[0].issue_ids[0])
    address = read_ticket_address("https://github.com/acme/shop/issues/12")
    async with database.transaction() as connection:
        assert await tickets.add_issue_ticket(connection, old, address, person_id=PersonId(1))
    await make_clear(database, [(event, CLEAR[0]) for event in events])
    async with database.transaction() as connection:
        assert await tickets.list_issue_tickets(connection, old) == []
        (kept,) = await tickets.list_issue_tickets(connection, (PROJECT, CLEAR[0]))
        assert kept.address == address
        await tickets.remove_issue_ticket(connection, (PROJECT, CLEAR[0]), kept.id)


@pytest.mark.parametrize("word", ["ignored", "resolved"])
async def test_half_of_an_issue_takes_its_status_along(database, word):
    """While some events stay, those that move are as resolved or ignored as before."""
    events = [make_event(number) for number in range(4)]
    await add_batch(database, *events)
    await resolve(database, events[0].issue_ids[0], word=word)
    await make_clear(database, [(event, CLEAR[0]) for event in events[:2]])
    issues = await read_rows(database, "issues")
    assert {issue["events"] for issue in issues} == {2}
    assert {issue["status"] for issue in issues} == {word}
    assert await find_successor(database, events[0].issue_ids[0]) == CLEAR[0]


async def test_nothing_is_regressed_by_it(database):
    """Events of a later release that move into a resolved issue do not bring it back."""
    resolved = as_sent_clear(make_event(0, release="shop@1.0"), CLEAR[0])
    late = make_event(50, release="shop@9.0", at=NOON + timedelta(hours=5))
    await add_batch(database, resolved, late)
    await resolve(database, CLEAR[0])
    await make_clear(database, [(late, CLEAR[0])])
    (issue,) = await read_rows(database, "issues")
    assert (issue["events"], issue["status"], issue["is_regressed"]) == (2, "resolved", False)


@pytest.mark.parametrize(("release", "expected"), [("shop@1.2", "resolved"), ("shop@2.0", "open")])
async def test_issue_that_is_here_takes_a_status_only_if_it_fits(database, release, expected):
    """An open issue with events of a later release is not resolved by older events that join it."""
    events = [make_event(number) for number in range(3)]
    newer = as_sent_clear(make_event(40, release=release), CLEAR[0])
    await add_batch(database, *events)
    await resolve(database, events[0].issue_ids[0])
    await add_batch(database, newer)
    await make_clear(database, [(event, CLEAR[0]) for event in events])
    (issue,) = await read_rows(database, "issues")
    assert (issue["events"], issue["status"], issue["is_regressed"]) == (4, expected, False)


async def test_decision_about_an_issue_stands(database):
    """An issue that somebody ignored stays ignored when a resolved one joins it."""
    events = [make_event(0), as_sent_clear(make_event(1), CLEAR[0])]
    await add_batch(database, *events)
    await resolve(database, events[0].issue_ids[0])
    await resolve(database, CLEAR[0], word="ignored")
    await make_clear(database, [(events[0], CLEAR[0])])
    (issue,) = await read_rows(database, "issues")
    assert (issue["status"], issue["events"]) == ("ignored", 2)


async def test_counts_of_expired_events_go_along(database):
    """An issue counts what it ever had; so does the one that replaces it."""
    events = [make_event(number) for number in range(40)]
    await add_batch(database, *events)
    (before,) = await read_rows(database, "issues")
    async with database.transaction() as connection:
        await connection.execute(
            text("delete from events where event_id = any(cast(:ids as uuid[]))"),
            {"ids": [event.event_id for event in events[:25]]},
        )
    await make_clear(database, [(event, CLEAR[0]) for event in events[25:]])
    (issue,) = await read_rows(database, "issues")
    kept = ("events", "users", "replays", "first_seen_at", "first_event_id", "last_seen_at")
    assert {name: issue[name] for name in kept} == {name: before[name] for name in kept}
    assert sum(row["events"] for row in await read_rows(database, "issue_hours")) == 40


async def test_address_leads_over_several_replacements(database):
    """An issue that was replaced by one that was replaced leads to the last."""
    events = [make_event(number) for number in range(3)]
    await add_batch(database, *events)
    old = events[0].issue_ids[0]
    await make_clear(database, [(event, CLEAR[0]) for event in events])
    await make_clear(database, [(event, CLEAR[2]) for event in events])
    assert await find_successor(database, old) == CLEAR[2]
    assert await find_successor(database, CLEAR[0]) == CLEAR[2]
    await make_clear(database, [(event, old) for event in events])
    assert await find_successor(database, CLEAR[2]) == old


async def test_issue_that_splits_leads_to_its_larger_half(database):
    """The issue that took most of the events stands for one that is gone."""
    events = [make_event(number) for number in range(5)]
    await add_batch(database, *events)
    await make_clear(database, [(event, CLEAR[2]) for event in events[:2]])
    await make_clear(database, [(event, CLEAR[0]) for event in events[2:]])
    assert await find_successor(database, events[0].issue_ids[0]) == CLEAR[0]


async def test_new_title_is_that_of_the_issue(database):
    """An event that stays in its issue, and is its last one, gives it the clear title."""
    events = [make_event(number) for number in range(3)]
    await add_batch(database, *events)
    same = events[0].issue_ids[0]
    assert await make_clear(database, [(event, same) for event in events]) == set()
    (issue,) = await read_rows(database, "issues")
    assert (issue["title"], issue["culprit"]) == (clear_title(events[2]), "com.example.Cart in pay")
    assert issue["events"] == 3
    assert await read_rows(database, "issue_moves") == []


async def test_deleted_events_are_left_out(database):
    """Events that are gone by then are not counted, and make no issue."""
    events = [make_event(number) for number in range(2)]
    await add_batch(database, events[0])
    cleared = ClearedEvent(
        project_id=PROJECT,
        event_id=events[1].event_id,
        day=NOON.date(),
        title="T",
        culprit=None,
        exception_type=None,
        exception_value=None,
        issue_ids=(CLEAR[0],),
        symbolicated=None,
    )
    async with database.transaction() as connection:
        result = await move_events.write_cleared_events(connection, PROJECT, [cleared])
    assert result.written == set()
    (issue,) = await read_rows(database, "issues")
    assert issue["issue_id"].hex == events[0].issue_ids[0]


async def test_digest_and_moves_at_once_lose_no_count(database):
    """While new events come and others move between the same issues, all counts stay right."""
    chance = random.Random(7)
    sent = [make_event(number, issue_ids=(chance.choice(OBFUSCATED),)) for number in range(80)]
    clear = [(event, chance.choice(CLEAR)) for event in sent]
    stored: list[tuple[NewEvent, IssueId]] = []

    async def digest() -> None:
        for first in range(0, 80, 4):
            part = clear[first : first + 4]
            await until_it_works(partial(add_batch, database, *(each for each, _ in part)))
            stored.extend(part)

    async def move() -> None:
        while len(stored) < 80:
            await asyncio.sleep(0)
            some = chance.sample(stored, min(len(stored), 6))
            await until_it_works(partial(make_clear, database, some))

    await asyncio.gather(digest(), move(), move())
    await make_clear(database, clear)
    ended = await read_all_tables(database)
    await empty_tables(database)
    await add_batch(database, *(as_sent_clear(event, issue_id) for event, issue_id in clear))
    assert ended == await read_all_tables(database)


async def until_it_works(step: Callable[[], Awaitable[Any]]) -> None:
    """Repeat a step that Postgres ended because two transactions waited for each other."""
    while True:
        try:
            await step()
        except ServiceUnavailable:
            continue
        return
