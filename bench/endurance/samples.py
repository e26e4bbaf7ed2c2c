"""Looks at a running server again and again: memory, open files, backlog, size of the database."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import httpx2

from app.core import clock
from app.db.server import postmaster
from bench.endurance.open_files import count_open_files
from bench.endurance.table_sizes import read_table_sizes
from bench.ingest.load import HOST
from bench.ingest.servers import MeasuredServer

_MIB: Final = 1024 * 1024
_HOUR_S: Final = 3_600.0
_BACKLOG: Final = re.compile(
    r"^playhead_journal_backlog_(entries|oldest_seconds) (\S+)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ServerSample:
    """A server at one moment."""

    at_s: float
    resident_mib: float
    """Memory of the server's own process; its Postgres and its children have their own."""
    open_files: int
    backlog: int
    oldest_s: float
    """The time for which the oldest envelope of the backlog waits."""
    database_bytes: int
    segments: int
    files_by_kind: Counter[str] = field(default_factory=Counter)
    """What the open files are."""
    table_bytes: Counter[str] = field(default_factory=Counter)
    """What takes the bytes of the database: tables, and indexes by the name of their table."""


class ServerWatcher:
    """Takes samples of a server in fixed intervals."""

    def __init__(self, server: MeasuredServer, *, interval_s: float) -> None:
        """Watch a server.

        Args:
            server: The server.
            interval_s: The time between two samples; each costs the server some milliseconds.
        """
        self.samples: list[ServerSample] = []
        self._server = server
        self._interval_s = interval_s
        self._began_s = clock.monotonic_s()

    async def watch(self, on_sample: Callable[[ServerSample], None]) -> None:
        """Take samples until the task is cancelled."""
        connection = await asyncpg.connect(postmaster.find_running_url(self._server.place))
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
                while True:
                    self.samples.append(await self._take_sample(connection, client))
                    on_sample(self.samples[-1])
                    await asyncio.sleep(self._interval_s)
        finally:
            await connection.close()

    async def _take_sample(
        self, connection: "asyncpg.Connection[asyncpg.Record]", client: httpx2.AsyncClient
    ) -> ServerSample:
        answer = await client.get(f"http://{HOST}:{self._server.target.port}/metrics")
        backlog = dict(_BACKLOG.findall(answer.text))
        process = Path(f"/proc/{self._server.pid}")
        (resident_kb,) = re.findall(
            r"^VmRSS:\s+(\d+)", (process / "status").read_text(), re.MULTILINE
        )
        files = count_open_files(self._server.pid)
        return ServerSample(
            at_s=clock.monotonic_s() - self._began_s,
            resident_mib=int(resident_kb) / 1024,
            open_files=files.total(),
            backlog=int(float(backlog["entries"])),
            oldest_s=float(backlog["oldest_seconds"]),
            database_bytes=await connection.fetchval("select pg_database_size(current_database())"),
            segments=await connection.fetchval(
                "select coalesce(sum(quantity), 0)::bigint from outcomes"
                " where item_type = 'replay_video' and outcome = 'kept'"
            ),
            files_by_kind=files,
            table_bytes=await read_table_sizes(connection),
        )


async def count_outcomes(server: MeasuredServer) -> Counter[str]:
    """Return how many items ended how, by outcome."""
    connection = await asyncpg.connect(postmaster.find_running_url(server.place))
    try:
        rows = await connection.fetch(
            "select outcome, sum(quantity)::bigint as items from outcomes group by outcome"
        )
    finally:
        await connection.close()
    return Counter({row["outcome"]: row["items"] for row in rows})


def find_extremes(taken: Sequence[ServerSample]) -> dict[str, tuple[int, int]]:
    """Return the fewest and the most open files of each kind."""
    kinds = {kind for sample in taken for kind in sample.files_by_kind}
    counts = {kind: [sample.files_by_kind[kind] for sample in taken] for kind in kinds}
    return {kind: (min(of_kind), max(of_kind)) for kind, of_kind in counts.items()}


def measure_slope(points: Sequence[tuple[float, float]]) -> float:
    """Return how much a value grows in an hour, by least squares.

    Args:
        points: Times in seconds, and values. Fewer than two times give a slope of 0.
    """
    count = len(points)
    mean_s = sum(at_s for at_s, _ in points) / max(1, count)
    mean = sum(value for _, value in points) / max(1, count)
    spread = sum((at_s - mean_s) ** 2 for at_s, _ in points)
    if not spread:
        return 0.0
    return _HOUR_S * sum((at_s - mean_s) * (value - mean) for at_s, value in points) / spread
