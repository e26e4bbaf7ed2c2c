"""Blocks of spans in Postgres: the first write wins, a span stands once, old rows are moved."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import text

from app import background
from app.core.ids import EventId, ProjectId, ReplayId, SpanId, TraceId
from app.core.replay_window import ReplayWindow
from app.db.engine import Database
from app.formats.stored import span_block
from app.formats.stored.packed_json import pack_json
from app.replays import trace_links
from app.traces import backfill, queries, writes
from app.traces.model import NewBlock, StoredSpan

NOON: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
APP, API = ProjectId(1), ProjectId(2)
TRACE, OTHER = TraceId("a" * 32), TraceId("b" * 32)
REPLAY: Final = ReplayId("c" * 32)
BOTH: Final = [APP, API]


def sent(number: int, *, at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    """Return a span of a second in the form it is stored in."""
    return {
        "span_id": f"{number:016x}",
        "op": "db",
        "description": f"step {number}",
        "start_timestamp": at.timestamp(),
        "timestamp": at.timestamp() + 1,
        "data": {"number": number},
    } | changes


def block(number: int, *spans: dict[str, Any], **changes: Any) -> NewBlock:
    """Make a block of some spans."""
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


async def add(database: Database, *new: NewBlock) -> set[tuple[ProjectId, EventId]]:
    """Store blocks in one transaction."""
    async with database.transaction() as connection:
        return await writes.add_blocks(connection, new)


async def in_trace(database: Database, trace_id: TraceId = TRACE) -> list[StoredSpan]:
    """Read the spans of a trace."""
    async with database.reading() as connection:
        found = await queries.read_spans_of_trace(connection, trace_id, BOTH)
    return list(found.spans)


def window(**changes: Any) -> ReplayWindow:
    """Return the reach of a replay of ten seconds."""
    values: dict[str, Any] = {
        "replay_id": REPLAY,
        "trace_ids": frozenset({TRACE}),
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=10),
        "drift_ms": 0,
    }
    return ReplayWindow(**(values | changes))


async def of_replay(database: Database, reach: ReplayWindow) -> list[int]:
    """Read the numbers of the spans of a replay."""
    async with database.reading() as connection:
        found = await queries.read_spans_of_replay(connection, reach, BOTH)
    return [int(one.span_id, 16) for one in found.spans]


async def test_a_block_is_stored_once(database):
    """In one batch or in two; the first has the word."""
    first, second = block(1, sent(1)), block(1, sent(2))
    assert await add(database, first, second) == {(APP, first.block_id)}
    assert await add(database, second) == set()
    assert [one.description for one in await in_trace(database)] == ["step 1"]


async def test_a_span_that_came_twice_stands_once(database):
    """As it was received first: in its transaction or streamed, in either order of writing."""
    streamed = block(7, sent(2, description="streamed"), sent(3))
    whole = block(
        5, sent(1, is_segment=True), sent(2), transaction_id=EventId(f"{5:032x}"), platform="java"
    )
    await add(database, streamed, whole)
    found = {one.description: one for one in await in_trace(database)}
    assert found.keys() == {"step 1", "step 2", "step 3"}
    assert (found["step 2"].platform, found["step 2"].transaction_id) == ("java", whole.block_id)
    assert (found["step 3"].platform, found["step 3"].transaction_id) == (None, None)


async def test_one_span_says_what_it_says_and_another_is_not_there(database):
    """Wherever in the trace it lies, and only where the reader may look."""
    await add(database, *(block(number, sent(number)) for number in range(1, 300)))
    async with database.reading() as connection:

        async def asked(number: int, *project_ids: ProjectId) -> object:
            span_id = SpanId(f"{number:016x}")
            return await queries.find_span_data(connection, TRACE, span_id, project_ids)

        assert await asked(1, APP) == {"number": 1}
        assert await asked(299, *BOTH) == {"number": 299}
        assert await asked(300, *BOTH) is None
        assert await asked(1, API) is None


async def test_spans_of_a_replay_are_told_one_by_one(database):
    """Of a block that only touches it, those in its time; of one that names it, all."""
    hour = timedelta(hours=1)
    await add(
        database,
        block(
            1,
            sent(1, at=NOON - timedelta(minutes=4)),
            sent(2),
            sent(3, at=NOON + timedelta(minutes=3)),
            started_at=NOON - timedelta(minutes=4),
            ended_at=NOON + timedelta(minutes=4),
        ),
        block(2, sent(4, at=NOON - hour), replay_id=REPLAY, started_at=NOON - hour),
        block(3, sent(5), replay_id=ReplayId("d" * 32)),
        block(4, sent(6), trace_id=OTHER),
        block(5, sent(7, at=NOON - hour), started_at=NOON - hour, drift_ms=3_600_000),
    )
    assert await of_replay(database, window()) == [4, 7, 2]
    assert await of_replay(database, window(trace_ids=frozenset({OTHER}))) == [4, 6]
    assert (
        await of_replay(database, window(replay_id=ReplayId("e" * 32), trace_ids=frozenset())) == []
    )


async def test_what_began_long_before_a_replay_and_lasts_into_it_is_not_of_it(database):
    """15 minutes and the minute of slack; whatever else lies in its block."""
    long_ago, lately = NOON - timedelta(minutes=17), NOON - timedelta(minutes=15)
    ended = {"timestamp": NOON.timestamp() + 1}
    together = block(
        1, sent(1, at=long_ago, **ended), sent(2, at=lately, **ended), started_at=long_ago
    )
    await add(database, together)
    assert await of_replay(database, window()) == [2]


async def test_a_trace_is_read_in_parts_of_whole_blocks_in_the_order_of_start(
    database, monkeypatch
):
    """Blocks behind a part are not even opened; the next part begins with them."""
    monkeypatch.setattr(queries, "PART_OF_TRACE", 3)
    later = [NOON + timedelta(seconds=number) for number in range(4)]
    blocks = [
        block(4 - number, sent(2 * number + 1, at=at), sent(2 * number + 2, at=at), started_at=at)
        for number, at in enumerate(later)
    ]
    unread = block(9, started_at=NOON + timedelta(hours=1), content=b"broken")
    await add(database, *blocks, unread)
    async with database.reading() as connection:
        first = await queries.read_spans_of_trace(connection, TRACE, BOTH)
        assert first.next_place
        rest = await queries.read_spans_of_trace(connection, TRACE, BOTH, after=first.next_place)
    assert [one.description for one in first.spans] == [f"step {number}" for number in range(1, 5)]
    assert [one.description for one in rest.spans] == [f"step {number}" for number in range(5, 9)]
    assert (first.first, rest.first, first.total) == (1, 5, 8)


async def test_a_block_that_cannot_be_read_hides_no_other(database):
    """Nothing is known of its spans."""
    await add(database, block(1, content=b"broken", spans=300), block(2, sent(2)))
    assert [one.description for one in await in_trace(database)] == ["step 2"]


async def test_requests_are_answered_by_spans_that_name_them(database):
    """Of any project that one sees; a trace of too many spans is left out."""
    request = sent(1, op="http.client", description="GET https://api.example.net/cart")
    lonely = sent(2, op="http.client", description="GET https://cdn.example.net/x")
    await add(
        database,
        block(1, request, lonely),
        block(2, sent(3, parent_span_id=request["span_id"]), project_id=API),
        block(3, request | {"span_id": "f" * 16}, trace_id=OTHER, spans=9_000),
    )
    async with database.reading() as connection:
        both = [window(trace_ids=frozenset({TRACE, OTHER}))]
        found = await queries.read_app_requests(connection, APP, both, BOTH)
        alone = await queries.read_app_requests(connection, APP, [window()], [APP])
    assert [(one.description, one.is_answered) for one in found] == [
        (request["description"], True), (lonely["description"], False),
    ]  # fmt: skip
    assert not any(one.is_answered for one in alone)


async def test_a_trace_that_lives_for_ever_is_read_from_the_time_of_the_replay(database):
    """Its other days are left out, however many spans they hold; what names the replay is not."""
    later, much = NOON + timedelta(days=2), {"trace_id": TRACE, "spans": 9_000}
    await add(
        database,
        block(1, sent(1)),
        block(2, sent(2, at=later), started_at=later, ended_at=later, **much),
        block(3, sent(3, at=later), started_at=later, ended_at=later, replay_id=REPLAY),
    )
    async with database.reading() as connection:
        found = await queries.read_spans_of_traces(connection, [window()], BOTH)
    assert [span.description for span in found] == ["step 1", "step 3"]


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


async def add_old(database: Database) -> None:
    """Store what a release before blocks stored: a transaction of three spans, two streamed."""
    whole = uuid.UUID(int=5)
    shared = {
        "project_id": APP, "trace_id": uuid.UUID(hex=TRACE), "received_at": NOON, "at": NOON,
    }  # fmt: skip
    plain = {"parent": None, "service": None, "drift_ms": 5, "is_root": False, "replay_id": None}
    async with database.transaction() as connection:
        payload = pack_json({"transaction": "/pay", "tags": {"a": "b"}})
        named = {"event_id": whole, "span_id": f"{1:016x}", "payload": payload}
        await connection.execute(_TRANSACTION, shared | named)
        for number in range(1, 6):
            is_streamed = number > 3
            said = {"number": number} | ({"service.name": "pay"} if is_streamed else {})
            values = {
                "span_id": f"{number:016x}",
                "transaction_id": None if is_streamed else whole,
                "op": "db",
                "description": f"step {number}",
                "data": pack_json(said),
                "is_root": number == 1,
                "replay_id": uuid.UUID(hex=REPLAY) if number == 3 else None,
                "at": NOON + timedelta(microseconds=number),
            }
            await connection.execute(_SPAN, shared | plain | values)


async def test_spans_of_an_older_release_are_moved_into_blocks(database):
    """Each with all it says; in steps, until nothing is left; those that are there already stay."""
    await add_old(database)
    assert await in_trace(database) == []
    await background.tidy_up(database)
    found = {one.description: one for one in await in_trace(database)}
    assert found.keys() == {f"step {number}" for number in range(1, 6)}
    root, child, apart, streamed = (found[f"step {number}"] for number in (1, 2, 3, 4))
    assert (root.is_segment, root.platform, root.transaction_id) == (True, "python", f"{5:032x}")
    assert (child.started_at, child.drift_ms) == (NOON + timedelta(microseconds=2), 5)
    assert (child.ended_at, child.platform) == (child.started_at + timedelta(seconds=1), "python")
    assert (apart.replay_id, apart.platform) == (REPLAY, "python")
    assert (streamed.service, streamed.transaction_id, streamed.platform) == ("pay", None, None)
    async with database.reading() as connection:
        rows = (await connection.execute(text("select * from span_blocks"))).mappings().all()
        assert await connection.scalar(text("select count(*) from spans")) == 0
        assert await connection.scalar(text("select count(*) from transactions")) == 0
        data = await queries.find_span_data(connection, TRACE, SpanId(f"{4:016x}"), BOTH)
        tied = await trace_links.read_traces_of_replays(connection, [REPLAY])
    assert (data, tied) == ({"number": 4, "service.name": "pay"}, {REPLAY: {TRACE}})
    (whole,) = [row for row in rows if row["block_id"] == row["transaction_id"]]
    assert (whole["name"], whole["spans"], len(rows)) == ("/pay", 2, 3)
    assert span_block.read_block_head(whole["content"]) == {
        "transaction": "/pay",
        "tags": {"a": "b"},
    }


@pytest.mark.parametrize("left", ["nothing", "a span that cannot be read"])
async def test_a_transaction_of_an_older_release_without_its_root_is_moved_too(database, left):
    """Nothing stands in the way of the others."""
    await add_old(database)
    async with database.transaction() as connection:
        if left == "nothing":
            await connection.execute(text("delete from spans"))
        await connection.execute(text("update spans set data = 'broken'"))
        assert len(await backfill.move_into_blocks(connection)) > 0
        spans = await connection.scalar(
            text("select spans from span_blocks where block_id = transaction_id")
        )
    assert spans == (0 if left == "nothing" else 2)
