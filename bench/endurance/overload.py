"""S2: sends ten times what digest can do, and looks whether everything is kept or hung up on.

    python -m bench.endurance.overload --minutes 5

First the pace of digest is measured: envelopes are sent as fast as possible for some seconds, and
the time counts until they are stored. Then ten times as many are due, in an open loop, from a
thousand connections: what finds no free one is not sent, and counted. The journal is on a small
disk of its own, so that what is stored does not take its room; when it has no more, the server
hangs up, as it should. At the end the time is measured until everything is digested. Mounting that
disk needs root.

Source: docs/reliability.md, S2.
"""

import argparse
import asyncio
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

from app.core import clock
from bench.endurance.samples import ServerWatcher
from bench.endurance.verdict import Promise, report_progress, report_verdict
from bench.ingest import envelopes, load, servers
from bench.ingest.envelopes import EnvelopeStream
from bench.ingest.load import LOST, AnswerStatistics, SendingPace
from bench.ingest.servers import MeasuredServer
from tests.support.faults import mounts

_OK: Final = 200
_LIMITED: Final = 429
_TIMES: Final = 10
_MOST_MIB: Final = 512
_PROBE_S: Final = 8.0
_PROBE_CONNECTIONS: Final = 32
_CONNECTIONS: Final = 1_000
"""Few connections would wait for their answers and so send no more than is digested."""
_SAMPLE_S: Final = 5.0
_RESERVE_MIB: Final = 64
"""The free space at which the journal takes no more, so that its disk is never quite full."""
_INODES: Final = 65_536


@dataclass(frozen=True, slots=True)
class OverloadFigures:
    """What was measured."""

    digest_per_s: float
    answers: AnswerStatistics
    drain_s: float
    kept: int
    accepted: int
    """Envelopes that were answered 200 in all, those of the probe included."""
    most_backlog: int
    looks: int
    idle_looks: int
    """How often the backlog was looked at while envelopes were sent; and how often it was empty,
    although the server hung up on most of them."""
    peak_mib: float


async def measure_overload(
    server: MeasuredServer, stream: EnvelopeStream, *, seconds: float
) -> OverloadFigures:
    """Measure the pace of digest, overload the server, and wait until everything is digested."""
    probe_began_s = clock.monotonic_s()
    probe = await load.send_envelopes(
        server.target, stream, SendingPace(_PROBE_CONNECTIONS, _PROBE_S)
    )
    await server.wait_until_digested()
    digest_per_s = probe.count() / (clock.monotonic_s() - probe_began_s)
    report_progress(
        f"digest stores {digest_per_s:,.0f} envelopes a second; now {_TIMES} times so many"
    )
    watcher = ServerWatcher(server, interval_s=_SAMPLE_S)
    watching = asyncio.create_task(
        watcher.watch(
            lambda sample: report_progress(
                f"{sample.at_s:5.0f} s  {sample.backlog:9,} wait  {sample.resident_mib:4.0f} MiB"
            )
        )
    )
    pace = SendingPace(_CONNECTIONS, seconds, digest_per_s * _TIMES)
    answers = await load.send_envelopes(server.target, stream, pace)
    backlogs = [sample.backlog for sample in watcher.samples[1:]]
    drain_s = await server.wait_until_digested()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return OverloadFigures(
        digest_per_s,
        answers,
        drain_s,
        await server.count_kept(),
        (probe.statuses + answers.statuses)[_OK],
        max(backlogs),
        len(backlogs),
        backlogs.count(0),
        server.peak_mb(),
    )


def judge_overload(figures: OverloadFigures) -> list[Promise]:
    """Compare what was measured with what is promised."""
    others = Counter(figures.answers.statuses)
    for status in (_OK, LOST, _LIMITED):
        del others[status]
    return [
        Promise(f"answers are 200, 429 or a hang-up; others: {dict(others)}", not others),
        Promise(
            f"{figures.kept:,} of {figures.accepted:,} accepted envelopes are stored",
            figures.kept == figures.accepted,
        ),
        Promise(
            f"digest had work whenever it was looked at: {figures.looks - figures.idle_looks} of"
            f" {figures.looks} times",
            not figures.idle_looks,
        ),
        Promise(
            f"memory was {figures.peak_mib:.0f} MiB at most, {_MOST_MIB} are allowed",
            figures.peak_mib < _MOST_MIB,
        ),
        Promise(
            f"the backlog of {figures.most_backlog:,} was digested {figures.drain_s:.0f} s later",
            True,  # noqa: FBT003 - otherwise the run would not have ended
        ),
    ]


def main() -> None:
    """Start Playhead, overload it, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    mix = "replay=8,error=1,transaction=1"
    parser.add_argument("--mix", type=envelopes.parse_mix, default=mix, help="kind=share,…")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--journal-gib", type=float, default=4, help="the most that may wait")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("This needs root, to mount a disk for the journal.")
    stream = EnvelopeStream(envelopes.make_corpus([*options.mix]), options.mix)
    with tempfile.TemporaryDirectory(prefix="playhead-overload-") as folder:
        Path(folder).chmod(0o755)  # Postgres may be another user, who must be able to enter.
        settings = {
            "PLAYHEAD_JOURNAL_RESERVE_BYTES": str(_RESERVE_MIB * 1024**2),
            "PLAYHEAD_MAX_CONNECTIONS_PER_ADDRESS": "0",
        }
        place = Path(folder, "playhead")
        place.mkdir()
        disk_mib = int(options.journal_gib * 1024) + _RESERVE_MIB
        with (
            mounts.ext4(place / "journal", Path(folder, "disk"), size_mib=disk_mib, inodes=_INODES),
            servers.start_playhead(place, settings=settings) as server,
        ):
            figures = uvloop.run(measure_overload(server, stream, seconds=options.minutes * 60))
    report_verdict(
        judge_overload(figures),
        {
            "programme": "overload",
            "minutes": options.minutes,
            "digest_per_s": round(figures.digest_per_s),
            "due_per_s": round(figures.digest_per_s * _TIMES),
            "sent_per_s": round(figures.answers.count() / figures.answers.seconds),
            "unsent": figures.answers.unsent,
            "statuses": dict(figures.answers.statuses),
            "p99_ms": round(figures.answers.percentile_ms(0.99)),
            "most_backlog": figures.most_backlog,
            "drain_s": round(figures.drain_s, 1),
            "peak_mib": round(figures.peak_mib),
        },
    )


if __name__ == "__main__":
    main()
