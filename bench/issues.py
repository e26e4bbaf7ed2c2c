# ruff: noqa: INP001 - a script, run by its path
"""Measures the list of issues, the page of an issue and a replay's errors in a big database.

Run: python bench/issues.py [--events 1000000] [--issues 10000] [--spans 1000000] [--rounds 60]
                            [--keep FOLDER]
Starts a Postgres of its own in a temporary folder, fills it by insert-select, opens pages through
the whole application (without the network), and prints p50 and p95 of each in milliseconds: how
long it took, and the processor time of this process, of Postgres, and of both together. On a busy
machine only that means something. What was filled into a folder to keep is measured again by the
next run.

Events fall on issues as they do in life: the first hundredth of the issues has a fifth of them. A
third names one of 20,000 replays; the rest have traces, of which some belong to a replay.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import wiring
from app.accounts import queries as accounts, sign_ins
from app.core.ids import ProjectId, ReplayId
from app.core.settings import Settings
from app.db.engine import Database
from app.db.server.embedded import EmbeddedPostgres
from app.formats.stored.packed_json import pack_json
from app.ingest.digest.link_issues import link_events_to_replays
from app.issues.events import replay_events
from app.playback.links import replay_clock
from app.replays import queries as replays
from app.replays.model import ReplayKey
from app.web.frame import access
from tests.support.builders import payloads

PROJECT: Final = ProjectId(1)
REPLAYS: Final = 20_000
_STEPS: Final = 20
_LINKED: Final = 500
"""Replays that are linked at once."""
_WARM: Final = 8
"""Rounds before the measured ones: by then Postgres has decided how to plan what it was given."""
_POSTMASTERS: Final[set[int]] = set()
"""The process of our Postgres, once it runs."""

_EVENTS: Final = """
    insert into events (
        project_id, event_id, received_at, at, drift_ms, level, kind, title, culprit,
        exception_type, exception_value, handled, mechanism, platform, release, environment,
        sdk_name, recorded_user, trace_id, span_id, replay_id, payload, issue_id
    )
    select 1, md5('e' || n)::uuid, now() - n * interval '2.5 s', now() - n * interval '2.5 s', 0,
        'error', 'error', 'PaymentException: order ' || n, 'com.example.shop.Cart in pay',
        'PaymentException', 'order ' || n, true, 'generic',
        case when i % 3 = 0 then 'python' else 'java' end, 'shop@4.' || i % 7, 'production',
        'sentry.java.android', jsonb_build_object('id', 'u-' || n % 5000),
        md5('t' || n % 400000)::uuid, null,
        case when i % 3 > 0 and n % 2 = 0 then md5('r' || n % :replays)::uuid end,
        :payload, md5('i' || i)::uuid
    from (
        select n, floor(:issues * power(random(), 3))::int as i
        from generate_series(cast(:first as int), cast(:last as int)) n
    ) e
"""
_COUNTED: Final = (
    """
    insert into issue_hours select project_id, issue_id, date_trunc('hour', at), count(*)
    from events group by 1, 2, 3
    """,
    """
    insert into issue_users
    select distinct project_id, issue_id, md5(recorded_user ->> 'id')::uuid from events
    """,
    """
    insert into issue_replays
    select distinct project_id, issue_id, replay_id from events where replay_id is not null
    """,
    "insert into issue_releases select distinct project_id, issue_id, release from events",
    """
    insert into issues (
        project_id, issue_id, grouping_version, first_seen_at, first_event_id, first_release,
        last_seen_at, last_event_id, last_release, level, kind, title, culprit, platform, events,
        users, replays
    )
    select project_id, issue_id, 1, min(at), (array_agg(event_id))[1], min(release), max(at),
        (array_agg(event_id))[1], max(release), min(level), min(kind), min(title), min(culprit),
        min(platform), count(*), count(distinct recorded_user ->> 'id'), count(distinct replay_id)
    from events group by 1, 2
    """,
)
_TIED: Final = tuple(
    f"""
    insert into replay_traces select distinct project_id, replay_id, trace_id from {table}
    where replay_id is not null on conflict do nothing
    """  # noqa: S608 - joined from constants
    for table in ("events", "span_blocks")
)
_REPLAYS: Final = (
    """
    insert into replays (
        project_id, replay_id, first_received_at, last_received_at, started_at, ended_at, segments
    )
    select 1, md5('r' || n)::uuid, at, at + interval '5 min', at, at + interval '5 min', 60
    from (select n, now() - n * interval '2 min' as at from generate_series(0, :replays - 1) n) r
    """,
    """
    insert into replay_traces
    select 1, md5('r' || n)::uuid, md5('t' || n * 3 + k)::uuid
    from generate_series(0, :replays - 1) n, generate_series(0, 2) k
    """,
)
_SPANS: Final = """
    insert into span_blocks (
        project_id, trace_id, block_id, received_at, started_at, ended_at, drift_ms, op, status,
        replay_id, spans, content
    )
    select 1, md5('t' || n % 400000)::uuid, md5('s' || n)::uuid, now(),
        now() - n * interval '0.25 s', now() - n * interval '0.25 s', 0, 'db', 'ok',
        case when n % 50 = 0 then md5('r' || n % :replays)::uuid end, 1, ''
    from generate_series(cast(:first as int), cast(:last as int)) n
    on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is filled in, and how often each thing is measured."""

    events: int
    issues: int
    spans: int
    rounds: int
    keep: str = ""
    """The folder to fill or to find filled; without one, all goes at the end."""


async def fill(database: Database, sizes: Sizes) -> None:
    """Fill the database, in steps that end in time, unless it is full already."""
    async with database.reading() as connection:
        if await connection.scalar(text("select exists (select from events)")):
            return
    packed = pack_json(payloads.event())
    for sql in _REPLAYS:
        await run(database, sql, replays=REPLAYS)
    for first, last in steps(sizes.events):
        values = {"issues": sizes.issues, "replays": REPLAYS, "payload": packed}
        await run(database, _EVENTS, first=first, last=last, **values)
    for first, last in steps(sizes.spans):
        await run(database, _SPANS, first=first, last=last, replays=REPLAYS)
    for sql in (*_COUNTED, *_TIED):
        await run(database, sql)
    await run(database, "analyze")
    async with database.reading() as connection:
        replay_ids = [
            replay_id.hex
            for replay_id in await connection.scalars(text("select replay_id from replays"))
        ]
    for first in range(0, len(replay_ids), _LINKED):
        async with database.transaction() as connection:
            await link_events_to_replays(
                connection,
                (),
                [ReplayId(replay_id) for replay_id in replay_ids[first : first + _LINKED]],
            )
    await run(database, "analyze")


def steps(rows: int) -> list[tuple[int, int]]:
    """Cut 1 to `rows` into equal parts."""
    size = -(-rows // _STEPS) or 1
    return [(first, min(rows, first + size - 1)) for first in range(1, rows + 1, size)]


async def run(database: Database, sql: str, **values: Any) -> None:
    """Run one statement in a transaction of its own."""
    async with database.transaction() as connection:
        await connection.execute(text(sql), values)


async def measure(name: str, rounds: int, once: Callable[[], Awaitable[None]]) -> None:
    """Run something a few times and print how long it took, and what it cost."""
    for _ in range(_WARM):
        await once()
    postgres = [path for pid in _POSTMASTERS for path in children(pid)]
    wall, own, other = [], [], []
    for _ in range(rounds):
        began = time.perf_counter(), time.process_time(), processor_s(postgres)
        await once()
        wall.append(time.perf_counter() - began[0])
        own.append(time.process_time() - began[1])
        other.append(processor_s(postgres) - began[2])
    both = [own_s + other_s for own_s, other_s in zip(own, other, strict=True)]
    say(
        f"{name:30} wall {spread(wall)}  processor {spread(both)}"
        f"  = own {spread(own)} + Postgres {spread(other)}"
    )


def spread(times_s: list[float]) -> str:
    """Write p50 and p95 in milliseconds."""
    ordered_s = sorted(times_s)
    p95 = ordered_s[max(0, round(len(ordered_s) * 0.95) - 1)]
    return f"{statistics.median(ordered_s) * 1000:6.1f} {p95 * 1000:6.1f}"


def children(pid: int) -> list[Path]:
    """Return where the kernel counts the nanoseconds of each process that Postgres runs."""
    paths = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == pid:
            paths.append(path.with_name("schedstat"))
    return paths


def processor_s(paths: list[Path]) -> float:
    """Add up the processor time of some processes."""
    return sum(int(path.read_text().split()[0]) for path in paths) / 1e9


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def pages(web: httpx2.AsyncClient, database: Database, rounds: int) -> None:
    """Open lists and pages of issues, the biggest and any."""
    for query in ("", "sort=replays", "sort=events&status=all", "q=order+7", "release=shop%404.3"):
        await measure(f"list ?{query}", rounds, partial(get, web, f"/issues?{query}"))
    async with database.reading() as connection:
        rows = await connection.scalars(text("select issue_id from issues order by events desc"))
        ids = [issue_id.hex for issue_id in rows]
    dice = random.Random(7)  # noqa: S311 - a choice, no secret
    paths = {"biggest": lambda: ids[0], "any": lambda: dice.choice(ids)}
    for name, choose in paths.items():
        for page in ("", "/replays"):
            await measure(f"issue, {name} {page}", rounds, partial(get_chosen, web, choose, page))


async def get(web: httpx2.AsyncClient, path: str) -> None:
    """Open a page of ours."""
    answer = await web.get(path)
    if answer.status_code != httpx2.codes.OK:
        raise SystemExit(f"{path} answered {answer.status_code}")


async def get_chosen(web: httpx2.AsyncClient, choose: Callable[[], str], tab: str) -> None:
    """Open a page of an issue that is chosen anew each time."""
    await get(web, f"/projects/1/issues/{choose()}{tab}")


async def errors_of_replays(database: Database, rounds: int) -> None:
    """Read the errors of replays, as their pages do."""
    dice = random.Random(7)  # noqa: S311 - a choice, no secret
    async with database.reading() as connection:
        rows = await connection.scalars(text("select replay_id from replays limit 1000"))
        ids = [ReplayId(replay_id.hex) for replay_id in rows]

        async def once() -> None:
            replay = await replays.find_replay(connection, ReplayKey(PROJECT, dice.choice(ids)))
            if replay is None:
                raise SystemExit("the replay is gone")
            (window,) = await replay_clock.read_windows(connection, [replay])
            await replay_events.read_linked_events(connection, window, [PROJECT], home=PROJECT)

        await measure("errors of a replay", rounds, once)


async def bench(sizes: Sizes) -> None:
    """Fill, and measure."""
    with ExitStack() as stack:
        folder = sizes.keep or stack.enter_context(
            tempfile.TemporaryDirectory(prefix="playhead-bench-")
        )
        settings = Settings(data_dir=Path(folder), journal_reserve_bytes=0)
        async with wiring.open_service(settings) as service:
            await service.preparation.done.wait()
            urls = EmbeddedPostgres.running(Path(folder))
            assert urls is not None  # noqa: S101 - it has just started
            database = Database.open(urls.owner)  # who may also analyze
            pid_file = Path(folder, "postgres", "postmaster.pid")
            _POSTMASTERS.add(int(pid_file.read_text().split()[0]))  # noqa: ASYNC240 - before all
            started = time.perf_counter()
            await fill(database, sizes)
            say(f"filled {sizes} in {time.perf_counter() - started:.0f} s")
            say(f"{'':30}      p50    p95 ms")
            async with database.transaction() as connection:
                admin = next(
                    person for person in await accounts.list_people(connection) if person.is_admin
                )
                token = await sign_ins.start_sign_in(connection, admin.id, user_agent="bench")
            cookies = {access.cookie_name(service.page_services): token}
            transport = httpx2.ASGITransport(app=service.application)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://bench", cookies=cookies
            ) as web:
                await pages(web, database, sizes.rounds)
            await errors_of_replays(database, sizes.rounds)
            await database.close()


def read_sizes() -> Sizes:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure issues.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--keep", default="")
    given = parser.parse_args()
    return Sizes(given.events, given.issues, given.spans, given.rounds, given.keep)


if __name__ == "__main__":
    asyncio.run(bench(read_sizes()))
