# ruff: noqa: INP001 - a script, run by its path
"""Measures the memory of workers: `python bench/workers.py [--workers 1 2 4]`.

Starts `playhead serve --workers N` with an embedded Postgres for each N, loads some pages, sends
some envelopes, lets it rest, and prints the proportional share (PSS) of the parent, of all
workers and of Postgres in MB, and what each further worker adds. On a busy machine background work
piles up, and each worker keeps more connections to Postgres, of 3 to 5 MB each.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx2
import psutil

from app.core import clock
from app.core.ids import PublicKey
from tests.support.builders import envelopes

_PATIENCE_S: Final = 120.0
_REST_S: Final = 75.0
"""Connections to Postgres that nobody has used for a minute have ended by then."""
_PAGES: Final = 40
_ENVELOPES: Final = 40
_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """The proportional shares of a server's processes, in MB."""

    workers: int
    parent: float
    """0 for a single process, which has no parent."""
    all_workers: float
    postgres: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.parent + self.all_workers + self.postgres


def measure(workers: int) -> MemoryShares:
    """Start a server and measure it at rest."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "out").open("wb") as out:
        Path(folder).chmod(0o711)  # started by root, Postgres is another user
        command = [sys.executable, "-m", "app.cli", "serve", "--port", "8979"]
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--workers", str(workers), "--data-dir", f"{folder}/data"],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=out,
        )
        try:
            dsn = wait_for_dsn(Path(out.name))
            asyncio.run(use(*dsn))
            time.sleep(_REST_S)
            return read_shares(process.pid, workers)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_PATIENCE_S)


def wait_for_dsn(output: Path) -> tuple[str, PublicKey, str]:
    """Wait for the banner; return the address, the key and the project of the DSN in it."""
    deadline_s = clock.monotonic_s() + _PATIENCE_S
    while clock.monotonic_s() < deadline_s:
        found = re.search(r"DSN +(http://)(\w+)@(.*)/(\d+)", output.read_text("utf-8"))
        if found is not None:
            return f"{found[1]}{found[3]}", PublicKey(found[2]), found[4]
        time.sleep(0.1)
    raise TimeoutError(output.read_text("utf-8"))


async def use(base_url: str, key: PublicKey, project_id: str) -> None:
    """Load pages and send envelopes, each on a connection of its own, so that all workers work."""
    for _ in range(_PAGES):
        async with httpx2.AsyncClient(base_url=base_url, trust_env=False) as client:
            (await client.get("/sign-in")).raise_for_status()
    for number in range(1, _ENVELOPES + 1):
        body = envelopes.event_envelope(f"{number:032x}")
        async with httpx2.AsyncClient(base_url=base_url, trust_env=False) as client:
            answer = await client.post(
                f"/api/{project_id}/envelope/", content=body, headers=envelopes.headers(key)
            )
            answer.raise_for_status()


def read_shares(pid: int, workers: int) -> MemoryShares:
    """Read the shares of a server and of all processes below it."""
    server = psutil.Process(pid)
    own = share_mb(server)
    below = {each: share_mb(each) for each in server.children(recursive=True)}
    postgres = sum(size for each, size in below.items() if "postgres" in each.name())
    others = sum(below.values()) - postgres
    if workers == 1:
        return MemoryShares(1, 0.0, own + others, postgres)
    return MemoryShares(workers, own, others, postgres)


def share_mb(process: psutil.Process) -> float:
    """Return the share of a process; 0 if it has just ended."""
    try:
        return float(process.memory_full_info().pss) / _MB
    except psutil.NoSuchProcess:
        return 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    before: MemoryShares | None = None
    names = ("workers", "parent", "workers'", "Postgres", "total", "further")
    sys.stdout.write("".join(f"{name:>10}" for name in names) + "\n")
    for workers in parser.parse_args().workers:
        shares = measure(workers)
        added_mb = shares.total - before.total if before else 0.0
        further_mb = added_mb / (workers - before.workers) if before else 0.0
        figures = (shares.parent, shares.all_workers, shares.postgres, shares.total, further_mb)
        sys.stdout.write(f"{workers:>10}" + "".join(f"{each:>10.1f}" for each in figures) + "\n")
        sys.stdout.flush()
        before = shares


if __name__ == "__main__":
    main()
