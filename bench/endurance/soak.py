"""S1: a steady load for hours; memory, open files and the database must not grow beyond their due.

    python -m bench.endurance.soak --minutes 120

Twenty segments a second arrive, ten people watch, one deletes a replay each minute; Postgres is the
embedded one, and replays are sealed two minutes after their last segment, so that everything that a
server does happens all the time. The slope of memory is that of the second half, by least squares:
in the first half caches fill.

Source: docs/reliability.md, S1.
"""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from bench.endurance import samples as sampling, viewers
from bench.endurance.samples import ServerSample, ServerWatcher
from bench.endurance.verdict import Promise, report_progress, report_verdict
from bench.endurance.viewers import Audience, Viewings
from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import AnswerStatistics, SendingPace
from bench.ingest.servers import MeasuredServer

_OK: Final = 200
_VIEWERS: Final = 10
_CONNECTIONS: Final = 32
_SAMPLE_S: Final = 10.0
_DELETION_S: Final = 60.0
_MOST_MIB_PER_HOUR: Final = 1.0
_MOST_FILES: Final = 10
"""By how many the fewest open files of a quarter may exceed those of the quarter before: what is
never closed is open at every moment, while connections come and go."""
_MOST_OLDEST_S: Final = 5.0
_MOST_P99_MS: Final = 50.0
_LISTED: Final = 12
"""Tables whose growth is printed, the largest first."""
_MOST_GROWTH: Final = 0.1
"""The share by which a segment may take more of the database in the second half."""


@dataclass(frozen=True, slots=True)
class SoakFigures:
    """What was measured."""

    answers: AnswerStatistics
    samples: Sequence[ServerSample]
    viewings: Viewings
    outcomes: Counter[str]
    """The number of items by what became of them; each envelope has one."""
    peak_mib: float

    @property
    def second_half(self) -> Sequence[ServerSample]:
        """The samples after the caches have filled."""
        return self.samples[len(self.samples) // 2 :]

    @property
    def mib_per_hour(self) -> float:
        """The growth of memory in the second half."""
        return sampling.measure_slope([(each.at_s, each.resident_mib) for each in self.second_half])

    @property
    def quarters(self) -> tuple[Sequence[ServerSample], Sequence[ServerSample]]:
        """The samples of the third and of the last quarter."""
        quarter = len(self.second_half) // 2
        return self.second_half[: quarter + 1], self.second_half[quarter:]

    @property
    def segment_bytes(self) -> tuple[float, float]:
        """The bytes that the database has gained for each segment, in both quarters."""
        first, second = (
            (part[-1].database_bytes - part[0].database_bytes) / _count_segments(part)
            for part in self.quarters
        )
        return first, second

    def list_table_gains(self) -> list[tuple[str, float, float]]:
        """List the bytes that each table gained for a segment in both quarters, largest first."""
        third, last = self.quarters
        gains = [
            (name, _measure_gain(third, name), _measure_gain(last, name))
            for name in self.samples[-1].table_bytes
        ]
        return sorted(gains, key=lambda gain: -max(map(abs, gain[1:])))


def _count_segments(part: Sequence[ServerSample]) -> int:
    return max(1, part[-1].segments - part[0].segments)


def _measure_gain(part: Sequence[ServerSample], name: str) -> float:
    grown_bytes = part[-1].table_bytes[name] - part[0].table_bytes[name]
    return grown_bytes / _count_segments(part)


async def measure_soak(
    server: MeasuredServer, stream: EnvelopeStream, *, seconds: float, rate: float
) -> SoakFigures:
    """Send, watch and delete for so long, and take samples meanwhile."""
    audience = Audience(server, await viewers.sign_in(server))
    watcher = ServerWatcher(server, interval_s=_SAMPLE_S)
    tasks = [
        asyncio.create_task(watcher.watch(lambda sample: _report_sample(sample, audience))),
        asyncio.create_task(audience.delete_for_ever(interval_s=_DELETION_S)),
        *(asyncio.create_task(audience.watch_for_ever()) for _ in range(_VIEWERS)),
    ]
    try:
        pace = SendingPace(_CONNECTIONS, seconds, rate)
        answers = await load.send_envelopes(server.target, stream, pace)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await audience.close()
    for result in results:
        if isinstance(result, Exception):
            raise result
    await server.wait_until_digested()
    outcomes = await sampling.count_outcomes(server)
    return SoakFigures(answers, watcher.samples, audience.viewings, outcomes, server.peak_mb())


def _report_sample(sample: ServerSample, audience: Audience) -> None:
    if round(sample.at_s / _SAMPLE_S) % 6 == 0:
        report_progress(
            f"{sample.at_s / 60:5.1f} min  {sample.segments:9,} segments  "
            f"{sample.resident_mib:5.1f} MiB  {sample.open_files:3} files  "
            f"{sample.oldest_s:4.1f} s wait  {len(audience.viewings.page_ms):6,} replays watched  "
            f"{audience.viewings.deleted:3} deleted"
        )


def judge_soak(figures: SoakFigures) -> list[Promise]:
    """Compare what was measured with what is promised."""
    answers, viewings = figures.answers, figures.viewings
    oldest_s = max(sample.oldest_s for sample in figures.second_half)
    fewest, fewest_later = (min(sample.open_files for sample in part) for part in figures.quarters)
    most = max(sample.open_files for sample in figures.second_half)
    p99_ms = answers.percentile_ms(0.99)
    kept, deleted = figures.outcomes["kept"], figures.outcomes["deleted"]
    first, second = figures.segment_bytes
    return [
        Promise(f"answers by status: {dict(answers.statuses)}", set(answers.statuses) == {_OK}),
        Promise(
            f"of {answers.count():,} envelopes, {kept:,} are stored and {deleted:,} belong to "
            "deleted replays",
            kept + deleted == answers.count(),
        ),
        Promise(
            f"memory grew by {figures.mib_per_hour:+.2f} MiB an hour, "
            f"{_MOST_MIB_PER_HOUR:.0f} is allowed",
            figures.mib_per_hour < _MOST_MIB_PER_HOUR,
        ),
        Promise(
            f"open files: never fewer than {fewest}, later than {fewest_later}; {most} at most",
            fewest_later - fewest <= _MOST_FILES,
        ),
        Promise(
            f"p99 of answers is {p99_ms:.1f} ms, {_MOST_P99_MS:.0f} are allowed",
            p99_ms < _MOST_P99_MS,
        ),
        Promise(
            f"no envelope waited longer than {oldest_s:.1f} s, {_MOST_OLDEST_S:.0f} are allowed",
            oldest_s <= _MOST_OLDEST_S,
        ),
        Promise(
            f"a segment takes {first:,.0f} B of the database, later {second:,.0f} B",
            second <= first * (1 + _MOST_GROWTH),
        ),
        Promise(
            f"{len(viewings.page_ms):,} replays were watched and {viewings.deleted} deleted; "
            f"answers by status: {dict(viewings.statuses)}",
            bool(viewings.page_ms) and not viewings.failures,
        ),
    ]


def main() -> None:
    """Start Playhead, keep it busy, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--rate", type=float, default=20, help="envelopes a second")
    parser.add_argument("--quiet", type=float, default=120, help="seconds until a replay is sealed")
    options = parser.parse_args()
    stream = EnvelopeStream(envelopes.make_corpus(["replay"]), {"replay": 1})
    settings = {"PLAYHEAD_PICTURES": "True", "PLAYHEAD_REPLAY_QUIET_S": f"{options.quiet}"}
    with tempfile.TemporaryDirectory(prefix="playhead-soak-") as folder:
        Path(folder).chmod(0o755)  # Postgres may be another user, who must be able to enter.
        place = Path(folder, "playhead")
        place.mkdir()
        with servers.start_playhead(place, settings=settings) as server:
            figures = uvloop.run(
                measure_soak(server, stream, seconds=options.minutes * 60, rate=options.rate)
            )
    files = sampling.find_extremes(figures.second_half)
    report_progress(
        "open files: "
        + ", ".join(f"{low} to {high} {kind}" for kind, (low, high) in sorted(files.items()))
    )
    report_progress("bytes of the database for a segment in the third and in the last quarter:")
    for name, first, second in figures.list_table_gains()[:_LISTED]:
        report_progress(f"{first:8,.0f} {second:8,.0f}  {name}")
    pages_ms = sorted(figures.viewings.page_ms) or [0.0]
    report_verdict(
        judge_soak(figures),
        {
            "programme": "soak",
            "minutes": options.minutes,
            "rate": options.rate,
            "statuses": dict(figures.answers.statuses),
            "outcomes": dict(figures.outcomes),
            "unsent": figures.answers.unsent,
            "p50_ms": round(figures.answers.percentile_ms(0.5), 1),
            "p99_ms": round(figures.answers.percentile_ms(0.99), 1),
            "mib_per_hour": round(figures.mib_per_hour, 2),
            "resident_mib": round(figures.samples[-1].resident_mib, 1),
            "peak_mib": round(figures.peak_mib, 1),
            "watched": len(figures.viewings.page_ms),
            "page_p50_ms": round(pages_ms[len(pages_ms) // 2]),
            "page_p99_ms": round(pages_ms[int(len(pages_ms) * 0.99)]),
            "deleted": figures.viewings.deleted,
        },
    )


if __name__ == "__main__":
    main()
