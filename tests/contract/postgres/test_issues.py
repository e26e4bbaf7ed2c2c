"""Tests of issues in Postgres: events count once in any order, and resolved issues come back."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import select, text

from app.core.days import BatchDays
from app.core.errors import NotFound
from app.core.ids import EventId, IssueId, ProjectId, ReplayId, TraceId
from app.db.engine import Database
from app.db.partitions import days
from app.formats.stored import packed_json
from app.issues import status, writes
from app.issues.counts import counting
from app.issues.grouping import rules
from app.issues.model import NewEvent
from app.issues.regrouping import backfill
from app.issues.tables import events
from tests.support.builders import payloads
from tests.support.shuffling import cut_into_batches

PROJECT: Final = ProjectId(7)
ISSUE: Final = IssueId("a" * 32)
OLDER: Final = IssueId("b" * 32)
NOON: Final = datetime(2026, 8, 6, 12, tzinfo=UTC)
TABLES: Final = ("issues", "issue_hours", "issue_users", "issue_replays", "issue_releases")


def make_event(number: int, **changes: Any) -> NewEvent:
    """Make an event that happened `number` minutes after noon."""
    at = NOON + timedelta(minutes=number)
    values: dict[str, Any] = {
        "project_id": PROJECT,
        "event_id": EventId(f"{number + 1:032x}"),
        "received_at": at + timedelta(seconds=2),
        "at": at,
        "drift_ms": 0,
        "level": "error",
        "kind": "error",
        "title": f"T: {number}",
        "culprit": None,
        "exception_type": "T",
        "exception_value": str(number),
        "handled": True,
        "mechanism": None,
        "platform": "java",
        "release": f"shop@1.{number % 3}",
        "environment": "production",
        "sdk_name": "sentry.java.android",
        "user": {"id": f"u-{number % 4}"},
        "trace_id": TraceId(uuid.uuid4().hex),
        "span_id": None,
        "replay_id": ReplayId(f"{number // 2 + 1:032x}"),
        "payload": packed_json.pack_json(payloads.event()),
        "issue_ids": (ISSUE,),
    }
    return NewEvent(**{**values, **changes})


async def add_batch(database: Database, *new_events: NewEvent) -> None:
    """Store events as one batch."""
    async with database.transaction() as connection:
        today = BatchDays(await days.read_today(connection))
        await writes.add_events(connection, new_events, today)


async def read_rows(database: Database, table: str) -> list[dict[str, Any]]:
    """Return all rows of a table."""
    async with database.reading() as connection:
        result = await connection.execute(text(f"select * from {table} order by 1, 2, 3"))
        return [dict(row) for row in result.mappings()]


async def read_only_issue(database: Database) -> dict[str, Any]:
    """Return the only issue."""
    (issue,) = await read_rows(database, "issues")
    return issue


async def read_all_tables(database: Database) -> list[list[dict[str, Any]]]:
    """Return the rows of all tables of issues."""
    return [await read_rows(database, table) for table in TABLES]


async def empty_tables(database: Database) -> None:
    """Empty the tables of events and issues."""
    async with database.transaction() as connection:
        await connection.execute(text(f"truncate events, {', '.join(TABLES)}"))


async def test_an_issue_counts_its_events(database):
    """An issue has its first and last event, and counts its events, users and replays."""
    await add_batch(database, *(make_event(number) for number in range(90)))
    issue = await read_only_issue(database)
    assert (issue["events"], issue["users"], issue["replays"]) == (90, 4, 45)
    assert (issue["first_seen_at"], issue["last_seen_at"]) == (NOON, NOON + timedelta(minutes=89))
    assert (issue["first_release"], issue["last_release"]) == ("shop@1.0", "shop@1.2")
    assert (issue["title"], issue["status"], issue["is_regressed"]) == ("T: 89", "open", False)
    assert issue["grouping_version"] == rules.GROUPING_VERSION
    hours = await read_rows(database, "issue_hours")
    assert [(row["hour"], row["events"]) for row in hours] == [
        (NOON, 60),
        (NOON + timedelta(hours=1), 30),
    ]
    releases = await read_rows(database, "issue_releases")
    assert [row["release"] for row in releases] == ["shop@1.0", "shop@1.1", "shop@1.2"]


async def test_order_and_repetition_change_nothing(database):
    """An issue is the same, however events are batched and whatever is sent twice."""
    new_events = [make_event(number) for number in range(40)]
    await add_batch(database, *new_events)
    expected = await read_all_tables(database)
    for seed in range(3):
        await empty_tables(database)
        for batch in cut_into_batches(new_events, random.Random(seed), again=8, most=7):
            await add_batch(database, *batch)
        assert await read_all_tables(database) == expected


async def test_issues_of_two_projects_are_separate(database):
    """The same problem in two projects is two issues, and one user counts in each."""
    await add_batch(database, make_event(1), make_event(1, project_id=ProjectId(8)))
    issues = await read_rows(database, "issues")
    assert [(row["project_id"], row["events"]) for row in issues] == [(7, 1), (8, 1)]


async def test_an_impossible_time_becomes_the_time_of_arrival(database):
    """Times in the future or of 1970 become the time of arrival; a known drift is corrected."""
    received = NOON
    for number, (at, drift_ms, expected) in enumerate(
        (
            (NOON + timedelta(days=1), 0, received),
            (datetime(1970, 1, 1, tzinfo=UTC), 0, received),
            (NOON - timedelta(hours=3), 7_200_000, NOON - timedelta(hours=1)),
        )
    ):
        event = make_event(number, at=at, received_at=received, drift_ms=drift_ms)
        assert counting.find_seen_at(event) == expected


async def test_an_event_without_user_replay_and_release_counts(database):
    """A message of a backend, which has none of them, counts too."""
    await add_batch(database, make_event(1, user={}, replay_id=None, release=None))
    issue = await read_only_issue(database)
    assert (issue["events"], issue["users"], issue["replays"]) == (1, 0, 0)
    assert await read_rows(database, "issue_releases") == []


@pytest.mark.parametrize(
    ("release", "minutes", "is_back"),
    [
        ("shop@1.1", 5, True),
        ("shop@1.0", 5, False),
        ("shop@0.9", 5, False),
        ("3f2a91bc", 5, True),
        ("3f2a91bc", -5, False),
        (None, 5, True),
        (None, -5, False),
    ],
)
async def test_a_resolved_issue_comes_back_in_a_later_release(database, release, minutes, is_back):
    """The order of releases decides, or else whether the event happened after the resolution."""
    await add_batch(database, make_event(0))
    async with database.transaction() as connection:
        resolved_at = NOON + timedelta(minutes=30)
        await status.set_issue_status(connection, (PROJECT, ISSUE), "resolved", at=resolved_at)
    await add_batch(database, make_event(30 + minutes, release=release))
    issue = await read_only_issue(database)
    assert issue["status"] == ("open" if is_back else "resolved")
    assert issue["is_regressed"] is is_back
    assert issue["resolved_release"] == "shop@1.0"


async def test_an_issue_is_resolved_in_the_latest_of_its_releases(database):
    """The release of its last event does not count, since an old version may have sent it."""
    await add_batch(database, make_event(1, release="shop@1.10"), make_event(2, release="shop@1.9"))
    async with database.transaction() as connection:
        await status.set_issue_status(connection, (PROJECT, ISSUE), "resolved", at=NOON)
    assert (await read_only_issue(database))["resolved_release"] == "shop@1.10"


async def test_an_ignored_issue_stays_ignored(database):
    """An ignored issue keeps counting without coming back, and is no longer resolved."""
    await add_batch(database, make_event(0))
    for word in ("resolved", "ignored"):
        async with database.transaction() as connection:
            await status.set_issue_status(connection, (PROJECT, ISSUE), word, at=NOON)
    await add_batch(database, make_event(9, release="shop@9.0"))
    issue = await read_only_issue(database)
    assert (issue["status"], issue["events"], issue["resolved_release"]) == ("ignored", 2, None)


async def test_an_unknown_issue_cannot_be_resolved(database):
    """An issue that does not exist cannot be resolved."""
    async with database.transaction() as connection:
        with pytest.raises(NotFound):
            await status.set_issue_status(connection, (PROJECT, ISSUE), "resolved", at=NOON)


async def test_a_new_version_of_grouping_splits_no_issue(database):
    """Issues of an older version go on, and new problems are grouped by the new version."""
    newer, newest = IssueId("c" * 32), IssueId("d" * 32)
    await add_batch(database, make_event(0, issue_ids=(OLDER,)))
    await add_batch(
        database, make_event(1, issue_ids=(newer, OLDER)), make_event(2, issue_ids=(newest, ISSUE))
    )
    issues = await read_rows(database, "issues")
    assert {(row["issue_id"].hex, row["events"]) for row in issues} == {(OLDER, 2), (newest, 1)}


async def test_events_of_an_older_release_are_grouped_in_the_background(database):
    """Ungrouped events are grouped in steps, each once, as digest would have grouped them."""
    payload = payloads.event()
    key = rules.group_event(payload).issue_id
    new_events = [make_event(number, issue_ids=(key,)) for number in range(5)]
    await add_batch(database, *new_events)
    expected = await read_all_tables(database)
    async with database.transaction() as connection:
        await connection.execute(text("update events set issue_id = null"))
        await connection.execute(text(f"truncate {', '.join(TABLES)}"))
    steps: list[int] = []
    while not steps or steps[-1]:
        async with database.transaction() as connection:
            steps.append(len(await backfill.group_stored_events(connection, limit=3)))
    assert steps == [3, 2, 0]
    assert await read_all_tables(database) == expected
    assert {row["issue_id"].hex for row in await read_rows(database, "events")} == {key}


async def test_an_event_that_cannot_be_read_is_grouped_by_its_title(database):
    """An unreadable event does not hold up the others."""
    await add_batch(database, make_event(0, payload=b"broken"))
    async with database.transaction() as connection:
        await connection.execute(text("update events set issue_id = null"))
        assert len(await backfill.group_stored_events(connection)) == 1
    expected = rules.group_event({"message": "T: 0"}).issue_id
    assert [row["issue_id"].hex for row in await read_rows(database, "events")] == [expected]


async def test_a_row_holds_the_cleaned_values_of_its_event(database: Database):
    """Each column holds the cleaned value of the event, and the first write wins."""
    full_event = make_event(
        0, culprit="Cart\x00", exception_value="é" * 9_000, handled=None, span_id="a" * 16,
        user={"id": "u\x00-1", "name": "\ud800"}, payload=b"\x00\xff",
    )  # fmt: skip
    bare_event = make_event(
        1, exception_type=None, exception_value=None, platform=None, release=None, user={},
        environment=None, sdk_name=None, trace_id=None, replay_id=None, title="\x00",
    )  # fmt: skip
    await add_batch(database, bare_event, full_event, make_event(0, title="late"))
    async with database.reading() as connection:
        event_rows = (await connection.execute(select(events).order_by(events.c.event_id))).all()
        storage_mode = await connection.scalar(
            text("select attstorage from pg_attribute where attrelid = 'events'::regclass"
                 " and attname = 'payload'")
        )  # fmt: skip
    changed = {
        "culprit": "Cart", "exception_value": "é" * 4_094 + "…",
        "recorded_user": {"id": "u-1", "name": "\ufffd"}, "issue_id": ISSUE,
    }  # fmt: skip
    first, second = [
        {name: value for name, value in row._asdict().items() if name not in PARTITION_COLUMNS}
        for row in event_rows
    ]
    assert first == _columns(full_event) | changed
    assert second == _columns(bare_event) | {"title": "", "recorded_user": {}, "issue_id": ISSUE}
    assert storage_mode == b"e"  # not compressed by Postgres, because it is compressed already


PARTITION_COLUMNS = {"day", "retention_class"}


def _columns(event: NewEvent) -> dict[str, Any]:
    """Return the columns of an event that hold its values unchanged."""
    names = {column.name for column in events.c} - PARTITION_COLUMNS
    return {name: getattr(event, name, None) for name in names}
