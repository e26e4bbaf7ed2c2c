"""Measures what watching a replay costs the server, without a browser.

    python -m bench.playback.cost --minutes 60 --rounds 40

Starts a server, sends it the replay of `film.py`, and waits until it is sealed. Then it asks for
what a page and its player ask for, each kind by itself: the page, the gestures, the small pictures,
and the whole stream in ranges that grow to 2 MiB, as the player reads ahead. Prints the CPU time of
the server's own process for one of each, in ms, and their sum.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

import httpx2

from app.db.server import postmaster
from bench.endurance import viewers
from bench.ingest.load import HOST
from bench.playback.film import film
from bench.playback.server import REPLAY, cpu_ms, send, server, wait_until_settled

_BASE: Final = f"/projects/1/replays/{REPLAY}"
_FIRST_READ_BYTES: Final = 128 * 1024
_MOST_READ_BYTES: Final = 2 * 1024 * 1024
"""The smallest and the largest range of the player (`static/player/loader.js`)."""
_WARM_UPS: Final = 3

Asked = list[tuple[str, dict[str, str]]]
"""Addresses, each with the headers of its request."""


def list_ranges(size_bytes: int) -> list[str]:
    """List the ranges that a player asks for one after another, each twice as large as before."""
    ranges: list[str] = []
    first, length = 0, _FIRST_READ_BYTES
    while first < size_bytes:
        length = min(_MOST_READ_BYTES, length * 2)
        ranges.append(f"bytes={first}-{min(size_bytes, first + length) - 1}")
        first += length
    return ranges


async def list_requests(client: httpx2.AsyncClient) -> dict[str, Asked]:
    """List what one person who watches the whole replay asks for."""
    index = await client.get(f"{_BASE}/index?t=0")
    version = index.raise_for_status().headers["etag"].strip('W/"')
    stream = f"{_BASE}/stream?v={version}"
    answer = await client.get(stream, headers={"range": "bytes=0-0"})
    size_bytes = int(answer.raise_for_status().headers["content-range"].rpartition("/")[2])
    return {
        "page": [(_BASE, {})],
        "gestures": [(f"{_BASE}/gestures", {})],
        "pictures": [(f"{_BASE}/pictures", {})],
        "ranges": [(stream, {"range": wanted}) for wanted in list_ranges(size_bytes)],
    }


async def measure_request(
    client: httpx2.AsyncClient, pid: int, asked: Asked, *, rounds: int
) -> float:
    """Return the CPU time of the server in ms for all of some requests."""

    async def ask(count: int) -> None:
        for _ in range(count):
            for address, headers in asked:
                (await client.get(address, headers=headers)).raise_for_status()

    await ask(_WARM_UPS)
    before_ms, _ = cpu_ms(pid)
    await ask(rounds)
    return (cpu_ms(pid)[0] - before_ms) / rounds


async def measure_costs(folder: Path, minutes: int, *, rounds: int) -> dict[str, float]:
    """Record a replay, and return what each kind of request for it costs in ms."""
    segments = film(minutes)
    async with server(folder, quiet_s=5) as running:
        await asyncio.to_thread(send, running, segments)
        await wait_until_settled(running, is_sealed=True)
        cookie = await viewers.sign_in_at(postmaster.find_running_url(folder))
        async with httpx2.AsyncClient(
            base_url=f"http://{HOST}:{running.port}",
            timeout=60,
            trust_env=False,
            headers={"accept": "text/html, */*", "sec-fetch-dest": "document"},
            cookies={"playhead": cookie},
        ) as client:
            return {
                name: round(await measure_request(client, running.pid, asked, rounds=rounds), 1)
                for name, asked in (await list_requests(client)).items()
            }


def main() -> None:
    """Measure and print a line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="playhead-cost-") as folder:
        Path(folder).chmod(0o711)  # If this runs as root, Postgres is another user.
        costs_ms = asyncio.run(measure_costs(Path(folder), options.minutes, rounds=options.rounds))
    total_ms = round(sum(costs_ms.values()), 1)
    sys.stdout.write(json.dumps({"ms": costs_ms, "total_ms": total_ms} | vars(options)) + "\n")


if __name__ == "__main__":
    main()
