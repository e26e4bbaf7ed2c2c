# ruff: noqa: INP001 - a script, run by its path
"""Counts what a bucket is asked for, and what a segment costs with one and on local disk.

    python bench/bucket.py --rate 200 --seconds 60
    tests/s3/ceph.sh .venv/bin/python bench/bucket.py

Two servers take the same load in turns, one with a bucket and one with a folder. The bucket is that
of moto, in a process of its own, or of the server that PLAYHEAD_TEST_S3 names. Then all replays
close and are sealed, some pages are opened, some video is read, and some replays are deleted. What
the bucket was asked for comes from `/metrics`: an operation is a request, but for `wipe`, which is
two. Prints a line for each step, and a line of JSON.
"""

import argparse
import asyncio
import json
import logging
import multiprocessing
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import httpx2
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.endurance import viewers
from bench.endurance.viewers import Audience
from bench.ingest import compare, envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import HOST, SendingPace
from bench.ingest.servers import MeasuredServer
from tests.support.servers import s3

_OPERATIONS: Final = re.compile(
    r'^playhead_storage_operation_(seconds_count|size_bytes_sum)\{operation="(\w+)"\} (\S+)',
    re.MULTILINE,
)
_OPEN: Final = re.compile(r"^playhead_open_replays (\S+)", re.MULTILINE)
_START_S: Final = 30.0
_POLL_S: Final = 0.5
_QUIET_S: Final = 20.0
_COMPARED: Final = ("us", "server_us", "postgres_us", "p50_ms", "p99_ms")
_LOOKS: Final = 10
_DELETIONS: Final = 10
_SWEEP_S: Final = 12.0
"""The sweep looks every five seconds."""


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """What the object store was asked for."""

    operations: Counter[str]
    size_bytes: Counter[str]

    def since(self, before: "StoreCounts") -> "StoreCounts":
        """Return what came after an earlier moment."""
        return StoreCounts(self.operations - before.operations, self.size_bytes - before.size_bytes)

    def divide(self, count: int) -> dict[str, float]:
        """Return the operations for each of so many things, and the kilobytes of each kind."""
        shares = {name: round(many / count, 3) for name, many in self.operations.items()}
        sizes = {
            f"{name}_kb": round(many / count / 1000, 1) for name, many in self.size_bytes.items()
        }
        return shares | sizes


async def read_counts(server: MeasuredServer) -> StoreCounts:
    """Read what the store of a server was asked for since it started."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(f"http://{HOST}:{server.target.port}/metrics")
    operations: Counter[str] = Counter()
    size_bytes: Counter[str] = Counter()
    for kind, name, value in _OPERATIONS.findall(answer.text):
        (operations if kind == "seconds_count" else size_bytes)[name] += int(float(value))
    return StoreCounts(operations, size_bytes)


async def wait_until_sealed(server: MeasuredServer) -> None:
    """Wait until no replay is open, so that each of them is sealed."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        while True:
            answer = await client.get(f"http://{HOST}:{server.target.port}/metrics")
            (waiting,) = _OPEN.findall(answer.text)
            if not float(waiting):
                return
            await asyncio.sleep(_POLL_S)


@contextmanager
def start_bucket() -> Iterator[Mapping[str, str]]:
    """Give the settings of a server with an empty bucket, which moto keeps unless one is named."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve_bucket, args=(theirs,), daemon=True
    )
    process.start()
    try:
        if not ours.poll(_START_S):
            raise SystemExit("the bucket did not start")
        yield ours.recv()
    finally:
        ours.close()
        process.join(_POLL_S)
        process.terminate()


def _serve_bucket(parent: Connection) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto's, a line for each request
    with s3.serving() as service:
        access = service.access
        parent.send(
            {
                "PLAYHEAD_STORAGE": f"s3://{service.new_bucket()}",
                "PLAYHEAD_S3_ENDPOINT_URL": access.endpoint_url,
                "PLAYHEAD_S3_REGION": access.region,
                "PLAYHEAD_S3_ACCESS_KEY_ID": access.key_id,
                "PLAYHEAD_S3_SECRET_ACCESS_KEY": access.secret and access.secret.get_secret_value(),
                "PLAYHEAD_S3_ADDRESSING": access.addressing,
            }
        )
        parent.poll(None)


async def measure_pair(
    bucket: MeasuredServer, disk: MeasuredServer, stream: EnvelopeStream, pace: SendingPace
) -> tuple[dict[str, float], StoreCounts]:
    """Measure the CPU time of a segment with a bucket and without one.

    Returns:
        The figures of both by their names, and what storing a segment asked of the bucket.
    """
    for server in (bucket, disk):
        await load.send_envelopes(server.target, stream, SendingPace(pace.connections, 1.0))
        await server.wait_until_digested()
    figures: dict[str, float] = {}
    before = await read_counts(bucket)
    sent = await compare.measure_round(bucket, stream, pace)
    asked = (await read_counts(bucket)).since(before)
    for name, measured in (
        ("bucket", sent),
        ("disk", await compare.measure_round(disk, stream, pace)),
    ):
        values = measured.figures()
        figures |= {f"{name}_{figure}": round(values[figure], 1) for figure in _COMPARED}
    _print("stored, a segment", asked.divide(sent.answers.count()))
    return figures, asked


async def follow_replays(server: MeasuredServer) -> dict[str, dict[str, float]]:
    """Count what sealing, watching and deleting replays asks of the bucket."""
    segments = await server.count_kept()
    counts = await read_counts(server)
    steps: dict[str, dict[str, float]] = {}

    async def note(name: str, count: int) -> None:
        nonlocal counts
        after = await read_counts(server)
        steps[name] = after.since(counts).divide(max(1, count))
        counts = after
        _print(name, steps[name])

    await wait_until_sealed(server)
    await note("sealed, a segment", segments)
    audience = Audience(server, await viewers.sign_in(server))
    try:
        addresses = await audience.list_replays()
        pages = [await audience.open_replay(address) for address in addresses[:_LOOKS]]
        await note("opened, a page", len(pages))
        for page in pages:
            await audience.watch_stream(page)
        await note("watched, an index and a mebibyte", len(pages))
        for _ in range(_DELETIONS):
            await audience.delete_once()
        await asyncio.sleep(_SWEEP_S)
        await note("deleted, a replay", audience.viewings.deleted)
    finally:
        await audience.close()
    return steps


def _print(name: str, figures: Mapping[str, float]) -> None:
    sys.stdout.write(f"{name:34} {figures}\n")
    sys.stdout.flush()


async def measure(
    bucket: MeasuredServer, disk: MeasuredServer, stream: EnvelopeStream, pace: SendingPace
) -> dict[str, object]:
    """Measure both servers, then follow the replays of the one with the bucket."""
    figures, stored = await measure_pair(bucket, disk, stream, pace)
    steps = await follow_replays(bucket)
    return {"cost": figures, "stored": stored.operations, "steps": steps}


def main() -> None:
    """Start a bucket and two servers, and print what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=200, help="segments a second; 0: a burst")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    stream = EnvelopeStream(envelopes.make_corpus(["replay"]), {"replay": 1})
    pace = SendingPace(32, options.seconds, options.rate)
    with tempfile.TemporaryDirectory(prefix="playhead-bucket-") as folder, ExitStack() as running:
        Path(folder).chmod(0o711)  # If this runs as root, Postgres is another user.
        settings = running.enter_context(start_bucket())
        both = []
        for name, storage in (("bucket", settings), ("disk", {})):
            place = Path(folder, name)
            place.mkdir()
            # Nothing is sealed before all is stored.
            quiet = {"PLAYHEAD_REPLAY_QUIET_S": f"{options.seconds + _QUIET_S}"}
            both.append(
                running.enter_context(servers.start_playhead(place, settings=quiet | dict(storage)))
            )
        figures = uvloop.run(measure(both[0], both[1], stream, pace))
    sys.stdout.write(json.dumps(figures | vars(options)) + "\n")


if __name__ == "__main__":
    main()
