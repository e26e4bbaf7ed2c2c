"""Blocks of spans: the first write wins, each span is read once, and old rows are moved."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from app import background
from app.core.days import BatchDays
from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.core.replay.replay_window import ReplayWindow
from app.db.engine import Database
from app.db.partitions import days
from app.formats.stored import span_block
from app.formats.stored.packed_json import pack_json, unpack_json
from app.replays import trace_links
from app.traces import backfill, queries, writes
from app.traces.model import NewBlock, StoredSpan

NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
APP, API = ProjectId(1), ProjectId(2)
TRACE, OTHER = TraceId("a" * 32), TraceId("b" * 32)
REPLAY: Final = ReplayId("c" * 32)
BOTH: Final = [APP, API]


def make_span(number: int, *, at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Make a span of one second in the form in which it is stored."""
    return {
        "span_id": f"{number:016x}",
        "op": "db",
        "description": f"step {number}",
        "start_timestamp": at.timestamp(),
        "timestamp": at.timestamp() + 1,
        "data": {"number": number},
    } | changes


def make_block(number: int, *spans: dict[str, Any], **changes: Any) -> NewBlock:
    """Make a block of spans."""
    values: dict[str, Any] = {
        "project_id": APP,
        "block_id": EventId(f"{number:032x}"),
        "transaction_id": None,
        "trace_id": TRACE,
        "replay_id": None,
        "received_at": NOON + timedelta(seconds=number),
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=1),
        "drift_ms": 0,
        **dict.fromkeys(("name", "op", "status", "platform", "release", "environment")),
        "spans": len(spans),
        "content": span_block.pack_block(spans),
    }
    return NewBlock(**(values | changes))


async def add_blocks(database: Database, *blocks: NewBlock) -> set[tuple[ProjectId, EventId]]:
    """Store blocks in one transaction."""
    async with database.transaction() as connection:
        today = BatchDays(await days.read_today(connection))
        return await writes.add_blocks(connection, blocks, today)


async def read_trace(database: Database, trace_id: TraceId = TRACE) -> list[StoredSpan]:
    """Read the spans of a trace."""
    async with database.reading() as connection:
        page = await queries.read_spans_of_trace(connection, trace_id, BOTH)
    return list(page.spans)


def make_window(**changes: Any) -> ReplayWindow:
    """Return the time window of a replay of ten seconds."""
    values: dict[str, Any] = {
        "replay_id": REPLAY,
        "trace_ids": frozenset({TRACE}),
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=10),
        "drift_ms": 0,
    }
    return ReplayWindow(**(values | changes))


async def read_replay_numbers(database: Database, replay_window: ReplayWindow) -> list[int]:
    """Read the numbers of the spans of a replay."""
    async with database.reading() as connection:
        page = await queries.read_spans_of_replay(connection, replay_window, BOTH)
    return [int(stored_span.span_id, 16) for stored_span in page.spans]


async def test_a_block_is_stored_once(database):
    """The first of two blocks with one id is stored, in one batch or in two."""
    first, second = make_block(1, make_span(1)), make_block(1, make_span(2))
    assert await add_blocks(database, first, second) == {(APP, first.block_id)}
    assert await add_blocks(database, second) == set()
    assert [stored_span.description for stored_span in await read_trace(database)] == ["step 1"]


async def test_a_span_that_arrived_twice_is_read_once(database):
    """A span sent in a transaction and streamed is read as it was received first."""
    streamed = make_block(7, make_span(2, description="streamed"), make_span(3))
    transaction_block = make_block(
        5,
        make_span(1, is_segment=True),
        make_span(2),
        transaction_id=EventId(f"{5:032x}"),
        platform="java",
    )
    await add_blocks(database, streamed, transaction_block)
    spans = {stored_span.description: stored_span for stored_span in await read_trace(database)}
    assert spans.keys() == {"step 1", "step 2", "step 3"}
    assert (spans["step 2"].platform, spans["step 2"].transaction_id) == (
        "java",
        transaction_block.block_id,
    )
    assert (spans["step 3"].platform, spans["step 3"].transaction_id) == (None, None)


async def test_the_data_of_a_span_is_found_in_any_block(database):
    """The data of a span is found wherever it is in the trace, in visible projects only."""
    await add_blocks(database, *(make_block(number, make_span(number)) for number in range(1, 300)))
    async with database.reading() as connection:

        async def find_data(number: int, *project_ids: ProjectId) -> object:
            span_id = SpanId(f"{number:016x}")
            return await queries.find_span_data(connection, TRACE, span_id, project_ids)

        assert await find_data(1, APP) == {"number": 1}
        assert await find_data(299, *BOTH) == {"number": 299}
        assert await find_data(300, *BOTH) is None
        assert await find_data(1, API) is None


async def test_the_time_of_a_replay_selects_its_spans_one_by_one(database):
    """A block that names the replay gives all its spans, another only those in its time."""
    hour = timedelta(hours=1)
    await add_blocks(
        database,
        make_block(
            1,
            make_span(1, at=NOON - timedelta(minutes=4)),
            make_span(2),
            make_span(3, at=NOON + timedelta(minutes=3)),
            started_at=NOON - timedelta(minutes=4),
            ended_at=NOON + timedelta(minutes=4),
        ),
        make_block(2, make_span(4, at=NOON - hour), replay_id=REPLAY, started_at=NOON - hour),
        make_block(3, make_span(5), replay_id=ReplayId("d" * 32)),
        make_block(4, make_span(6), trace_id=OTHER),
        make_block(5, make_span(7, at=NOON - hour), started_at=NOON - hour, drift_ms=3_600_000),
    )
    assert await read_replay_numbers(database, make_window()) == [4, 7, 2]
    assert await read_replay_numbers(database, make_window(trace_ids=frozenset({OTHER}))) == [4, 6]
    assert (
        await read_replay_numbers(
            database, make_window(replay_id=ReplayId("e" * 32), trace_ids=frozenset())
        )
        == []
    )


async def test_a_span_that_began_long_before_a_replay_is_left_out(database):
    """A span that began more than 16 minutes before a replay does not belong to it."""
    long_ago, shortly_before = NOON - timedelta(minutes=17), NOON - timedelta(minutes=15)
    ended = {"timestamp": NOON.timestamp() + 1}
    both_spans = make_block(
        1,
        make_span(1, at=long_ago, **ended),
        make_span(2, at=shortly_before, **ended),
        started_at=long_ago,
    )
    await add_blocks(database, both_spans)
    assert await read_replay_numbers(database, make_window()) == [2]


async def test_a_trace_is_read_in_parts_of_whole_blocks(database, monkeypatch):
    """Parts follow the start of their blocks, and later blocks are not opened."""
    monkeypatch.setattr(queries, "PART_OF_TRACE", 3)
    later = [NOON + timedelta(seconds=number) for number in range(4)]
    blocks = [
        make_block(
            4 - number,
            make_span(2 * number + 1, at=at),
            make_span(2 * number + 2, at=at),
            started_at=at,
        )
        for number, at in enumerate(later)
    ]
    unread = make_block(9, started_at=NOON + timedelta(hours=1), content=b"broken")
    await add_blocks(database, *blocks, unread)
    async with database.reading() as connection:
        first = await queries.read_spans_of_trace(connection, TRACE, BOTH)
        assert first.next_place
        second = await queries.read_spans_of_trace(connection, TRACE, BOTH, after=first.next_place)
    assert [stored_span.description for stored_span in first.spans] == [
        f"step {number}" for number in range(1, 5)
    ]
    assert [stored_span.description for stored_span in second.spans] == [
        f"step {number}" for number in range(5, 9)
    ]
    assert (first.first, second.first, first.total) == (1, 5, 8)


async def test_a_block_that_cannot_be_read_hides_no_other(database):
    """A block that cannot be read is skipped, and the others are read."""
    await add_blocks(
        database, make_block(1, content=b"broken", spans=300), make_block(2, make_span(2))
    )
    assert [stored_span.description for stored_span in await read_trace(database)] == ["step 2"]


async def test_requests_are_answered_by_spans_that_name_them(database):
    """A span of any visible project answers a request; a too large trace is left out."""
    request = make_span(1, op="http.client", description="GET https://api.example.net/cart")
    unanswered = make_span(2, op="http.client", description="GET https://cdn.example.net/x")
    await add_blocks(
        database,
        make_block(1, request, unanswered),
        make_block(2, make_span(3, parent_span_id=request["span_id"]), project_id=API),
        make_block(3, request | {"span_id": "f" * 16}, trace_id=OTHER, spans=9_000),
    )
    async with database.reading() as connection:
        windows = [make_window(trace_ids=frozenset({TRACE, OTHER}))]
        requests = await queries.read_app_requests(connection, APP, windows, BOTH)
        requests_of_app = await queries.read_app_requests(connection, APP, [make_window()], [APP])
    assert [(app_request.description, app_request.is_answered) for app_request in requests] == [
        (request["description"], True), (unanswered["description"], False),
    ]  # fmt: skip
    assert not any(app_request.is_answered for app_request in requests_of_app)


async def test_an_endless_trace_is_read_around_the_replay_only(database):
    """Blocks of other days are left out unless they name the replay."""
    later, many_spans = NOON + timedelta(days=2), {"trace_id": TRACE, "spans": 9_000}
    await add_blocks(
        database,
        make_block(1, make_span(1)),
        make_block(2, make_span(2, at=later), started_at=later, ended_at=later, **many_spans),
        make_block(3, make_span(3, at=later), started_at=later, ended_at=later, replay_id=REPLAY),
    )
    async with database.reading() as connection:
        spans = await queries.read_spans_of_traces(connection, [make_window()], BOTH)
    assert [span.description for span in spans] == ["step 1", "step 3"]


_SPAN: Final = text("""
    insert into spans values (:project_id, :trace_id, :span_id, :parent, :transaction_id, :is_root,
        :received_at, :at, cast(:at as timestamptz) + interval '1 s',
        :drift_ms, :op, :description, 'ok', 'manual',
        :service, :replay_id, :data)
""")
_TRANSACTION: Final = text("""
    insert into transactions values (:project_id, :event_id, :received_at, :at,
        cast(:at as timestamptz) + interval '1 s',
        5, '/pay', 'http.server', 'ok', 'python', 'shop@1', 'production',
        'sentry.python', :trace_id, :span_id, null, 2, :payload)
""")


async def add_old_rows(database: Database) -> None:
    """Store rows of a release before blocks: a transaction of three spans, and two streamed."""
    transaction_id = uuid.UUID(int=5)
    shared = {
        "project_id": APP, "trace_id": uuid.UUID(hex=TRACE), "received_at": NOON, "at": NOON,
    }  # fmt: skip
    plain = {"parent": None, "service": None, "drift_ms": 5, "is_root": False, "replay_id": None}
    async with database.transaction() as connection:
        payload = pack_json({"transaction": "/pay", "tags": {"a": "b"}})
        named = {"event_id": transaction_id, "span_id": f"{1:016x}", "payload": payload}
        await connection.execute(_TRANSACTION, shared | named)
        for number in range(1, 6):
            is_streamed = number > 3
            data = {"number": number} | ({"service.name": "pay"} if is_streamed else {})
            values = {
                "span_id": f"{number:016x}",
                "transaction_id": None if is_streamed else transaction_id,
                "op": "db",
                "description": f"step {number}",
                "data": pack_json(data),
                "is_root": number == 1,
                "replay_id": uuid.UUID(hex=REPLAY) if number == 3 else None,
                "at": NOON + timedelta(microseconds=number),
            }
            await connection.execute(_SPAN, shared | plain | values)


async def test_spans_of_an_older_release_are_moved_into_blocks(database):
    """Old rows are moved in steps, with all their data, until none is left."""
    await add_old_rows(database)
    assert await read_trace(database) == []
    await background.tidy_up(database, heartbeat_s=5, silent_after_s=60)
    spans = {stored_span.description: stored_span for stored_span in await read_trace(database)}
    assert spans.keys() == {f"step {number}" for number in range(1, 6)}
    root, child, named_span, streamed = (spans[f"step {number}"] for number in (1, 2, 3, 4))
    assert (root.is_segment, root.platform, root.transaction_id) == (True, "python", f"{5:032x}")
    assert (child.started_at, child.drift_ms) == (NOON + timedelta(microseconds=2), 5)
    assert (child.ended_at, child.platform) == (child.started_at + timedelta(seconds=1), "python")
    assert (named_span.replay_id, named_span.platform) == (REPLAY, "python")
    assert (streamed.service, streamed.transaction_id, streamed.platform) == ("pay", None, None)
    async with database.reading() as connection:
        rows = (await connection.execute(text("select * from span_blocks"))).mappings().all()
        assert await connection.scalar(text("select count(*) from spans")) == 0
        assert await connection.scalar(text("select count(*) from transactions")) == 0
        data = await queries.find_span_data(connection, TRACE, SpanId(f"{4:016x}"), BOTH)
        trace_links_found = await trace_links.read_traces_of_replays(connection, [REPLAY])
    assert (data, trace_links_found) == ({"number": 4, "service.name": "pay"}, {REPLAY: {TRACE}})
    (transaction_row,) = [row for row in rows if row["block_id"] == row["transaction_id"]]
    assert (transaction_row["name"], transaction_row["spans"], len(rows)) == ("/pay", 2, 3)
    assert unpack_json(transaction_row["content"])["head"] == {
        "transaction": "/pay",
        "tags": {"a": "b"},
    }


@pytest.mark.parametrize("left", ["nothing", "a span that cannot be read"])
async def test_an_old_transaction_without_its_root_is_moved_too(database, left):
    """A transaction without a readable root does not hold up the others."""
    await add_old_rows(database)
    async with database.transaction() as connection:
        if left == "nothing":
            await connection.execute(text("delete from spans"))
        await connection.execute(text("update spans set data = 'broken'"))
        assert len(await backfill.move_into_blocks(connection)) > 0
        spans = await connection.scalar(
            text("select spans from span_blocks where block_id = transaction_id")
        )
    assert spans == (0 if left == "nothing" else 2)
