"""Tests of the links between issues and replays, which agree with the pages of replays."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.ids import EventId, IssueId, ProjectId, ReplayId, TraceId
from app.db.engine import Database
from app.db.lists import ListCursor
from app.db.text import JsonText
from app.erasure.replay import erase_replay
from app.formats.replay.recording_summary import RecordingCounts
from app.ingest.digest.link_issues import link_batch, link_events_to_replays
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.store import LaidOutBatch, store_batch
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.segments.pack import PreparedSegment
from app.issues import erase, list_queries, queries, replay_events as errors, writes
from app.issues.list_queries import IssueFilters
from app.issues.model import NewEvent
from app.issues.orders import REPLAYS as REPLAYS_ORDER
from app.playback.links import replay_clock
from app.replays import queries as replays, trace_links
from app.replays.model import NewSegment, ReplayKey
from app.storage.local import LocalStore
from app.triage import issue_links
from tests.support.shuffling import cut_into_batches
from tests.support.waiting import until_asked

APP: Final = ProjectId(7)
API: Final = ProjectId(8)
PROJECTS: Final = (APP, API)
NOON: Final = datetime(2026, 8, 6, 12, tzinfo=UTC)
REPLAYS: Final = [ReplayKey(APP, ReplayId(f"{number + 1:032x}")) for number in range(4)]
TRACES: Final = [TraceId(f"{number + 1:032x}") for number in range(100, 106)]
ISSUES: Final = [IssueId(f"{number + 1:032x}") for number in range(200, 204)]


@dataclass(frozen=True, slots=True)
class Hall:
    """Where batches are stored."""

    database: Database
    objects: LocalStore

    async def bring(self, *parts: NewSegment | NewEvent) -> None:
        """Store one batch, by a journal of its own."""
        prepared = PreparedBatch()
        for part in parts:
            if isinstance(part, NewSegment):
                prepared.rows_of(REPLAY_VIDEO).append(PreparedSegment(part, "replay_video", None))
            else:
                prepared.rows_of(EVENT).append(part)
        journal = f"{random.getrandbits(128):032x}"
        await store_batch(
            self.database, self.objects, LaidOutBatch.of(prepared, JournalRange(journal, 1, 1))
        )

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return what a statement finds."""
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    async def somebody_waits(self) -> bool:
        """Tell whether a lock is waited for."""
        waits = await self.rows(
            "select 1 from pg_locks l join pg_database d on d.oid = l.database"
            " where d.datname = current_database() and not l.granted"
        )
        return bool(waits)

    async def kept(self) -> set[tuple[Any, ...]]:
        """Return all links with the moment of their event, once their counts are found right."""
        counted = await self.rows("select * from issue_link_counts where replays > 0")
        found = await self.rows(
            "select project_id, issue_id, replay_project_id, count(*) from issue_links"
            " group by 1, 2, 3"
        )
        assert set(counted) == set(found)
        columns = "project_id, issue_id, replay_project_id, replay_id, event_id"
        return {
            (project_id, issue.hex, of, replay.hex, event.hex)
            for project_id, issue, of, replay, event in await self.rows(
                f"select {columns} from issue_links"
            )
        }

    async def listed(self) -> set[tuple[Any, ...]]:
        """Return what the pages of all replays list, as links."""
        found: dict[tuple[Any, ...], str] = {}
        async with self.database.reading() as connection:
            for key in REPLAYS:
                replay = await replays.find_replay(connection, key)
                if replay is None:
                    continue
                (window,) = await replay_clock.read_windows(connection, [replay])
                linked = await errors.read_linked_events(
                    connection, window, PROJECTS, home=key.project_id
                )
                for one in linked.events:
                    event = one.event
                    place = (event.project_id, event.issue_id, key.project_id, key.replay_id)
                    found.setdefault(place, event.event_id)
        return {(*place, event_id) for place, event_id in found.items()}


@pytest.fixture
async def hall(database: Database, tmp_path: Path):
    """An empty database, and a store in a folder of its own."""
    opened = LocalStore(tmp_path, threads=2)
    yield Hall(database, opened)
    await opened.close()


def segment(number: int = 0, *, of: int = 0, at_s: int = 0, **changes: Any) -> NewSegment:
    """Make five seconds of a replay."""
    started_at = NOON + timedelta(seconds=at_s)
    values: dict[str, Any] = {
        "key": REPLAYS[of], "segment_id": number, "received_at": clock.now(), "drift_ms": 0,
        "started_at": started_at, "ended_at": started_at + timedelta(seconds=5),
        "replay_type": "session", "is_complete": True, "sdk_name": None, "facts": JsonText("{}"),
        "user": None, "screens": (), "trace_ids": (), "recording": b"",
        "counts": RecordingCounts(),
        "background_at": None, "foreground_at": None, "declared_size_px": None, "video": None,
        "no_video_reason": None,
    }  # fmt: skip
    return NewSegment(**{**values, **changes})


def event(number: int = 0, *, of: int = 0, at_s: float = 0, **changes: Any) -> NewEvent:
    """Make an event of an issue that names no replay and has no trace."""
    at = NOON + timedelta(seconds=at_s)
    values: dict[str, Any] = {
        "project_id": APP, "event_id": EventId(f"{number + 1:032x}"), "received_at": at,
        "at": at, "drift_ms": 0, "level": "error", "kind": "error", "title": "T", "culprit": None,
        "exception_type": None, "exception_value": None, "handled": True, "mechanism": None,
        "platform": "java", "release": None, "environment": "production", "sdk_name": None,
        "user": {}, "trace_id": None, "span_id": None, "replay_id": None, "payload": b"",
        "issue_ids": (ISSUES[of],),
    }  # fmt: skip
    return NewEvent(**{**values, **changes})


def life(dice: random.Random) -> list[NewSegment | NewEvent]:
    """Make up replays, and events that name them, share their traces, or are unrelated."""
    found: list[NewSegment | NewEvent] = []
    drifts = [dice.choice((0, 300, -40_000, 7_200_000)) for _ in REPLAYS]
    for of in range(len(REPLAYS)):
        for number in range(dice.randint(1, 4)):
            traces = tuple(dice.sample(TRACES, dice.randint(0, 2)))
            found.append(
                segment(
                    number,
                    of=of,
                    at_s=of * 90 + number * dice.choice((5, 80)),
                    trace_ids=traces,
                    drift_ms=drifts[of],
                )
            )
    for number in range(30):
        drift_ms = dice.choice((0, 300, -40_000, 7_200_000))
        found.append(
            event(
                number,
                of=dice.randrange(len(ISSUES)),
                # Of a clock that is hours behind, when it should have said.
                at_s=dice.uniform(-200, 700) - (drift_ms > 60_000) * dice.choice((0, 7_200)),
                project_id=dice.choice(PROJECTS),
                drift_ms=drift_ms,
                trace_id=dice.choice((None, *TRACES)),
                replay_id=dice.choice((None, None, *(key.replay_id for key in REPLAYS))),
            )
        )
    return found


@pytest.mark.parametrize("seed", range(15))
async def test_links_are_what_the_pages_of_replays_list(hall: Hall, seed: int):
    """The links are the same in any order of arrival; each holds the first event and is counted."""
    dice = random.Random(seed)
    parts = life(dice)
    for batch in cut_into_batches(parts, dice, again=6, most=6):
        await hall.bring(*batch)
    assert await hall.kept() == await hall.listed()
    async with hall.database.transaction() as connection:
        await link_events_to_replays(connection, (), [key.replay_id for key in REPLAYS])
    assert await hall.kept() == await hall.listed(), "doing it again changes nothing"


async def test_lives_have_links_of_every_kind(hall: Hall):
    """The test above covers links by name and by trace, and events without a replay."""
    parts = life(random.Random(1))
    await hall.bring(*parts)
    kept = await hall.kept()
    events = {one.event_id: one for one in parts if isinstance(one, NewEvent)}
    assert {bool(events[row[4]].replay_id) for row in kept} == {True, False}
    assert len({row[4] for row in kept}) < len(events)


async def test_an_event_and_its_replay_that_come_at_once_are_linked(hall: Hall):
    """Neither sees what the other has not committed, so the second waits for the first."""
    one = event(trace_id=TRACES[0])
    prepared = PreparedBatch()
    prepared.rows_of(EVENT).append(one)
    async with hall.database.transaction() as connection:
        added = await writes.add_events(connection, [one])
        await link_batch(connection, prepared, added)
        second = asyncio.create_task(hall.bring(segment(trace_ids=(TRACES[0],))))
        await until_asked(hall.somebody_waits)
    await second
    assert await hall.kept() == await hall.listed() != set()


async def test_a_deleted_replay_is_neither_linked_nor_counted(hall: Hall):
    """Nothing that arrives later links it again."""
    first = REPLAYS[0]
    await hall.bring(segment(), segment(of=1), event(replay_id=first.replay_id))
    await hall.bring(event(1, replay_id=REPLAYS[1].replay_id))
    await erase_replay(hall.database, first, person_id=None, at=clock.now())
    assert {row[3] for row in await hall.kept()} == {REPLAYS[1].replay_id}
    await hall.bring(event(2, replay_id=first.replay_id))
    async with hall.database.reading() as connection:
        issue = await queries.find_issue(connection, (APP, ISSUES[0]), [APP])
        page = await issue_links.read_linked_replays(connection, (APP, ISSUES[0]), [APP], limit=5)
    assert issue is not None
    assert (issue.replays, issue.named_replays) == (1, 2)
    assert [one.replay.key for one in page.replays] == [REPLAYS[1]]


async def test_a_deleted_issue_leaves_no_link(hall: Hall):
    """It leaves no count either; when it begins anew, it counts from zero."""
    await hall.bring(segment(), event(replay_id=REPLAYS[0].replay_id))
    async with hall.database.transaction() as connection:
        await erase.erase_issue_rows(connection, (APP, ISSUES[0]), at=clock.now())
    assert await hall.kept() == set()
    assert await hall.rows("select 1 from issue_link_counts") == []


async def test_replays_of_projects_that_one_does_not_see_are_not_counted(hall: Hall):
    """They are not listed either, so list and count agree for every person."""
    key = (API, ISSUES[0])
    await hall.bring(segment(), event(project_id=API, replay_id=REPLAYS[0].replay_id))
    async with hall.database.reading() as connection:
        for seen, expected in (([API], 0), ([API, APP], 1)):
            issue = await queries.find_issue(connection, key, seen)
            by_replays = await list_queries.list_issues(
                connection, [API], IssueFilters(), visible_ids=seen, order=REPLAYS_ORDER
            )
            (same,) = by_replays.rows
            assert issue == same
            assert same.replays == expected
            page = await issue_links.read_linked_replays(connection, key, seen, limit=9)
            assert len(page.replays) == expected


async def test_replays_of_an_issue_come_in_pages(hall: Hall):
    """The one received last is first, and each is there once, even if several came at once."""
    for of, minutes in enumerate((3, 1, 2, 1)):
        at = NOON + timedelta(minutes=minutes)
        await hall.bring(segment(of=of, received_at=at), event(of, replay_id=REPLAYS[of].replay_id))
    pages: list[list[ReplayKey]] = []
    place: ListCursor | None = None
    async with hall.database.reading() as connection:
        while not pages or place is not None:
            page = await issue_links.read_linked_replays(
                connection, (APP, ISSUES[0]), [APP], before=place, limit=2
            )
            pages.append([one.replay.key for one in page.replays])
            place = page.older
    assert pages == [[REPLAYS[0], REPLAYS[2]], [REPLAYS[3], REPLAYS[1]]]


def tied_by(project_id: ProjectId, numbers: range) -> set[trace_links.TraceLink]:
    """Make ties of the first replay and traces by number."""
    return {(project_id, REPLAYS[0].replay_id, TraceId(f"{number + 1:032x}")) for number in numbers}


async def test_a_project_ties_so_many_traces_to_a_replay_and_no_more(hall: Hall):
    """The limit holds in any order; other projects and other replays have limits of their own."""
    (first, *_), most = REPLAYS, trace_links.MOST_TRACE_LINKS
    async with hall.database.transaction() as connection:
        assert await trace_links.add_trace_links(connection, tied_by(APP, range(most - 1))) == {
            first.replay_id
        }
        assert await trace_links.add_trace_links(connection, tied_by(APP, range(5))) == set()
        await trace_links.add_trace_links(connection, tied_by(APP, range(most - 1, most + 5)))
        assert (
            await trace_links.add_trace_links(connection, tied_by(APP, range(most, most + 5)))
            == set()
        )
        tied = await trace_links.read_traces_of_replays(connection, [first.replay_id])
        assert tied[first.replay_id] == {TraceId(f"{number + 1:032x}") for number in range(most)}
        assert await trace_links.add_trace_links(
            connection, tied_by(API, range(most, most + 1))
        ) == {first.replay_id}
        other = (APP, REPLAYS[1].replay_id, TRACES[0])
        assert await trace_links.add_trace_links(connection, [other]) == {REPLAYS[1].replay_id}
        tied = await trace_links.read_traces_of_replays(
            connection, [one.replay_id for one in REPLAYS]
        )
    assert {key: len(traces) for key, traces in tied.items()} == {
        first.replay_id: most + 1,
        REPLAYS[1].replay_id: 1,
    }


async def test_of_more_ties_than_there_should_be_some_are_read(hall: Hall):
    """An older release stored any number; list and page read the same ones."""
    async with hall.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into replay_traces select 7, cast(:replay as uuid),"
                " cast(lpad(to_hex(i), 32, '0') as uuid) from generate_series(1, 5000) i"
            ),
            {"replay": REPLAYS[0].replay_id},
        )
        tied = await trace_links.read_traces_of_replays(connection, [REPLAYS[0].replay_id])
    assert max(tied[REPLAYS[0].replay_id]) == TraceId(f"{2 * trace_links.MOST_TRACE_LINKS:032x}")
    assert len(tied[REPLAYS[0].replay_id]) == 2 * trace_links.MOST_TRACE_LINKS
