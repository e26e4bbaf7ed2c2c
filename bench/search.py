# ruff: noqa: INP001 - a script, run by its path
"""Measures the list of replays: pages and searches over many replays, in a Postgres of its own.

Run: python bench/search.py [--replays 1000000] [--rounds 20]
Prints the median and the 95th percentile of each search in milliseconds.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import text

from app.core import clock
from app.core.ids import PersonId, ProjectId
from app.db import migrate
from app.db.engine import Database
from app.db.server.postmaster import SETTINGS, Postmaster
from app.playback.replay_search import ReplaySearch, search_replays
from app.replays.search import query_language as search
from app.replays.search.orders import NEWEST, ORDERS

_PROJECT: Final = ProjectId(1)
_CHUNK: Final = 10_000
_SEARCHES: Final = (
    "",
    "os.name:Android",
    'device.model:"Model 7" os.version:12',
    "user.id:user-77",
    "user.email:*77@example.com",
    "release:app@3.1 !environment:staging",
    "screen:Screen7*",
    "screen:Nowhere",
    "duration:>10m",
    "plan:pro os.name:iOS (device.brand:b1 OR count_taps:>90)",
    "count_errors:>0",
    "nothing",
)
_FILL: Final = """
    insert into replays (project_id, replay_id, first_received_at, last_received_at, started_at,
        ended_at, type_rank, replay_type, facts_rank, facts, user_rank, recorded_user, screens,
        segments, video_segments, video_ms, video_bytes, frames, breadcrumbs, taps)
    select 1, gen_random_uuid(), at, at, at, at + (random() * random() * interval '900 s'),
        0, 'session', 0,
        jsonb_build_object('os_name', case when n % 3 = 0 then 'iOS' else 'Android' end,
            'os_version', (8 + n % 11)::text, 'device_model', 'Model ' || n % 400,
            'device_brand', 'b' || n % 20, 'release', 'app@' || n % 7 || '.' || n % 5,
            'environment', case when n % 10 = 0 then 'staging' else 'production' end,
            'platform', 'java', 'sdk_name', 'sentry.java.android', 'sdk_version', '8.53.0',
            'tags', jsonb_build_object('plan', case when n % 50 = 0 then 'pro' else 'free' end)),
        0,
        jsonb_build_object('id', 'user-' || n % 50000, 'email', n % 50000 || '@example.com'),
        array['00000:00:Login', '00001:00:Screen' || n % 30, '00002:00:Screen' || n % 11],
        12, 12, 60000, 900000, 60, 40, n % 100
    from (
        select n, now() - n * interval '1.2 s' as at
        from generate_series(cast(:first as int), cast(:last as int)) as n
    ) as m
"""


async def measure(url: str, *, replays: int, rounds: int) -> None:
    """Fill a database and time each search."""
    await migrate.upgrade(url)
    database = Database.open(url, pool_size=2)
    for first in range(0, replays, _CHUNK):
        async with database.transaction() as connection:
            await connection.execute(text(_FILL), {"first": first, "last": first + _CHUNK - 1})
    async with database.transaction() as connection:
        await connection.execute(text("analyze replays"))
    sys.stdout.write(f"{replays:,} replays in one project; median, p95 of {rounds}, ms\n")
    for order in ORDERS.values():
        for query in _SEARCHES if order is NEWEST else _SEARCHES[:2]:
            asked = ReplaySearch(
                PersonId(1), (_PROJECT,), (_PROJECT,), search.read_query(query), order
            )
            took_ms, page = [], None
            for _ in range(rounds):
                async with database.reading() as connection:
                    began = time.perf_counter()
                    page = await search_replays(connection, asked, limit=50, now=clock.now())
                    took_ms.append((time.perf_counter() - began) * 1000)
            worst = statistics.quantiles(took_ms, n=20)[-1]
            rows = len(page.rows) if page else 0
            cut = ", cut short" if page and page.stopped_at else ""
            name = f"{order.name:8} {query or '(everything)'}"
            sys.stdout.write(
                f"{statistics.median(took_ms):8.1f} {worst:8.1f}  {name}: {rows} rows{cut}\n"
            )
    await database.close()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="playhead-bench-"))
    postmaster = Postmaster(folder, settings={**SETTINGS, "fsync": "off"})
    try:
        url = postmaster.start()
        asyncio.run(measure(url, replays=asked.replays, rounds=asked.rounds))
    finally:
        postmaster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
