"""Compares one process with several, whose Postgres is some milliseconds away.

    python -m bench.ingest.far --workers 4 --rtt 2 --mix replay=1 --rounds 5
    python -m bench.ingest.far --workers 4 --rtt 2 --mix replay=6,error=1 --rate 600 --seconds 30

Both have a Postgres of their own behind a relay that delays what it carries. They are measured
alternately. The CPU time of an envelope is that of the server and of Postgres, without the relay,
from the first request until the last envelope is counted as kept. With a rate, envelopes are due at
fixed times; how many wait for digest in the first half and in the second shows whether it keeps up.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import uvloop

from app.core import clock
from app.db.server.postmaster import Postmaster
from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import HOST, SendingPace
from bench.ingest.servers import MeasuredServer

_CHUNK_BYTES: Final = 256 * 1024
_START_S: Final = 30.0
_PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.1
_PAUSE_S: Final = 2.0
_WATCH_S: Final = 0.5
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class RoundFigures:
    """What one round of one server took."""

    cpu_us: float
    """The CPU time of an envelope, Postgres included."""
    postgres_us: float
    envelopes_s: float
    """Envelopes a second, until the last is stored."""
    p50_ms: float
    p99_ms: float
    waiting_first: float
    """Envelopes that wait for digest, on average of the first half; without a rate 0."""
    waiting_second: float
    """The same in the second half."""


@contextmanager
def start_relay(socket_path: str, delay_s: float) -> Iterator[int]:
    """Carry connections to a socket of this machine from a process of its own.

    Args:
        socket_path: Where they go.
        delay_s: How long everything takes, each way.

    Yields:
        The port on which the relay listens.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_run_relay, args=(theirs, socket_path, delay_s), daemon=True
    )
    process.start()
    try:
        if not ours.poll(_START_S):
            raise SystemExit("the relay did not start")
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()


def _run_relay(parent: Connection, socket_path: str, delay_s: float) -> None:
    uvloop.run(_relay(parent, socket_path, delay_s))


async def _relay(parent: Connection, socket_path: str, delay_s: float) -> None:
    loop = asyncio.get_running_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK_BYTES):
            # All data of a connection has the same delay, so that its order is kept.
            loop.call_later(delay_s, writer.write, data)
        await asyncio.sleep(delay_s)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(
            carry(reader, back_writer), carry(back_reader, writer), return_exceptions=True
        )

    async with await asyncio.start_server(serve, HOST, 0) as server:
        parent.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()


async def measure_round(
    server: MeasuredServer, stream: EnvelopeStream, pace: SendingPace
) -> RoundFigures:
    """Send for a while, and wait until all is stored.

    Raises:
        SystemExit: Not every envelope was answered 200, or one is not stored after two minutes.
    """
    kept_before = await server.count_kept()
    before, began_s = server.cpu_time(), clock.monotonic_s()
    waiting: list[int] = []
    watching = asyncio.create_task(_watch_backlog(server, waiting)) if pace.rate else None
    answers = await load.send_envelopes(server.target, stream, pace)
    if watching is not None:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if set(answers.statuses) != {_OK}:
        raise SystemExit(f"answers by status: {dict(answers.statuses)}")
    while await server.count_kept() - kept_before < answers.count():
        if clock.monotonic_s() - began_s > _PATIENCE_S:
            raise SystemExit("some envelopes were not kept")
        await asyncio.sleep(_POLL_S)
    seconds, after = clock.monotonic_s() - began_s, server.cpu_time()
    postgres_s = after.postgres_s - before.postgres_s
    each_us = 1e6 / answers.count()
    half = len(waiting) // 2
    return RoundFigures(
        cpu_us=(after.server_s - before.server_s + postgres_s) * each_us,
        postgres_us=postgres_s * each_us,
        envelopes_s=answers.count() / seconds,
        p50_ms=answers.percentile_ms(0.5),
        p99_ms=answers.percentile_ms(0.99),
        waiting_first=statistics.mean(waiting[:half] or [0]),
        waiting_second=statistics.mean(waiting[half:] or [0]),
    )


async def _watch_backlog(server: MeasuredServer, waiting: list[int]) -> None:
    """Note twice a second how many envelopes wait for digest, until cancelled."""
    async with httpx2.AsyncClient(trust_env=False, timeout=_PATIENCE_S) as client:
        while True:
            waiting.append(await server.backlog(client))
            await asyncio.sleep(_WATCH_S)


async def compare_servers(
    several: dict[int, MeasuredServer], stream: EnvelopeStream, pace: SendingPace, rounds: int
) -> dict[int, list[RoundFigures]]:
    """Measure servers alternately, and print each round.

    Args:
        several: Servers by the number of their processes.
        stream: What is sent to each.
        pace: How it is sent.
        rounds: The number of measurements of each, after one that does not count.

    Returns:
        The measurements by the number of processes.
    """
    measured: dict[int, list[RoundFigures]] = {workers: [] for workers in several}
    for number in range(rounds + 1):
        for workers, server in several.items():
            figures = await measure_round(server, stream, pace)
            await asyncio.sleep(_PAUSE_S)
            if number:
                measured[workers].append(figures)
                _print(f"round {number}  {workers} {format_figures(figures)}")
    return measured


def find_medians(measured: list[RoundFigures]) -> RoundFigures:
    """Return the median of each figure."""
    return RoundFigures(
        *(
            statistics.median(getattr(each, name) for each in measured)
            for name in RoundFigures.__dataclass_fields__
        )
    )


def format_figures(figures: RoundFigures) -> str:
    """Return figures as one line."""
    return (
        f"processes  {figures.cpu_us:5.0f} us an envelope, of which Postgres "
        f"{figures.postgres_us:4.0f}  {figures.envelopes_s:7,.0f}/s  "
        f"p50 {figures.p50_ms:6.1f} ms  p99 {figures.p99_ms:6.1f} ms  "
        f"waiting {figures.waiting_first:.0f}, then {figures.waiting_second:.0f}"
    )


@contextmanager
def start_far_server(folder: Path, *, workers: int, delay_s: float) -> Iterator[MeasuredServer]:
    """Start a server with some processes, and its Postgres behind a relay."""
    place = folder / f"server-{workers}"
    place.mkdir()
    postgres = Postmaster(folder / f"database-{workers}")
    near = urlsplit(postgres.start())
    try:
        (folder_of_socket,) = parse_qs(near.query)["host"]
        with start_relay(f"{folder_of_socket}/.s.PGSQL.5432", delay_s) as port:
            far = f"postgresql://{near.username}@{HOST}:{port}{near.path}"
            with servers.start_playhead(
                place, postgres, workers=workers, database_url=far
            ) as server:
                yield server
    finally:
        postgres.stop()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start both, compare them, stop both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=4, help="compared with one")
    parser.add_argument("--rtt", type=float, default=2, help="ms")
    parser.add_argument("--mix", type=envelopes.parse_mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of sending, in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument(
        "--rate", type=float, default=0, help="envelopes a second; 0 for as many as go"
    )
    options = parser.parse_args()
    stream = EnvelopeStream(envelopes.make_corpus([*options.mix]), options.mix)
    pace = SendingPace(options.connections, options.seconds, options.rate)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="playhead-bench-")))
        folder.chmod(0o711)  # If this runs as root, Postgres is another user and must enter.
        several = {
            workers: stack.enter_context(
                start_far_server(folder, workers=workers, delay_s=options.rtt / 2000)
            )
            for workers in (1, options.workers)
        }
        measured = uvloop.run(compare_servers(several, stream, pace, options.rounds))
        deadlocks = sum(uvloop.run(server.count_deadlocks()) for server in several.values())
    medians = {workers: find_medians(rounds) for workers, rounds in measured.items()}
    for workers, figures in medians.items():
        _print(f"median   {workers} {format_figures(figures)}")
    ratio = medians[options.workers].cpu_us / medians[1].cpu_us
    _print(f"RATIO {ratio:.3f}: CPU time of an envelope, {options.workers} processes beside 1")
    facts = {"ratio": ratio, "rtt_ms": options.rtt, "workers": options.workers}
    _print(json.dumps(facts | {"rate": options.rate, "deadlocks": deadlocks}))


if __name__ == "__main__":
    main()
