# ruff: noqa: INP001 - a script, run by its path
"""Measures the end of a day: the bounded deletes, the drop of its partitions, its objects.

Run: python bench/retention.py [--days 40] [--replays 500] [--segments 50] [--rounds 5]
Fills a Postgres of its own with sealed replays, and lets the oldest day go, round by round. WAL is
counted without full-page images: `full_page_writes` is off.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from app.core.days import RetentionClass
from app.core.ids import ProjectId, ReplayId
from app.db import migrate
from app.db.engine import Database
from app.db.partitions import days
from app.db.partitions.days import FAMILIES, Partition
from app.db.server.postmaster import SETTINGS, Postmaster
from app.projects import retention_rules, writes
from app.projects.retention_rules import ProjectRules
from app.replays.model import ReplayKey
from app.retention import execute, inventory
from app.retention.day_ends import EndedPart
from app.retention.plan import DeleteReplays, DropPartition, make_plan
from app.retention.sweep import sweep_ended_days
from app.storage.disk.local import LocalStore

_CLASS: Final = RetentionClass.MEDIUM
_FILL: Final = (
    """
    insert into replays (project_id, replay_id, day, retention_class, closed_at,
        first_received_at, last_received_at, started_at, ended_at, type_rank, replay_type,
        facts_rank, facts, user_rank, recorded_user, screens, segments, video_segments, video_ms,
        video_bytes, frames, breadcrumbs, taps)
    select 1, md5(:day || '/' || n)::uuid, :day, :class, at, at, at, at, at + interval '250 s', 0,
        'session', 0,
        jsonb_build_object('os_name', 'Android', 'device_model', 'Model ' || n % 400, 'release',
            'app@' || n % 7, 'tags', jsonb_build_object('plan', 'free')),
        0, jsonb_build_object('id', 'user-' || n, 'email', n || '@example.com'),
        array['00000:00:Login', '00001:00:Screen' || n % 30], :segments, :segments, 250000,
        900000, 1250, 40, n % 100
    from (
        select n, cast(:day as timestamptz) + n * interval '170 s' as at
        from generate_series(1, :replays) as n
    ) as m
    """,
    """
    insert into packs (object_key, live)
    select cast(:day as text) || '/1/' || replace(md5(:day || '/' || n), '-', '') || '/sealed-1',
        :segments
    from generate_series(1, :replays) as n
    """,
    """
    insert into segments (project_id, replay_id, segment_id, day, retention_class, received_at,
        drift_ms, started_at, ended_at, replay_type, sdk_name, width_px, height_px, frames, codec,
        pack_id, object_offset, object_bytes, layout, recording, recording_offset, recording_bytes,
        breadcrumbs, screens)
    select 1, md5(:day || '/' || n)::uuid, s, :day, :class, now(), 120, now(), now(), 'session',
        'sentry.java.android', 448, 960, 25, 'avc1.42c01f', p.id, s * 18000, 18000,
        decode(repeat(md5(n::text), 5), 'hex'), null, 900000 + s * 640, 640, 4,
        array['00000:00:Login']
    from generate_series(1, :replays) as n
    join packs p on p.object_key = cast(:day as text) || '/1/' || md5(:day || '/' || n)
        || '/sealed-1'
    cross join generate_series(0, :segments - 1) as s
    """,
    """
    insert into replay_traces (project_id, replay_id, trace_id)
    select 1, md5(:day || '/' || n)::uuid, gen_random_uuid()
    from generate_series(1, :replays) as n cross join generate_series(1, 3)
    """,
    """
    insert into replay_pictures (project_id, replay_id, made_at, object_key)
    select 1, md5(:day || '/' || n)::uuid, now(),
        cast(:day as text) || '/1/' || md5(:day || '/' || n) || '/pictures-1'
    from generate_series(1, :replays) as n
    """,
    """
    insert into events (project_id, event_id, day, retention_class, received_at, at, drift_ms,
        level, kind, title, recorded_user, trace_id, replay_id, payload, issue_id)
    select 1, gen_random_uuid(), :day, :class, now(), now(), 0, 'error', 'error', 'Oh no', '{}',
        gen_random_uuid(), md5(:day || '/' || n)::uuid, decode(repeat(md5(n::text), 60), 'hex'),
        md5((n % 50)::text)::uuid
    from generate_series(1, :replays) as n
    """,
    """
    insert into logs (project_id, log_id, day, retention_class, received_at, at, drift_ms, level,
        body, trace_id, attributes)
    select 1, gen_random_uuid(), :day, :class, now(), now(), 0, 'info', 'Something was done',
        gen_random_uuid(), decode(md5(n::text), 'hex')
    from generate_series(1, :replays * 10) as n
    """,
    """
    insert into span_blocks (project_id, block_id, day, retention_class, trace_id, received_at,
        started_at, ended_at, drift_ms, spans, content)
    select 1, gen_random_uuid(), :day, :class, gen_random_uuid(), now(), now(), now(), 0, 12,
        decode(repeat(md5(n::text), 40), 'hex')
    from generate_series(1, :replays * 4) as n
    """,
    """
    insert into storage_days (project_id, day, kind, items, size_bytes)
    values (1, :day, 'video', :replays * :segments, :replays * 900000)
    """,
)


@dataclass
class Sizes:
    """How much there is."""

    days: int
    replays: int
    segments: int
    rounds: int


async def fill(database: Database, objects: LocalStore, sizes: Sizes) -> None:
    """Store replays of the last days, and the objects of those that will go."""
    async with database.transaction() as connection:
        today = await days.read_today(connection)
        await writes.add_project(connection, "Bench")
    for age in range(sizes.days):
        day = today - timedelta(days=age)
        async with database.transaction() as connection:
            await days.ensure_partitions(
                connection, [Partition(family, day, _CLASS) for family in FAMILIES]
            )
            parameters = {
                "day": day, "class": _CLASS.value, "replays": sizes.replays,
                "segments": sizes.segments,
            }  # fmt: skip
            for statement in _FILL:
                names = [name for name in parameters if f":{name}" in statement]
                await connection.execute(
                    text(_cast(statement)), {name: parameters[name] for name in names}
                )
            sealed: list[str] = []
            if age >= sizes.days - sizes.rounds:
                keys = await connection.execute(
                    text("select object_key from packs where object_key like :prefix"),
                    {"prefix": f"{day}/%"},
                )
                sealed = list(keys.scalars())
        await objects.put_many([(key, b"sealed") for key in sealed])
        pictures = [key.replace("sealed-1", "pictures-1") for key in sealed]
        await objects.put_many([(key, b"pictures") for key in pictures])


async def end_oldest_day(database: Database, objects: LocalStore, keep_days: int) -> list[float]:
    """Let the oldest day go; returns what its parts cost, in ms and kB."""
    project = ProjectId(1)
    async with database.transaction() as connection:
        rules = ProjectRules(follows_server=False, keep_days=keep_days)
        await retention_rules.write_rules(connection, project, rules)
        rule_set = await inventory.read_rule_set(connection)
    started = time.perf_counter()
    async with database.reading() as connection:
        (act,) = make_plan(await inventory.read_inventory(connection, rule_set))
        exempt = await inventory.read_exemptions(connection)
    if not isinstance(act, DropPartition):
        raise SystemExit("the day is not dropped")
    plan_ms = _since_ms(started)
    wal, started = await _read_wal(database), time.perf_counter()
    replays, segments = await execute.expire_part(
        database, act.day, act.retention_class, project, "bench", dropped=True
    )
    delete_ms, delete_kb = _since_ms(started), (await _read_wal(database) - wal) / 1000
    part = EndedPart(project, "bench", replays, segments, Counter())
    async with database.reading() as connection:
        await execute.count_part_rows(connection, act, [part])
    wal, started = await _read_wal(database), time.perf_counter()
    async with database.transaction() as connection:
        if not await execute.drop_partitions_now(connection, act, [part], exempt):
            raise SystemExit("something stays")
    drop_ms, drop_kb = _since_ms(started), (await _read_wal(database) - wal) / 1000
    started = time.perf_counter()
    await sweep_ended_days(database, objects)
    sweep_ms = _since_ms(started)
    from app.erasure.sweep import sweep_once  # noqa: PLC0415 - not part of what is measured

    while await sweep_once(database, objects):
        pass
    if await objects.list(f"{act.day}/"):
        raise SystemExit("objects are left")
    return [plan_ms, delete_ms, delete_kb, drop_ms, drop_kb, sweep_ms]


async def end_single_replays(database: Database, quantity: int) -> float:
    """Let single replays of the newest day go, as at a byte limit; returns the ms."""
    async with database.reading() as connection:
        rows = await connection.execute(
            text("select replay_id from replays order by first_received_at desc limit :most"),
            {"most": quantity},
        )
        keys = tuple(ReplayKey(ProjectId(1), ReplayId(row.replay_id.hex)) for row in rows)
    started = time.perf_counter()
    await execute.carry_out(database, DeleteReplays(ProjectId(1), keys, "bench", 0))
    return _since_ms(started)


async def measure(url: str, folder: Path, sizes: Sizes) -> None:
    """Fill a server and time the end of some days."""
    await migrate.upgrade(url)
    database, objects = Database.open(url, pool_size=4), LocalStore(folder, threads=4)
    started = time.perf_counter()
    await fill(database, objects, sizes)
    async with database.transaction() as connection:
        await connection.execute(text("analyze"))
        total = await connection.scalar(text("select count(*) from segments"))
        bytes_a_row = await connection.scalar(
            text(
                "select sum(pg_total_relation_size(inhrelid)) / greatest(:total, 1)"
                " from pg_inherits where inhparent = 'segments'::regclass"
            ),
            {"total": total},
        )
    sys.stdout.write(
        f"{total:,} segments in {sizes.days} days, filled in {_since_ms(started) / 1000:.0f} s; "
        f"{bytes_a_row:.0f} bytes a segment with its index\n"
    )
    rounds = [
        await end_oldest_day(database, objects, sizes.days - 2 - number)
        for number in range(sizes.rounds)
    ]
    names = ("plan, ms", "bounded deletes, ms", "bounded deletes, kB of WAL", "drop, ms",
             "drop, kB of WAL", "sweep of objects, ms")  # fmt: skip
    for name, values in zip(names, zip(*rounds, strict=True), strict=True):
        sys.stdout.write(
            f"{name:28} median {statistics.median(values):8.1f}  most {max(values):8.1f}\n"
        )
    single_ms = await end_single_replays(database, sizes.replays)
    sys.stdout.write(f"{sizes.replays} single replays with their segments: {single_ms:.0f} ms\n")
    await objects.close()
    await database.close()


def _cast(statement: str) -> str:
    """Give the parameters the types that Postgres cannot guess."""
    for name, kind in (("day", "date"), ("class", "smallint"), ("replays", "int"),
                       ("segments", "int")):  # fmt: skip
        statement = statement.replace(f"cast(:{name} as", f"cast(cast(:{name}_ as {kind}) as")
        statement = statement.replace(f":{name} ||", f"cast(:{name}_ as {kind})::text ||")
        statement = statement.replace(f":{name},", f"cast(:{name}_ as {kind}),")
        statement = statement.replace(f":{name})", f"cast(:{name}_ as {kind}))")
        statement = statement.replace(f":{name} ", f"cast(:{name}_ as {kind}) ")
        statement = statement.replace(f":{name}\n", f"cast(:{name}_ as {kind})\n")
        statement = statement.replace(f":{name}_", f":{name}")
    return statement


async def _read_wal(database: Database) -> int:
    async with database.reading() as connection:
        return int(
            await connection.scalar(
                text("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
            )
        )


def _since_ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--replays", type=int, default=500)
    parser.add_argument("--segments", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    folder, objects = (Path(tempfile.mkdtemp(prefix="playhead-bench-")) for _ in range(2))
    postmaster = Postmaster(folder, settings={**SETTINGS, "full_page_writes": "off"})
    try:
        asyncio.run(measure(postmaster.start(), objects, Sizes(**vars(arguments))))
    finally:
        postmaster.stop()
        for each in (folder, objects):
            shutil.rmtree(each, ignore_errors=True)


if __name__ == "__main__":
    main()
