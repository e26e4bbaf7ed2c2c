"""Compares what an envelope costs Playhead with what it must cost anybody: the floor.

    python -m bench.ingest.compare --mix replay=1 --rounds 5 --seconds 2

Both are measured in turn, round after round, so that whatever else the machine does falls on both.
The CPU time is that of all processes, Postgres included, from the first request until Playhead has
digested the last. `--rate` sends so many a second, however long answers take.
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
from bench.ingest.envelopes import Stream
from bench.ingest.load import Answers, Pace
from bench.ingest.servers import Server

_WARM_UP_S: Final = 1.0
_REST_S: Final = 3.0
"""Between two measurements, for what the first still writes back."""
_LOOK_S: Final = 0.25
_OK: Final = 200

Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one server."""

    answers: Answers
    server_us: float
    postgres_us: float
    drain_s: float
    backlogs: tuple[int, ...]
    """Looked at while an open loop ran."""

    def figures(self) -> dict[str, float]:
        """Return what is compared, by name."""
        return {
            "us": self.server_us + self.postgres_us,
            "server_us": self.server_us,
            "postgres_us": self.postgres_us,
            "requests_s": self.answers.count() / self.answers.seconds,
            "p50_ms": self.answers.percentile_ms(0.5),
            "p99_ms": self.answers.percentile_ms(0.99),
            "drain_s": self.drain_s,
        }

    def grew(self) -> bool:
        """Tell whether the backlog was never as short at the end as it was long at the beginning.

        Digest works in a rhythm, so the backlog of a server that keeps up goes up and down.
        """
        third = len(self.backlogs) // 3
        return third > 0 and min(self.backlogs[-third:]) > max(self.backlogs[:third])


async def measure(server: Server, stream: Stream, pace: Pace) -> Round:
    """Send, wait until all is digested, and divide the CPU time by the requests."""
    backlogs: list[int] = []
    before = server.spent()
    watcher = asyncio.create_task(_watch(server, backlogs)) if pace.rate else None
    answers = await load.send(server.door, stream, pace)
    if watcher is not None:
        watcher.cancel()
    drain_s = await server.digested()
    after = server.spent()
    each = 1e6 / answers.count()
    return Round(
        answers,
        server_us=(after.server_s - before.server_s) * each,
        postgres_us=(after.postgres_s - before.postgres_s) * each,
        drain_s=drain_s,
        backlogs=tuple(backlogs),
    )


async def _watch(server: Server, backlogs: list[int]) -> None:
    if not server.has_backlog:
        return
    async with httpx2.AsyncClient(trust_env=False) as client:
        while True:
            backlogs.append(await server.backlog(client))
            await asyncio.sleep(_LOOK_S)


async def compare(both: Sequence[Server], stream: Stream, pace: Pace, rounds: int) -> Found:
    """Measure in turn, and print each round.

    Returns:
        Medians of both, their ratio, and what became of everything that was sent.
    """
    statuses: dict[str, Counter[int]] = {server.name: Counter() for server in both}
    measured: dict[str, list[Round]] = {server.name: [] for server in both}
    for server in both:
        warm_up = await measure(server, stream, Pace(pace.connections, _WARM_UP_S))
        statuses[server.name] += warm_up.answers.statuses
    for number in range(1, rounds + 1):
        for server in both if number % 2 else both[::-1]:
            await asyncio.sleep(_REST_S)
            one = await measure(server, stream, pace)
            measured[server.name].append(one)
            statuses[server.name] += one.answers.statuses
            _say(f"round {number}  {server.name:9}{_told(one)}{server.peak_mb():8.0f} MB")
    medians = {name: _median(each) for name, each in measured.items()}
    found: Found = {
        server.name: medians[server.name] | {"peak_mb": round(server.peak_mb(), 1)}
        for server in both
    }
    floor, playhead = both
    found["ratio"] = round(medians[playhead.name]["us"] / medians[floor.name]["us"], 3)
    found["statuses"] = {name: dict(each) for name, each in statuses.items()}
    found["kept"] = await playhead.kept()
    if pace.rate:
        found["grew"] = sum(one.grew() for one in measured[playhead.name])
        found["unsent"] = {
            name: sum(one.answers.unsent for one in each) for name, each in measured.items()
        }
    return found


def _conclude(found: Found, rounds: int) -> None:
    floor, playhead = found["floor"], found["playhead"]
    _say(f"\nmedians of {rounds} rounds, CPU microseconds a request")
    for name, one in (("floor", floor), ("playhead", playhead)):
        _say(
            f"  {name:9}"
            "{us:6.0f} = {server_us:.0f} + Postgres {postgres_us:.0f}; {requests_s:,.0f}/s,"
            " p50 {p50_ms:.1f} ms, p99 {p99_ms:.1f} ms, {peak_mb:.0f} MB".format(**one)
        )
    _say(f"  RATIO    {found['ratio']:6.2f}; playhead drained for {playhead['drain_s']:.1f} s")
    sent = sum(found["statuses"]["playhead"].values())
    _say(f"  playhead kept {found['kept']:,} of {sent:,}; answers by status {found['statuses']}")
    if "grew" in found:
        _say(f"  the backlog grew in {found['grew']} of {rounds} rounds; unsent {found['unsent']}")
    _say("")


def _told(one: Round) -> str:
    figures = one.figures()
    backlogs = (
        f"  backlog most {max(one.backlogs)}, last {one.backlogs[-1]}" if one.backlogs else ""
    )
    return (
        "{us:6.0f} us ={server_us:6.0f} + Postgres{postgres_us:5.0f}{requests_s:9,.0f}/s"
        "  p50{p50_ms:7.1f} p99{p99_ms:7.1f} ms  drain{drain_s:5.1f} s".format(**figures)
        + backlogs
    )


def _median(measured: Sequence[Round]) -> dict[str, float]:
    figures = [one.figures() for one in measured]
    return {
        name: round(statistics.median(each[name] for each in figures), 2) for name in figures[0]
    }


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start both, compare them, stop both."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mix", type=envelopes.mix, default="replay=1", help="kind=share,…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of sending, in each round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0, help="envelopes a second; 0: closed loop")
    options = parser.parse_args()
    stream = Stream(envelopes.corpus([*options.mix]), options.mix)
    pace = Pace(options.connections, options.seconds, options.rate)
    with tempfile.TemporaryDirectory(prefix="playhead-bench-") as folder, ExitStack() as running:
        Path(folder).chmod(0o711)  # as root, Postgres is another user and must pass
        places = [Path(folder, name) for name in ("floor", "playhead")]
        for place in places:
            place.mkdir()
        both = (
            running.enter_context(servers.floor(places[0])),
            running.enter_context(servers.playhead(places[1])),
        )
        found = uvloop.run(compare(both, stream, pace, options.rounds))
    _conclude(found, options.rounds)
    _say(json.dumps(found | vars(options)))
    if any(set(each) != {_OK} for each in found["statuses"].values()) or (
        found["kept"] != found["statuses"]["playhead"][_OK]
    ):
        raise SystemExit("not everything that was sent was kept: the figures mean little")


if __name__ == "__main__":
    main()
