"""Compares the cost of an envelope in Playhead with the floor, the least that it can cost.

    python -m bench.ingest.compare --mix replay=1 --rounds 5 --seconds 2

Both are measured alternately, so that other work of the machine affects both. The CPU time is that
of all processes, Postgres included, from the first request until Playhead has digested the last.
`--rate` sends so many envelopes a second, however long answers take.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import uvloop

from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import AnswerStatistics, SendingPace
from bench.ingest.servers import MeasuredServer

_WARM_UP_S: Final = 1.0
_PAUSE_S: Final = 3.0
"""The pause between two measurements, in which the first finishes writing back."""
_POLL_S: Final = 0.25
_OK: Final = 200

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RoundMeasurement:
    """One measurement of one server."""

    answers: AnswerStatistics
    server_us: float
    postgres_us: float
    drain_s: float
    backlogs: tuple[int, ...]
    """Backlogs that were read while an open loop ran."""

    def figures(self) -> dict[str, float]:
        """Return the compared figures by their names."""
        return {
            "us": self.server_us + self.postgres_us,
            "server_us": self.server_us,
            "postgres_us": self.postgres_us,
            "requests_s": self.answers.count() / self.answers.seconds,
            "p50_ms": self.answers.percentile_ms(0.5),
            "p99_ms": self.answers.percentile_ms(0.99),
            "drain_s": self.drain_s,
        }

    def has_growing_backlog(self) -> bool:
        """Tell whether every backlog of the last third is longer than all of the first third.

        Digest works in a rhythm, so the backlog of a server that keeps up goes up and down.
        """
        third = len(self.backlogs) // 3
        return third > 0 and min(self.backlogs[-third:]) > max(self.backlogs[:third])


async def measure_round(
    server: MeasuredServer, stream: EnvelopeStream, pace: SendingPace
) -> RoundMeasurement:
    """Send, wait until all is digested, and divide the CPU time by the requests."""
    backlogs: list[int] = []
    before = server.cpu_time()
    watcher = asyncio.create_task(_watch(server, backlogs)) if pace.rate else None
    answers = await load.send_envelopes(server.target, stream, pace)
    if watcher is not None:
        watcher.cancel()
    drain_s = await server.wait_until_digested()
    after = server.cpu_time()
    each = 1e6 / answers.count()
    return RoundMeasurement(
        answers,
        server_us=(after.server_s - before.server_s) * each,
        postgres_us=(after.postgres_s - before.postgres_s) * each,
        drain_s=drain_s,
        backlogs=tuple(backlogs),
    )


async def _watch(server: MeasuredServer, backlogs: list[int]) -> None:
    if not server.has_backlog:
        return
    async with httpx2.AsyncClient(trust_env=False) as client:
        while True:
            backlogs.append(await server.backlog(client))
            await asyncio.sleep(_POLL_S)


async def compare_servers(
    both: Sequence[MeasuredServer], stream: EnvelopeStream, pace: SendingPace, rounds: int
) -> Figures:
    """Measure two servers alternately, and print each round.

    Returns:
        The medians of both, their ratio, the answers by status, and the number of kept items.
    """
    statuses: dict[str, Counter[int]] = {server.name: Counter() for server in both}
    measured: dict[str, list[RoundMeasurement]] = {server.name: [] for server in both}
    for server in both:
        warm_up = await measure_round(server, stream, SendingPace(pace.connections, _WARM_UP_S))
        statuses[server.name] += warm_up.answers.statuses
    for number in range(1, rounds + 1):
        for server in both if number % 2 else both[::-1]:
            await asyncio.sleep(_PAUSE_S)
            measurement = await measure_round(server, stream, pace)
            measured[server.name].append(measurement)
            statuses[server.name] += measurement.answers.statuses
            line = _format_round(measurement)
            _print(f"round {number}  {server.name:9}{line}{server.peak_mb():8.0f} MB")
    medians = {name: _find_medians(each) for name, each in measured.items()}
    result: Figures = {
        server.name: medians[server.name] | {"peak_mb": round(server.peak_mb(), 1)}
        for server in both
    }
    floor, playhead = both
    result["ratio"] = round(medians[playhead.name]["us"] / medians[floor.name]["us"], 3)
    result["statuses"] = {name: dict(each) for name, each in statuses.items()}
    result["kept"] = await playhead.count_kept()
    if pace.rate:
        result["grew"] = sum(each.has_growing_backlog() for each in measured[playhead.name])
        result["unsent"] = {
            name: sum(each.answers.unsent for each in rounds_of_server)
            for name, rounds_of_server in measured.items()
        }
    return result


def _print_conclusion(result: Figures, rounds: int) -> None:
    floor, playhead = result["floor"], result["playhead"]
    _print(f"\nmedians of {rounds} rounds, CPU microseconds a request")
    for name, medians in (("floor", floor), ("playhead", playhead)):
        _print(
            f"  {name:9}"
            "{us:6.0f} = {server_us:.0f} + Postgres {postgres_us:.0f}; {requests_s:,.0f}/s,"
            " p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, {peak_mb:.0f} MB".format(**medians)
        )
    _print(f"  RATIO    {result['ratio']:6.2f}; playhead drained for {playhead['drain_s']:.1f} s")
    sent = sum(result["statuses"]["playhead"].values())
    _print(
        f"  playhead kept {result['kept']:,} of {sent:,}; answers by status {result['statuses']}"
    )
    if "grew" in result:
        _print(
            f"  the backlog grew in {result['grew']} of {rounds} rounds; unsent {result['unsent']}"
        )
    _print("")


def _format_round(measurement: RoundMeasurement) -> str:
    figures = measurement.figures()
    backlogs = (
        f"  backlog most {max(measurement.backlogs)}, last {measurement.backlogs[-1]}"
        if measurement.backlogs
        else ""
    )
    return (
        "{us:6.0f} us ={server_us:6.0f} + Postgres{postgres_us:5.0f}{requests_s:9,.0f}/s"
        "  p50{p50_ms:7.1f} p99{p99_ms:7.1f} ms  drain{drain_s:5.1f} s".format(**figures)
        + backlogs
    )


def _find_medians(measured: Sequence[RoundMeasurement]) -> dict[str, float]:
    figures = [measurement.figures() for measurement in measured]
    return {
        name: round(statistics.median(each[name] for each in figures), 2) for name in figures[0]
    }


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start both, compare them, stop both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mix", type=envelopes.parse_mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of sending, in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0, help="envelopes a second; 0: closed loop")
    options = parser.parse_args()
    stream = EnvelopeStream(envelopes.make_corpus([*options.mix]), options.mix)
    pace = SendingPace(options.connections, options.seconds, options.rate)
    with tempfile.TemporaryDirectory(prefix="playhead-bench-") as folder, ExitStack() as running:
        Path(folder).chmod(
            0o711
        )  # If this runs as root, Postgres is another user and must be able to enter.
        places = [Path(folder, name) for name in ("floor", "playhead")]
        for place in places:
            place.mkdir()
        both = (
            running.enter_context(servers.start_floor(places[0])),
            running.enter_context(servers.start_playhead(places[1])),
        )
        result = uvloop.run(compare_servers(both, stream, pace, options.rounds))
    _print_conclusion(result, options.rounds)
    _print(json.dumps(result | vars(options)))
    if any(set(each) != {_OK} for each in result["statuses"].values()) or (
        result["kept"] != result["statuses"]["playhead"][_OK]
    ):
        raise SystemExit("some envelopes were not kept, so the figures mean little")


if __name__ == "__main__":
    main()
