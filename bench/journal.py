"""Measures what the journal costs: `python bench/journal.py [folder]`.

Appenders hand over 80 kB entries at the same time; the plain way beside it opens a file, writes the
same bytes and calls fsync for each entry. Rounds alternate, medians are printed. CPU is user and
system time of this process; figures of one run compare, those of different machines do not.
"""  # noqa: INP001 - a script, not a package

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from app.journal.writer import Journal
from tests.support.builders.journals import append

BODY = os.urandom(80_000)
ENTRIES = 1_920
ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """The times that one entry took, in microseconds."""

    cpu_us: float
    wall_us: float


def measured(work: Callable[[Path], None], folder: Path) -> Cost:
    """Run one round in an empty folder."""
    place = Path(tempfile.mkdtemp(dir=folder))
    os.sync()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    work(place)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    shutil.rmtree(place)
    return Cost(cpu_s * 1e6 / ENTRIES, wall_s * 1e6 / ENTRIES)


def plain(place: Path) -> None:
    """One file, one fsync and one folder fsync for each entry."""
    folder = os.open(place, os.O_RDONLY)
    for number in range(ENTRIES):
        fd = os.open(place / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, BODY)
        os.fsync(fd)
        os.close(fd)
        os.fsync(folder)
    os.close(folder)


def plain_append(place: Path) -> None:
    """One file for all, one fsync for each entry."""
    fd = os.open(place / "all", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    for _ in range(ENTRIES):
        os.write(fd, BODY)
        os.fsync(fd)
    os.close(fd)


def unsynced(place: Path) -> None:
    """One file for all and no sync until the end: what the kernel takes for the bytes alone."""
    fd = os.open(place / "all", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    for _ in range(ENTRIES):
        os.write(fd, BODY)
    os.fsync(fd)
    os.close(fd)


def journal(appenders: int) -> Callable[[Path], None]:
    """Return a round with so many appenders at once."""

    async def append_all(place: Path) -> None:
        opened = Journal.open(place, file_bytes=64 * 1024 * 1024, reserve_bytes=0)

        async def appender() -> None:
            for _ in range(ENTRIES // appenders):
                await append(opened, BODY, received_ms=1_800_000_000_000)

        await asyncio.gather(*(appender() for _ in range(appenders)))
        await opened.close()

    return lambda place: asyncio.run(append_all(place))


def main(folder: Path) -> None:
    """Measure all ways in turn and print them as a table."""
    ways: dict[str, Callable[[Path], None]] = {
        "file + fsync per entry": plain,
        "append + fsync per entry": plain_append,
        "append, one fsync in all": unsynced,
        **{f"journal, {count} at once": journal(count) for count in (1, 8, 32, 128)},
    }
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            costs[name].append(measured(way, folder))
    cpu = {name: statistics.median(each.cpu_us for each in costs[name]) for name in ways}
    wall = {name: statistics.median(each.wall_us for each in costs[name]) for name in ways}
    base = "file + fsync per entry"
    out = sys.stdout.write
    out(f"{len(BODY):,} bytes an entry, {ENTRIES:,} entries a round, medians of {ROUNDS} rounds\n")
    out(f"{'':26}{'CPU us':>8}{'ratio':>7}{'wall us':>9}{'ratio':>7}{'entries/s':>11}\n")
    for name in ways:
        out(
            f"{name:26}{cpu[name]:8.0f}{cpu[name] / cpu[base]:7.2f}"
            f"{wall[name]:9.0f}{wall[name] / wall[base]:7.2f}{1e6 / wall[name]:11,.0f}\n"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as temporary:
        main(Path(temporary))
