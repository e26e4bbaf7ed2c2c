# ruff: noqa: INP001 - a script, run by its path
"""Measures what links a replay to its errors and spans, among many, in a Postgres of its own.

Run: python bench/traces.py [--spans 10000000] [--events 1000000] [--rounds 300]

A replay has five traces of forty spans, in blocks of two projects. Half of all items name it; the
others are found by trace and time. One trace lives for all of that time and has a twentieth of
everything: every hundredth replay runs through it too. Prints the median and the 95th percentile in
milliseconds, and the bytes that a span takes in Postgres, indexes included.
"""

import argparse
import asyncio
import hashlib
import random
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from app.core.ids import ProjectId, ReplayId
from app.db import migrate
from app.db.engine import Database
from app.db.server.postmaster import SETTINGS, Postmaster
from app.formats.stored import span_block
from app.issues.events import replay_events
from app.playback.links import replay_clock
from app.replays import queries as replays
from app.replays.model import ReplayKey
from app.traces import queries as traces

_PROJECTS: Final = (ProjectId(1), ProjectId(2))
_CHUNK: Final = 200_000
_REPLAYS_AT_ONCE: Final = 500
_FIRST: Final = datetime(2026, 6, 1, tzinfo=UTC)
_TRACES: Final = 5
_SPANS_A_REPLAY: Final = 200
_LONG_SHARE: Final = 20
_LONG_PLACE: Final = 7
_THROUGH_LONG: Final = 100

_REPLAYS: Final = """
    with made as (
        insert into replays (project_id, replay_id, first_received_at, last_received_at,
            started_at, ended_at)
        select 1, md5('r' || n)::uuid, at, at, at, at + interval '200 s'
        from (select n, timestamptz '2026-06-01' + n * interval '20 s' as at
              from generate_series(0, cast(:replays as int) - 1) as n) as m
    )
    insert into replay_traces (project_id, replay_id, trace_id)
    select 1, md5('r' || n)::uuid, md5('t' || n * 5 + k)::uuid
    from generate_series(0, cast(:replays as int) - 1) as n, generate_series(0, 4) as k
    union all
    select 1, md5('r' || n)::uuid, md5('long')::uuid
    from generate_series(0, cast(:replays as int) - 1, 100) as n
"""
# `n` counts the items of a table, `of` is their replay, `k` their place in it.
_ITEMS: Final = """
    select n, of, k, 1 + k % 2 as project,
           case when n % 20 = 7 then md5('long')::uuid
                else md5('t' || of * 5 + k * 5 / cast(:each as int))::uuid end as trace,
           case when n % 20 <> 7 and k % 4 < 2 then md5('r' || of)::uuid end as replay,
           timestamptz '2026-06-01' + of * interval '20 s' + k * interval '200 s' / :each as at
    from (select n, n / cast(:each as int) as of, n % cast(:each as int) as k
          from generate_series(cast(:first as bigint), cast(:last as bigint)) as n) as m
"""
_BLOCK: Final = (
    "project_id", "block_id", "trace_id", "replay_id", "received_at", "started_at", "ended_at",
    "drift_ms", "platform", "spans", "content",
)  # fmt: skip
_EVENTS: Final = f"""
    insert into events (project_id, event_id, received_at, at, drift_ms, level, kind, title,
        environment, recorded_user, trace_id, replay_id, payload)
    select project, md5('e' || n)::uuid, at, at, 0, 'error', 'error', 'ValueError: no card',
           'production', '{{}}', trace, replay, '\\x00'
    from ({_ITEMS}) as i
"""  # noqa: S608 - joined from constants


async def fill(database: Database, *, spans: int, events: int) -> int:
    """Make replays with their items; returns how many replays there are."""
    number = spans // _SPANS_A_REPLAY
    async with database.transaction() as connection:
        await connection.execute(text(_REPLAYS), {"replays": number})
    for first in range(0, events, _CHUNK):
        last = min(first + _CHUNK, events) - 1
        async with database.transaction() as connection:
            values = {"first": first, "last": last, "each": max(1, events // number)}
            await connection.execute(text(_EVENTS), values)
    for first in range(0, number, _REPLAYS_AT_ONCE):
        many = range(first, min(first + _REPLAYS_AT_ONCE, number))
        rows = [block for replay in many for block in blocks_of(replay)]
        async with database.transaction() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None  # noqa: S101 - it is open
            await raw.copy_records_to_table("span_blocks", records=rows, columns=_BLOCK)
    async with database.transaction() as connection:
        for table in ("replays", "replay_traces", "span_blocks", "events"):
            await connection.execute(text(f"analyze {table}"))
    return number


def blocks_of(replay: int) -> list[tuple[Any, ...]]:
    """Make the blocks of a replay: of each trace in each project, naming the replay or not."""
    groups: defaultdict[tuple[str, int, bool, int], list[int]] = defaultdict(list)
    for k in range(_SPANS_A_REPLAY):
        part = k * _TRACES // _SPANS_A_REPLAY
        is_long = (replay * _SPANS_A_REPLAY + k) % _LONG_SHARE == _LONG_PLACE
        name = "long" if is_long else f"t{replay * _TRACES + part}"
        groups[name, 1 + k % 2, not is_long and k % 4 < 2, part].append(k)  # noqa: PLR2004 - half
    return [_block(replay, where, places) for where, places in groups.items()]


def _block(replay: int, where: tuple[str, int, bool, int], places: list[int]) -> tuple[Any, ...]:
    name, project, is_named, _ = where
    starts = [_FIRST + timedelta(seconds=20 * replay + k) for k in places]
    spans = [
        {
            "span_id": f"{replay * _SPANS_A_REPLAY + k:016x}",
            "parent_span_id": _id(f"p{replay * _TRACES}").hex[:16],
            "op": "db",
            "description": f"select name, price from items where id = {k * 7919 % 1000}",  # noqa: S608
            "status": "ok",
            "start_timestamp": at.timestamp(),
            "timestamp": at.timestamp() + 0.03,
            "origin": "auto.db",
            "data": {"db.system": "postgresql", "thread.name": "main", "rows": k},
        }
        for k, at in zip(places, starts, strict=True)
    ]
    first, last = starts[0], starts[-1] + timedelta(milliseconds=30)
    return (
        project, _id(f"b{replay}{where}"), _id(name), _id(f"r{replay}") if is_named else None,
        first, first, last, 0, "python", len(spans), span_block.pack_block(spans),
    )  # fmt: skip


def _id(name: str) -> uuid.UUID:
    return uuid.UUID(hex=hashlib.md5(name.encode()).hexdigest())  # noqa: S324 - an id


async def measure(url: str, *, spans: int, events: int, rounds: int) -> None:
    """Fill a database and time the questions of a replay's page."""
    await migrate.upgrade(url)
    database = Database.open(url, pool_size=2)
    number = await fill(database, spans=spans, events=events)
    async with database.reading() as connection:
        size = await connection.scalar(text("select pg_total_relation_size('span_blocks')"))
    sys.stdout.write(f"{spans:,} spans, {events:,} events, {number:,} replays; median, p95, ms\n")
    sys.stdout.write(f"{size / spans:.0f} bytes a span\n")
    for name, step in (("replays", 1), ("replays of the long trace", _THROUGH_LONG)):
        chance = random.Random(7)  # noqa: S311 - the same replays in every run
        picked = [chance.randrange(number // step) * step for _ in range(rounds)]
        await _ask_all(database, name, picked)
    await database.close()


async def _ask_all(database: Database, name: str, picked: list[int]) -> None:
    took_ms: defaultdict[str, list[float]] = defaultdict(list)
    items = 0
    for number in picked:
        replay_id = ReplayId(_id(f"r{number}").hex)
        async with database.reading() as connection:
            replay = await replays.find_replay(connection, ReplayKey(_PROJECTS[0], replay_id))
            if replay is None:
                raise LookupError(replay_id)
            began = time.perf_counter()
            (window,) = await replay_clock.read_windows(connection, [replay])
            known = time.perf_counter()
            errors = await replay_events.read_linked_events(
                connection, window, _PROJECTS, home=_PROJECTS[0]
            )
            erred = time.perf_counter()
            found_spans = await traces.read_spans_of_replay(connection, window, _PROJECTS)
            ended = time.perf_counter()
        items += len(errors.events) + len(found_spans.spans)
        for step, ms in (
            ("which traces", known - began),
            ("errors", erred - known),
            ("spans", ended - erred),
        ):
            took_ms[step].append(ms * 1000)
    sys.stdout.write(f"{name}: {items / len(picked):.0f} items each\n")
    for step, values in took_ms.items():
        worst = statistics.quantiles(values, n=20)[-1]
        sys.stdout.write(f"{statistics.median(values):8.2f} {worst:8.2f}  {step}\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=300)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="playhead-bench-"))
    postmaster = Postmaster(folder, settings={**SETTINGS, "fsync": "off"})
    try:
        url = postmaster.start()
        asyncio.run(measure(url, spans=asked.spans, events=asked.events, rounds=asked.rounds))
    finally:
        postmaster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
