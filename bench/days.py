# ruff: noqa: INP001 - a script, run by its path
"""Measures what days cost: the upgrade of a big database, and reading among many partitions.

Run: python bench/days.py [--segments 1000000] [--events 200000] [--days 40]
Starts a Postgres of its own in a temporary folder. It fills the schema of the release before days,
upgrades it, and prints how long that took. Then it makes partitions of three classes for each day,
and prints how long Postgres plans and runs what the page of a replay asks for.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.core.days import RetentionClass
from app.core.ids import ProjectId
from app.db import migrate
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import FAMILIES, Partition
from app.db.server.embedded import EmbeddedPostgres
from app.issues.events import replay_events
from app.playback.links import replay_clock
from app.replays import queries
from app.replays.segments import segment_queries
from app.traces import logs, queries as traces
from tests.support.servers import migrations

_BEFORE: Final = "0022"
_ROUNDS: Final = 20
_SEGMENTS: Final = """
    insert into segments (
        project_id, replay_id, segment_id, received_at, drift_ms, started_at, ended_at, replay_type,
        sdk_name, width_px, height_px, frames, codec, pack_id, object_offset, object_bytes, layout,
        recording, breadcrumbs, screens
    )
    select 1, md5((n / 50)::text)::uuid, n % 50, now(), 0, now(), now(), 'session',
        'sentry.java.android', 400, 800, 5, 'avc1.64001e', n / 34, 0, 30000,
        decode(repeat(md5(n::text), 3), 'hex'), decode(repeat(md5(n::text), 28), 'hex'), 3,
        array['Home', 'Cart']
    from generate_series(0, $1::int - 1) as n
"""
_REPLAYS: Final = """
    insert into replays (
        project_id, replay_id, first_received_at, last_received_at, started_at, ended_at, segments
    )
    select 1, replay_id, now() + row_number() over (order by replay_id desc) * interval '1 us',
        now(), now(), now(), count(*)
    from segments group by replay_id
"""
_EVENTS: Final = """
    insert into events (
        project_id, event_id, received_at, at, drift_ms, level, kind, title, recorded_user,
        trace_id, replay_id, payload, issue_id
    )
    select 1, md5('e' || n)::uuid, now(), now(), 0, 'error', 'error', 'Failure ' || n % 100, '{}',
        md5('t' || n)::uuid, md5((n % 1000)::text)::uuid, decode(repeat(md5(n::text), 40), 'hex'),
        md5((n % 100)::text)::uuid
    from generate_series(1, $1::int) as n
"""
_MOVE: Final = """
    update {} set day = current_date
    where replay_id in (select replay_id from replays order by replay_id limit 1000)
"""


async def measure_upgrade(url: str, segments: int, events: int) -> None:
    """Fill the schema of the release before days, and print how long its upgrade takes."""
    await migrations.upgrade_to(url, _BEFORE)
    connection = await asyncpg.connect(url)
    for sql, rows in ((_SEGMENTS, segments), (_EVENTS, events)):
        await connection.execute(sql, rows)
    await connection.execute(_REPLAYS)
    await connection.execute("vacuum analyze")
    size = await connection.fetchval("select pg_size_pretty(pg_database_size(current_database()))")
    sys.stdout.write(f"{segments:,} segments and {events:,} events, {size}\n")
    for revision in [each for each in migrate.known_revisions() if each > _BEFORE]:
        start_s = time.perf_counter()
        await migrations.upgrade_to(url, revision)
        took_s = time.perf_counter() - start_s
        sys.stdout.write(f"  migration {revision}: {took_s:.2f} s\n")
    await connection.close()


async def fill_days(database: Database, number: int) -> None:
    """Make the partitions of many days, and move the replays and events of today among them."""
    async with database.transaction() as connection:
        today = await days.read_today(connection)
        await days.ensure_partitions(
            connection,
            [
                Partition(family, today - timedelta(days=ago), kept)
                for family in FAMILIES
                for ago in range(number)
                for kept in RetentionClass
                if kept != RetentionClass.KEPT
            ],
        )
        for table in ("replays", "segments", "events"):
            await connection.execute(text(_MOVE.format(table)))
        await connection.execute(text("insert into projects (name, slug) values ('A', 'a')"))
    async with database.reading() as connection:
        await connection.execute(text("analyze"))


async def measure_reading(database: Database) -> None:
    """Print how long the look-ups of a page take, one by one."""
    async with database.reading() as connection:
        [replay] = await queries.read_newest_replays(connection, ProjectId(1), limit=1)
        key = replay.key
        [window] = await replay_clock.read_windows(connection, [replay])
        mine = [ProjectId(1)]
        steps: dict[str, Callable[[], Awaitable[object]]] = {
            "segments": lambda: segment_queries.read_segments(connection, key, day=replay.day),
            "events": lambda: replay_events.read_linked_events(
                connection, window, mine, home=ProjectId(1)
            ),
            "spans": lambda: traces.read_spans_of_replay(connection, window, mine),
            "logs": lambda: logs.read_logs_of_replay(connection, window, mine),
        }
        for name, step in steps.items():
            took_ms = []
            for _ in range(_ROUNDS):
                start_s = time.perf_counter()
                await step()
                took_ms.append((time.perf_counter() - start_s) * 1_000)
            best, median = min(took_ms), sorted(took_ms)[_ROUNDS // 2]
            sys.stdout.write(f"  {name}: {best:.2f} ms at best, median {median:.2f} ms\n")


async def main() -> None:
    """Run both measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--days", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="playhead-days-") as folder:
        postgres = EmbeddedPostgres()
        urls = await postgres.start(Path(folder))
        try:
            await measure_upgrade(urls.owner, options.segments, options.events)
            database = Database.open(urls.owner, pool_size=2)
            await fill_days(database, options.days)
            sys.stdout.write(f"{options.days} days of three classes\n")
            await measure_reading(database)
            await database.close()
        finally:
            await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
