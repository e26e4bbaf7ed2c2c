"""The links between issues and replays agree with the errors on the pages of replays."""

import asyncio
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from app.core import clock
from app.core.days import BatchDays
from app.core.ids import EventId, IssueId, ProjectId, ReplayId, TraceId
from app.db.engine import Database
from app.db.lists import ListPage, PageRequest
from app.db.partitions import days
from app.db.text import JsonText
from app.erasure.replay import erase_replay
from app.formats.replay.recording_summary import RecordingCounts
from app.ingest.digest.link_issues import link_batch, link_events_to_replays
from app.ingest.digest.marks import JournalRange
from app.ingest.digest.store import LaidOutBatch
from app.ingest.items.event import EVENT
from app.ingest.items.item_type import PreparedBatch
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.segments.pack import PreparedSegment
from app.issues import list_queries, queries, writes
from app.issues.deletion import erase
from app.issues.events import replay_events as errors
from app.issues.list_queries import IssueFilters
from app.issues.model import NewEvent
from app.issues.orders import REPLAYS as REPLAYS_ORDER
from app.playback.links import replay_clock
from app.replays import queries as replays, trace_links
from app.replays.model import NewSegment, ReplayKey
from app.storage.disk.local import LocalStore
from app.triage.issue import issue_links
from app.triage.issue.issue_links import LinkedReplay
from tests.support.builders.stored_segments import store_claimed
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
class LinkStore:
    """A database and an object store into which tests put batches."""

    database: Database
    objects: LocalStore

    async def add_batch(self, *parts: NewSegment | NewEvent) -> None:
        """Store one batch, as if from a journal of its own."""
        prepared = PreparedBatch()
        for part in parts:
            if isinstance(part, NewSegment):
                prepared.rows_of(REPLAY_VIDEO).append(PreparedSegment(part, "replay_video", None))
            else:
                prepared.rows_of(EVENT).append(part)
        journal = f"{random.getrandbits(128):032x}"
        await store_claimed(
            self.database, self.objects, LaidOutBatch.of(prepared, JournalRange(journal, 1, 1))
        )

    async def read_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(sql))]

    async def is_lock_waited_for(self) -> bool:
        """Tell whether a transaction waits for a lock."""
        waits = await self.read_rows(
            "select 1 from pg_locks l join pg_database d on d.oid = l.database"
            " where d.datname = current_database() and not l.granted"
        )
        return bool(waits)

    async def read_links(self) -> set[tuple[Any, ...]]:
        """Return all links with their first event, after checking their counts."""
        stored_counts = await self.read_rows("select * from issue_link_counts where replays > 0")
        counts = await self.read_rows(
            "select project_id, issue_id, replay_project_id, count(*) from issue_links"
            " group by 1, 2, 3"
        )
        assert set(stored_counts) == set(counts)
        columns = "project_id, issue_id, replay_project_id, replay_id, event_id"
        return {
            (project_id, issue_id.hex, of, replay_id.hex, event_id.hex)
            for project_id, issue_id, of, replay_id, event_id in await self.read_rows(
                f"select {columns} from issue_links"
            )
        }

    async def read_links_of_pages(self) -> set[tuple[Any, ...]]:
        """Return what the pages of all replays list, as links."""
        first_events: dict[tuple[Any, ...], str] = {}
        async with self.database.reading() as connection:
            for key in REPLAYS:
                replay = await replays.find_replay(connection, key)
                if replay is None:
                    continue
                (window,) = await replay_clock.read_windows(connection, [replay])
                linked = await errors.read_linked_events(
                    connection, window, PROJECTS, home=key.project_id
                )
                for linked_event in linked.events:
                    listed_event = linked_event.event
                    link = (
                        listed_event.project_id,
                        listed_event.issue_id,
                        key.project_id,
                        key.replay_id,
                    )
                    first_events.setdefault(link, listed_event.event_id)
        return {(*link, event_id) for link, event_id in first_events.items()}


@pytest.fixture
async def link_store(database: Database, tmp_path: Path):
    """Return an empty database with a store in a folder of its own."""
    objects = LocalStore(tmp_path, threads=2)
    yield LinkStore(database, objects)
    await objects.close()


def make_segment(number: int = 0, *, of: int = 0, at_s: int = 0, **changes: Any) -> NewSegment:
    """Make a segment of five seconds."""
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


def make_event(number: int = 0, *, of: int = 0, at_s: float = 0, **changes: Any) -> NewEvent:
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


def make_random_parts(dice: random.Random) -> list[NewSegment | NewEvent]:
    """Make random replays, and events that name them, share their traces, or are unrelated."""
    parts: list[NewSegment | NewEvent] = []
    drifts = [dice.choice((0, 300, -40_000, 7_200_000)) for _ in REPLAYS]
    for of in range(len(REPLAYS)):
        for number in range(dice.randint(1, 4)):
            traces = tuple(dice.sample(TRACES, dice.randint(0, 2)))
            parts.append(
                make_segment(
                    number,
                    of=of,
                    at_s=of * 90 + number * dice.choice((5, 80)),
                    trace_ids=traces,
                    drift_ms=drifts[of],
                )
            )
    for number in range(30):
        drift_ms = dice.choice((0, 300, -40_000, 7_200_000))
        parts.append(
            make_event(
                number,
                of=dice.randrange(len(ISSUES)),
                # A clock that is hours behind, where its drift says so.
                at_s=dice.uniform(-200, 700) - (drift_ms > 60_000) * dice.choice((0, 7_200)),
                project_id=dice.choice(PROJECTS),
                drift_ms=drift_ms,
                trace_id=dice.choice((None, *TRACES)),
                replay_id=dice.choice((None, None, *(key.replay_id for key in REPLAYS))),
            )
        )
    return parts


@pytest.mark.parametrize("seed", range(15))
async def test_links_are_what_the_pages_of_replays_list(link_store: LinkStore, seed: int):
    """The links are the same in any order of arrival; each holds the first event and is counted."""
    dice = random.Random(seed)
    parts = make_random_parts(dice)
    for batch in cut_into_batches(parts, dice, again=6, most=6):
        await link_store.add_batch(*batch)
    assert await link_store.read_links() == await link_store.read_links_of_pages()
    async with link_store.database.transaction() as connection:
        await link_events_to_replays(connection, (), [key.replay_id for key in REPLAYS])
    assert await link_store.read_links() == await link_store.read_links_of_pages(), (
        "doing it again changes nothing"
    )


async def test_random_parts_have_links_of_every_kind(link_store: LinkStore):
    """The random parts have links by replay and by trace, and events without a replay."""
    parts = make_random_parts(random.Random(1))
    await link_store.add_batch(*parts)
    links = await link_store.read_links()
    events = {part.event_id: part for part in parts if isinstance(part, NewEvent)}
    assert {bool(events[row[4]].replay_id) for row in links} == {True, False}
    assert len({row[4] for row in links}) < len(events)


async def test_an_event_and_its_replay_stored_at_once_are_linked(link_store: LinkStore):
    """Neither transaction sees the other's rows, so the second waits for the first."""
    new_event = make_event(trace_id=TRACES[0])
    prepared = PreparedBatch()
    prepared.rows_of(EVENT).append(new_event)
    async with link_store.database.transaction() as connection:
        today = BatchDays(await days.read_today(connection))
        added = (await writes.add_events(connection, [new_event], today)).keys
        await link_batch(connection, prepared, added, today)
        second = asyncio.create_task(link_store.add_batch(make_segment(trace_ids=(TRACES[0],))))
        await until_asked(link_store.is_lock_waited_for)
    await second
    assert await link_store.read_links() == await link_store.read_links_of_pages() != set()


async def test_a_deleted_replay_is_neither_linked_nor_counted(link_store: LinkStore):
    """No event that arrives after the deletion links the replay again."""
    first = REPLAYS[0]
    await link_store.add_batch(
        make_segment(), make_segment(of=1), make_event(replay_id=first.replay_id)
    )
    await link_store.add_batch(make_event(1, replay_id=REPLAYS[1].replay_id))
    await erase_replay(link_store.database, first, person_id=None, at=clock.now())
    assert {row[3] for row in await link_store.read_links()} == {REPLAYS[1].replay_id}
    await link_store.add_batch(make_event(2, replay_id=first.replay_id))
    async with link_store.database.reading() as connection:
        issue = await queries.find_issue(connection, (APP, ISSUES[0]), [APP])
        page = await issue_links.read_linked_replays(
            connection, (APP, ISSUES[0]), [APP], PageRequest(), limit=5
        )
    assert issue is not None
    assert (issue.replays, issue.named_replays) == (1, 2)
    assert [linked_replay.replay.key for linked_replay in page.rows] == [REPLAYS[1]]


async def test_a_deleted_issue_leaves_no_link(link_store: LinkStore):
    """The deletion of an issue removes its links and their counts."""
    await link_store.add_batch(make_segment(), make_event(replay_id=REPLAYS[0].replay_id))
    async with link_store.database.transaction() as connection:
        await erase.erase_issue_rows(connection, (APP, ISSUES[0]), at=clock.now())
    assert await link_store.read_links() == set()
    assert await link_store.read_rows("select 1 from issue_link_counts") == []


async def test_replays_of_unseen_projects_are_not_counted(link_store: LinkStore):
    """Replays of projects that a person cannot see are neither counted nor listed."""
    key = (API, ISSUES[0])
    await link_store.add_batch(
        make_segment(), make_event(project_id=API, replay_id=REPLAYS[0].replay_id)
    )
    async with link_store.database.reading() as connection:
        for visible_ids, expected in (([API], 0), ([API, APP], 1)):
            issue = await queries.find_issue(connection, key, visible_ids)
            by_replays = await list_queries.list_issues(
                connection, [API], IssueFilters(), visible_ids=visible_ids, order=REPLAYS_ORDER
            )
            (listed_issue,) = by_replays.rows
            assert issue == listed_issue
            assert listed_issue.replays == expected
            page = await issue_links.read_linked_replays(
                connection, key, visible_ids, PageRequest(), limit=9
            )
            assert len(page.rows) == expected


async def test_replays_of_an_issue_come_in_pages(link_store: LinkStore):
    """The replay received last comes first, and each comes once, even if received together."""
    for of, minutes in enumerate((3, 1, 2, 1)):
        at = NOON + timedelta(minutes=minutes)
        await link_store.add_batch(
            make_segment(of=of, received_at=at), make_event(of, replay_id=REPLAYS[of].replay_id)
        )

    async def read_page(request: PageRequest) -> ListPage[LinkedReplay]:
        async with link_store.database.reading() as connection:
            return await issue_links.read_linked_replays(
                connection, (APP, ISSUES[0]), [APP], request, limit=2
            )

    first = await read_page(PageRequest())
    second = await read_page(PageRequest(after=first.next))
    assert [linked.replay.key for linked in first.rows] == [REPLAYS[0], REPLAYS[2]]
    assert [linked.replay.key for linked in second.rows] == [REPLAYS[3], REPLAYS[1]]
    assert (first.back, second.next) == (None, None)
    assert await read_page(PageRequest(before=second.back)) == first


def make_trace_links(project_id: ProjectId, numbers: range) -> set[trace_links.TraceLink]:
    """Make links of the first replay to traces by number."""
    return {(project_id, REPLAYS[0].replay_id, TraceId(f"{number + 1:032x}")) for number in numbers}


async def test_a_project_links_a_limited_number_of_traces_to_a_replay(link_store: LinkStore):
    """The limit holds in any order, and other projects and replays have their own."""
    (first, *_), most = REPLAYS, trace_links.MOST_TRACE_LINKS
    async with link_store.database.transaction() as connection:
        assert await trace_links.add_trace_links(
            connection, make_trace_links(APP, range(most - 1))
        ) == {first.replay_id}
        assert (
            await trace_links.add_trace_links(connection, make_trace_links(APP, range(5))) == set()
        )
        await trace_links.add_trace_links(
            connection, make_trace_links(APP, range(most - 1, most + 5))
        )
        assert (
            await trace_links.add_trace_links(
                connection, make_trace_links(APP, range(most, most + 5))
            )
            == set()
        )
        traces_of_replays = await trace_links.read_traces_of_replays(connection, [first.replay_id])
        assert traces_of_replays[first.replay_id] == {
            TraceId(f"{number + 1:032x}") for number in range(most)
        }
        assert await trace_links.add_trace_links(
            connection, make_trace_links(API, range(most, most + 1))
        ) == {first.replay_id}
        other = (APP, REPLAYS[1].replay_id, TRACES[0])
        assert await trace_links.add_trace_links(connection, [other]) == {REPLAYS[1].replay_id}
        traces_of_replays = await trace_links.read_traces_of_replays(
            connection, [key.replay_id for key in REPLAYS]
        )
    assert {key: len(traces) for key, traces in traces_of_replays.items()} == {
        first.replay_id: most + 1,
        REPLAYS[1].replay_id: 1,
    }


async def test_only_so_many_trace_links_of_a_replay_are_read(link_store: LinkStore):
    """The list and the page read the same limited number of an older release's trace links."""
    async with link_store.database.transaction() as connection:
        await connection.execute(
            text(
                "insert into replay_traces select 7, cast(:replay as uuid),"
                " cast(lpad(to_hex(i), 32, '0') as uuid) from generate_series(1, 5000) i"
            ),
            {"replay": REPLAYS[0].replay_id},
        )
        traces_of_replays = await trace_links.read_traces_of_replays(
            connection, [REPLAYS[0].replay_id]
        )
    assert max(traces_of_replays[REPLAYS[0].replay_id]) == TraceId(
        f"{2 * trace_links.MOST_TRACE_LINKS:032x}"
    )
    assert len(traces_of_replays[REPLAYS[0].replay_id]) == 2 * trace_links.MOST_TRACE_LINKS


@pytest.mark.parametrize("off", ["enable_indexscan", "enable_seqscan", "enable_bitmapscan"])
async def test_errors_that_arrived_first_are_ranked_by_any_plan(
    link_store: LinkStore, monkeypatch: pytest.MonkeyPatch, off: str
):
    """The errors of the first stretch are the same whichever plan Postgres chooses."""
    monkeypatch.setattr(errors, "MOST_NAMED", 4)
    named = [
        make_event(9 - number, at_s=number, replay_id=REPLAYS[0].replay_id) for number in range(9)
    ]
    await link_store.add_batch(make_segment(), *named[5:])
    await link_store.add_batch(*named[:5])
    async with link_store.database.reading() as connection:
        await connection.execute(text(f"set {off} = off"))
        replay = await replays.find_replay(connection, REPLAYS[0])
        assert replay is not None
        (window,) = await replay_clock.read_windows(connection, [replay])
        linked = await errors.read_linked_events(connection, window, PROJECTS, home=APP)
        await connection.execute(text(f"reset {off}"))
    assert [one.event.event_id for one in linked.events] == [one.event_id for one in named[:4]]
    assert linked.is_at_least
